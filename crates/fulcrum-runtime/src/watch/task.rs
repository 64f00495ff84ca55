//! The task: hears what has changed, and sets off what that means.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use fulcrum_config::{Domain, Program};
use fulcrum_logs::{FULCRUM, Level};
use fulcrum_watch::{
    Action, Advice, Batch, Change, Coalescer, News, Options, Pace, Spec, WatchError, Watcher,
};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::time::{Instant, sleep_until};

use crate::context::{Shared, now as wall_clock};
use crate::shutdown::stage::Stage;
use crate::state::domain::Desk;
use crate::state::modules;
use crate::watch::classify::{Target, meaning};
use crate::watch::loops::Suspects;
use crate::watch::options::Watching;
use crate::watch::pending::Renewals;
use crate::watch::spec::{Loaded, TOLD, wanted};
use crate::watch::{assets, config_reload, display, load_state, loops, remote_fs, status};

type Due = Action<Target, PathBuf>;

/// What others tell the task.
pub(crate) enum Word {
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
    suspects: Suspects,
    /// What can't be judged before a domain has told what it loads, by domain and file.
    undecided: BTreeMap<(String, PathBuf), Change>,
    /// When the first change was heard of that waits for its action.
    since: BTreeMap<Target, Instant>,
    renewals: Renewals,
    tell: UnboundedSender<Word>,
    words: UnboundedReceiver<Word>,
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
        if how.poll.is_none()
            && let Some(advice) = remote_fs::advice(&house.agenda().app.root)
        {
            house.say(Level::Warn, advice);
        }
        let (tell, words) = mpsc::unbounded_channel();
        let mut task = Self {
            house: Shared::clone(house),
            watcher,
            spec,
            coalescer: Coalescer::new(Pace::default()),
            suspects: Suspects::new(),
            undecided: BTreeMap::new(),
            since: BTreeMap::new(),
            renewals: Renewals::new(tell.clone()),
            tell,
            words,
        };
        task.refit().await;
        Ok(task)
    }

    async fn run(&mut self) {
        let mut agendas = self.house.agendas.clone();
        loop {
            let deadline = [self.coalescer.deadline(), self.suspects.deadline()];
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
                    Some(News::Notice(notice)) => status::tell(&self.house, notice),
                    None => {
                        let text = "files aren't watched any more: their watcher has ended, which is a defect of Fulcrum's";
                        return self.house.say(Level::Error, text);
                    }
                },
                Ok(()) = agendas.changed() => self.refit().await,
                Some(word) = self.words.recv() => match word {
                    Word::Begun { name, number } => self.renewals.begun(&name, number),
                    Word::Rejected { name, number } => {
                        self.renewals.over(&name, number);
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
                let before = desk.modules.borrow().clone();
                modules::refresh(desk, &modules::file(folder, name));
                self.catch_up(name, before.as_deref(), desk);
            }
            if let Some(modules) = desk.modules.borrow().clone() {
                loaded.insert(name.clone(), modules);
            }
        }
        let gone = self
            .suspects
            .names()
            .filter(|name| !desks.contains_key(*name));
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

    /// What was changed between its being loaded and its being watched is reloaded as well.
    fn catch_up(&mut self, name: &str, before: Option<&BTreeSet<PathBuf>>, desk: &Desk) {
        let Some(domain) = self.house.domain(name) else {
            return;
        };
        let handle = self.house.supervisor.domain(name);
        let Some(spawned) = handle.and_then(|handle| handle.snapshot().spawned_at) else {
            return;
        };
        let modules = desk.modules.borrow().clone().unwrap_or_default();
        // In its own folder nothing goes unnoticed.
        let is_new = |path: &&PathBuf| {
            let was_known = before.is_some_and(|before| before.contains(*path));
            !was_known && !path.starts_with(&domain.dir)
        };
        let now = Instant::now();
        for path in modules.iter().filter(is_new) {
            if loops::written(path, now).is_some_and(|at| at > spawned) {
                let target = Target::Code(name.to_owned());
                self.since.entry(target.clone()).or_insert(now);
                let path = path.clone();
                self.coalescer.changed(target, path, true, now.into_std());
            }
        }
    }

    fn forget(&mut self, name: &String) {
        self.suspects.forget(name);
        self.renewals.forget(name);
        self.undecided.retain(|(of, _), _| of != name);
        for target in [Target::Code(name.clone()), Target::Asset(name.clone())] {
            self.coalescer.forget(&target);
            self.since.remove(&target);
        }
    }

    /// Takes in changes.
    fn hear(&mut self, batch: Batch) {
        let now = Instant::now();
        let agenda = self.house.agenda();
        let seen = load_state::seen(&self.house, &self.renewals);
        let alone = batch.is_alone();
        let mut told: BTreeMap<Target, BTreeSet<PathBuf>> = BTreeMap::new();
        self.suspects.learn(&self.house.supervisor);
        let again = std::mem::take(&mut self.undecided).into_values();
        for change in &again.chain(batch.changes).collect::<Vec<_>>() {
            let meaning = meaning(&agenda.app, &seen, change, real);
            for name in meaning.undecided {
                let only = Change {
                    keys: vec![name.as_str().into()],
                    ..change.clone()
                };
                self.undecided.insert((name, change.path.clone()), only);
            }
            for target in meaning.targets {
                let path = change.path.clone();
                let act = match &target {
                    // Nothing is started for an asset, and settings that stay the same start nothing.
                    Target::Asset(_) | Target::Configuration => true,
                    Target::Code(name) => match self.suspects.changed(name, change, now) {
                        Advice::Act => true,
                        Advice::Loop { reloads } => {
                            self.tell_loop(name, &path, reloads);
                            false
                        }
                        Advice::Wait | Advice::Known => false,
                    },
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

    /// Does what is due.
    fn act(&mut self) {
        let now = Instant::now();
        for (name, files) in self.suspects.due(now) {
            let target = Target::Code(name);
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

    fn configure(&self, action: &Due, since: Instant, rest: Vec<(Due, Instant)>) {
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
            config_reload::carry_out(&house, what, since, planned).await;
        });
    }

    fn carry_out(&mut self, action: Due, since: Instant) {
        match action.key {
            Target::Configuration => {}
            Target::Asset(name) => assets::tell(&self.house, &name, &action.items),
            Target::Code(name) => {
                self.renewals.await_life(&name, action.items);
                // What is being deleted isn't restarted: the configuration says what becomes of it.
                let domain = self.house.domain(&name);
                if domain.is_some_and(|domain| is_there(&domain)) {
                    self.renewals.begin(&self.house, &name, since);
                }
            }
        }
    }

    fn tell_loop(&self, name: &str, path: &Path, reloads: u32) {
        let target = Target::Code(name.to_owned());
        let file = self.shown(&target, &BTreeSet::from([path.to_owned()]));
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

    fn shown(&self, target: &Target, files: &BTreeSet<PathBuf>) -> String {
        let agenda = self.house.agenda();
        let root = agenda.app.root.as_path();
        let dir = match target {
            Target::Code(name) | Target::Asset(name) => {
                agenda.app.domain(name).map(|domain| domain.dir.as_path())
            }
            Target::Configuration => None,
        };
        display::files(files, &[dir.unwrap_or(root), root])
    }

    fn generation(&self, name: &str) -> u64 {
        let handle = self.house.supervisor.domain(name);
        handle.map_or(0, |handle| handle.snapshot().generation)
    }
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
