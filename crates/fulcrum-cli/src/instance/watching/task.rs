//! The task: hears what has changed, and sets off what that means.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use fulcrum_config::{Domain, Program};
use fulcrum_logs::{FULCRUM, Level};
use fulcrum_spawn::lifecycle::Phase;
use fulcrum_watch::{
    Action, Advice, Batch, Change, Coalescer, LoopGuard, LoopLimits, News, Options, Pace, Spec,
    WatchError, Watcher,
};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep_until};

use super::super::closing::Stage;
use super::super::house::{Shared, now as wall_clock};
use super::super::modules;
use super::checking::Checker;
use super::meaning::{Seen, Target, meaning};
use super::renewing::Renewal;
use super::wanted::{Loaded, TOLD, wanted};
use super::{Watching, assets, configuring, notices, shown};

/// The clock of a file's times stands still for so long: what a process writes at once may seem to
/// have been written before it was there.
const COARSE: Duration = Duration::from_millis(10);

/// Each start is said to be over, so the time matters only for one that never comes to an end.
const LIMITS: LoopLimits = LoopLimits {
    soon: Duration::from_secs(60),
    doubt: Duration::from_secs(1),
    rounds: 4,
};

/// A life that has been ready for so long has told what it has loaded.
const STEADY: Duration = Duration::from_secs(1);

type Due = Action<Target, PathBuf>;

/// What others tell the task.
pub(super) enum Word {
    /// All that had changed is part of this reload, which has begun.
    Begun { name: String, number: u64 },
    /// This reload is none: its files are broken.
    Rejected { name: String, number: u64 },
    /// Settings were compared; this is left to do.
    Planned(Vec<(Due, Instant)>),
}

/// Watches the files of the app until the instance ends.
pub(crate) async fn watch(house: Shared, how: Watching) {
    let over = house.closing.clone();
    let work = async {
        match Task::start(&house, how).await {
            Ok(mut task) => task.run().await,
            Err(error) => house.say(Level::Error, format!("files aren't watched: {error}")),
        }
    };
    tokio::select! {
        biased;
        () = over.reached(Stage::Stopping) => {}
        () = work => {}
    }
}

struct Task {
    house: Shared,
    watcher: Watcher,
    spec: Spec,
    coalescer: Coalescer<Target, PathBuf>,
    guard: LoopGuard<Target, PathBuf>,
    /// The latest life of each domain that the guard knows of.
    lives: BTreeMap<String, u64>,
    /// When the first change was heard of that waits for its action.
    since: BTreeMap<Target, Instant>,
    /// What has changed of a domain that no life was begun with.
    pending: BTreeMap<String, BTreeSet<PathBuf>>,
    /// The latest reload of each domain.
    renewals: BTreeMap<String, Latest>,
    renewed: u64,
    checker: Arc<Checker>,
    tell: UnboundedSender<Word>,
    words: UnboundedReceiver<Word>,
}

struct Latest {
    number: u64,
    since: Instant,
    /// It has begun a life, or was rejected.
    is_over: bool,
    task: AbortHandle,
}

impl Task {
    async fn start(house: &Shared, how: Watching) -> Result<Self, WatchError> {
        let options = Options {
            poll: how.poll,
            fallback: Watching::POLL,
        };
        let spec = wanted(
            &house.agenda().app,
            &Loaded::new(),
            house.modules.as_deref(),
        );
        let watcher = Watcher::start(&spec, options).await?;
        let (tell, words) = mpsc::unbounded_channel();
        let mut task = Self {
            house: Shared::clone(house),
            watcher,
            spec,
            coalescer: Coalescer::new(Pace::default()),
            guard: LoopGuard::new(LIMITS),
            lives: BTreeMap::new(),
            since: BTreeMap::new(),
            pending: BTreeMap::new(),
            renewals: BTreeMap::new(),
            renewed: 0,
            checker: Arc::default(),
            tell,
            words,
        };
        task.refit().await;
        Ok(task)
    }

    async fn run(&mut self) {
        let mut agendas = self.house.agendas.clone();
        loop {
            let deadline = [self.coalescer.deadline(), self.guard.deadline()];
            let deadline = deadline.into_iter().flatten().min();
            let alarm = async {
                match deadline {
                    Some(at) => sleep_until(at.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                news = self.watcher.next() => match news {
                    Some(News::Changes(batch)) => {
                        if batch.changes.iter().any(is_told) {
                            self.refit().await;
                        }
                        self.hear(batch);
                    }
                    Some(News::Notice(notice)) => notices::tell(&self.house, notice),
                    None => {
                        let text = "files aren't watched any more: their watcher has ended, which is a defect of Fulcrum's";
                        return self.house.say(Level::Error, text);
                    }
                },
                Ok(()) = agendas.changed() => self.refit().await,
                Some(word) = self.words.recv() => match word {
                    Word::Begun { name, number } => self.begun(&name, number),
                    Word::Rejected { name, number } => {
                        self.over(&name, number);
                    }
                    Word::Planned(rest) => {
                        for (action, since) in rest {
                            self.carry_out(action, since);
                        }
                    }
                },
                () = alarm => {}
            }
            self.act();
        }
    }

    /// Watches what is to be watched now.
    async fn refit(&mut self) {
        let agenda = self.house.agenda();
        let desks = self.house.desks.all();
        let mut loaded = Loaded::new();
        for (name, desk) in desks.iter() {
            if let Some(folder) = &self.house.modules {
                modules::refresh(desk, &modules::file(folder, name));
            }
            if let Some(modules) = desk.modules.borrow().clone() {
                loaded.insert(name.clone(), modules);
            }
        }
        let known: BTreeSet<&String> = self.lives.keys().chain(self.renewals.keys()).collect();
        let gone = known.into_iter().filter(|name| !desks.contains_key(*name));
        let gone: Vec<String> = gone.cloned().collect();
        for name in gone {
            self.forget(&name);
        }
        let spec = wanted(&agenda.app, &loaded, self.house.modules.as_deref());
        if spec == self.spec {
            return;
        }
        match self.watcher.update(&spec).await {
            Ok(()) => self.spec = spec,
            Err(error) => {
                let text = format!("files are watched as before: {error}");
                self.house.say(Level::Error, text);
            }
        }
    }

    fn forget(&mut self, name: &str) {
        if let Some(latest) = self.renewals.remove(name) {
            latest.task.abort();
        }
        self.pending.remove(name);
        self.lives.remove(name);
        for target in [
            Target::Code(name.to_owned()),
            Target::Asset(name.to_owned()),
        ] {
            self.coalescer.forget(&target);
            self.guard.forget(&target);
            self.since.remove(&target);
        }
    }

    /// Takes in changes.
    fn hear(&mut self, batch: Batch) {
        let now = Instant::now();
        let agenda = self.house.agenda();
        let seen = self.seen();
        let alone = batch.is_alone();
        let mut told: BTreeMap<Target, BTreeSet<PathBuf>> = BTreeMap::new();
        self.learn_of_lives();
        for change in &batch.changes {
            for target in meaning(&agenda.app, &seen, change, real) {
                let path = change.path.clone();
                let act = match &target {
                    // Nothing is started for it, so it sets off nothing.
                    Target::Asset(_) => true,
                    Target::Configuration | Target::Code(_) => {
                        match self
                            .guard
                            .changed(&target, &path, written(change, now).into_std())
                        {
                            Advice::Act => true,
                            Advice::Loop { reloads } => {
                                self.tell_loop(&target, &path, reloads);
                                false
                            }
                            Advice::Wait | Advice::Known => false,
                        }
                    }
                };
                if act {
                    self.since.entry(target.clone()).or_insert(now);
                    self.coalescer
                        .changed(target.clone(), path.clone(), alone, now.into_std());
                }
                told.entry(target).or_default().insert(path);
            }
        }
        for (target, files) in told {
            let text = format!("{} changed", self.shown(&target, &files));
            match &target {
                Target::Configuration => self.house.journal.note(FULCRUM, 0, "changed", text),
                Target::Code(name) => {
                    let generation = self.generation(name);
                    self.house.journal.note(name, generation, "changed", text);
                }
                Target::Asset(_) => {}
            }
        }
    }

    /// Tells the guard which lives have begun, and which are as far as they come by themselves.
    fn learn_of_lives(&mut self) {
        for handle in self.house.supervisor.domains() {
            let life = handle.snapshot();
            let target = Target::Code(handle.name().to_owned());
            let known = self.lives.entry(handle.name().to_owned()).or_default();
            let spawned = life.spawned_at.and_then(|at| at.checked_sub(COARSE));
            if let Some(at) = spawned.filter(|_| life.generation > *known) {
                // One in which nothing has changed was no link of a chain.
                for _ in 0..(life.generation - *known).min(2) {
                    self.guard.started(&target, at.into_std());
                }
                *known = life.generation;
            }
            match life.phase {
                Phase::Running if life.ready => {
                    let ready = life.spawned_at.zip(life.ready_after);
                    let at = ready.map_or_else(Instant::now, |(spawned, after)| spawned + after);
                    self.guard.settled(&target, at.into_std());
                }
                Phase::Running
                | Phase::Starting
                | Phase::Waiting
                | Phase::Preparing
                | Phase::Stopping => {}
                Phase::Backoff | Phase::Stopped | Phase::Failed | Phase::Stuck => {
                    self.guard.settled(&target, Instant::now().into_std());
                }
            }
        }
    }

    /// Does what is due.
    fn act(&mut self) {
        let now = Instant::now();
        for (target, files) in self.guard.due(now.into_std()) {
            self.since.entry(target.clone()).or_insert(now);
            for file in files {
                self.coalescer
                    .changed(target.clone(), file, true, now.into_std());
            }
        }
        let mut settings = None;
        let mut rest = Vec::new();
        for action in self.coalescer.due(now.into_std()) {
            let since = self.since.remove(&action.key).unwrap_or(now);
            match &action.key {
                Target::Configuration => settings = Some((action, since)),
                Target::Code(_) | Target::Asset(_) => rest.push((action, since)),
            }
        }
        match settings {
            Some((action, since)) => self.configure(&action, since, rest),
            None => rest
                .into_iter()
                .for_each(|(action, since)| self.carry_out(action, since)),
        }
    }

    fn configure(&mut self, action: &Due, since: Instant, rest: Vec<(Due, Instant)>) {
        self.guard.started(&action.key, Instant::now().into_std());
        let what = self.shown(&action.key, &action.items);
        let (house, tell) = (Shared::clone(&self.house), self.tell.clone());
        tokio::spawn(async move {
            let planned = |begun: BTreeSet<String>| {
                let is_left = |(action, _): &(Due, Instant)| match &action.key {
                    Target::Code(name) => !begun.contains(name),
                    Target::Configuration | Target::Asset(_) => true,
                };
                let rest = rest.into_iter().filter(is_left).collect();
                // Nobody hears it at the instance's end.
                let _ = tell.send(Word::Planned(rest));
            };
            configuring::carry_out(&house, what, since, planned).await;
        });
    }

    fn carry_out(&mut self, action: Due, since: Instant) {
        match action.key {
            Target::Configuration => {}
            Target::Asset(name) => assets::tell(&self.house, &name, &action.items),
            Target::Code(name) => {
                self.pending
                    .entry(name.clone())
                    .or_default()
                    .extend(action.items);
                // What is being deleted isn't restarted: the configuration says what becomes of it.
                if self
                    .house
                    .domain(&name)
                    .is_some_and(|domain| is_there(&domain))
                {
                    self.renew(name, since);
                }
            }
        }
    }

    fn renew(&mut self, name: String, since: Instant) {
        let mut since = since;
        if let Some(old) = self.renewals.remove(&name) {
            old.task.abort();
            if !old.is_over {
                since = since.min(old.since);
            }
        }
        let files = self.pending.get(&name).cloned().unwrap_or_default();
        self.renewed += 1;
        let number = self.renewed;
        let renewal = Renewal {
            house: Shared::clone(&self.house),
            name: name.clone(),
            number,
            files,
            since,
            checker: Arc::clone(&self.checker),
            tell: self.tell.clone(),
        };
        let task = tokio::spawn(renewal.carry_out()).abort_handle();
        let latest = Latest {
            number,
            since,
            is_over: false,
            task,
        };
        self.renewals.insert(name, latest);
    }

    fn begun(&mut self, name: &str, number: u64) {
        if self.over(name, number) {
            self.pending.remove(name);
        }
    }

    /// A reload needs nothing more of what was heard. False if another one has overtaken it.
    fn over(&mut self, name: &str, number: u64) -> bool {
        let latest = self.renewals.get_mut(name);
        let latest = latest.filter(|latest| latest.number == number);
        latest.map(|latest| latest.is_over = true).is_some()
    }

    fn tell_loop(&self, target: &Target, path: &Path, reloads: u32) {
        let file = self.shown(target, &BTreeSet::from([path.to_owned()]));
        let name = match target {
            Target::Code(name) | Target::Asset(name) => name,
            Target::Configuration => FULCRUM,
        };
        let text = format!(
            "{file} changes with each start, {reloads} times now: it is no reason for a reload any more until somebody else changes it\n  \
             hint: have it written elsewhere, or add it to `process.watch.ignore`"
        );
        let generation = self.generation(name);
        self.house
            .journal
            .note(name, generation, "watch_loop", text.clone());
        self.house
            .hub
            .announce(name, generation, Level::Warn, text, wall_clock());
    }

    /// What is known of the domains now.
    fn seen(&self) -> BTreeMap<String, Seen> {
        let desks = self.house.desks.all();
        let seen = desks.iter().map(|(name, desk)| {
            let modules = desk.modules.borrow().clone();
            let handle = self.house.supervisor.domain(name);
            let ready = handle.and_then(|handle| {
                let life = handle.snapshot();
                let at = life.spawned_at? + life.ready_after?;
                (life.phase == Phase::Running && life.ready).then_some(at)
            });
            let seen = Seen {
                modules,
                waiting: self.pending.get(name).cloned().unwrap_or_default(),
                is_steady: ready.is_some_and(|at| at.elapsed() >= STEADY),
            };
            (name.clone(), seen)
        });
        seen.collect()
    }

    fn shown(&self, target: &Target, files: &BTreeSet<PathBuf>) -> String {
        let agenda = self.house.agenda();
        let root = agenda.app.root.as_path();
        let dir = match target {
            Target::Code(name) | Target::Asset(name) => {
                agenda.app.domain(name).map(|domain| domain.dir.as_path())
            }
            Target::Configuration => None,
        };
        shown::files(files, &[dir.unwrap_or(root), root])
    }

    fn generation(&self, name: &str) -> u64 {
        let handle = self.house.supervisor.domain(name);
        handle.map_or(0, |handle| handle.snapshot().generation)
    }
}

/// When a file was written, by its own account: it may be heard of a while later.
fn written(change: &Change, now: Instant) -> Instant {
    let status = std::fs::metadata(&change.path).ok();
    let seconds = |status: std::fs::Metadata| {
        let (whole, part) = (status.ctime(), status.ctime_nsec());
        let at = Duration::new(whole.try_into().ok()?, part.try_into().ok()?);
        wall_clock().duration_since(UNIX_EPOCH + at).ok()
    };
    let age = status.and_then(seconds).unwrap_or_default();
    now.checked_sub(age).unwrap_or(now)
}

/// Whether there is something to start.
fn is_there(domain: &Domain) -> bool {
    match &domain.program {
        Program::Node { entry } => entry.exists(),
        Program::Command(_) => domain.dir.exists(),
        Program::None => false,
    }
}

/// A file's path without links, also when it isn't there any more.
fn real(path: &Path) -> PathBuf {
    let resolved = path.canonicalize().ok();
    let by_folder = || {
        let folder = path.parent()?.canonicalize().ok()?;
        Some(folder.join(path.file_name()?))
    };
    resolved
        .or_else(by_folder)
        .unwrap_or_else(|| path.to_owned())
}

/// Whether it is a domain that has told which code it has loaded.
fn is_told(change: &Change) -> bool {
    change.keys.iter().any(|key| key.as_ref() == TOLD)
}
