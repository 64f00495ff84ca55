//! The task: hears what has changed, and sets off what that means.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use fulcrum_config::{Domain, Program};
use fulcrum_logs::{FULCRUM_SOURCE, Level};
use fulcrum_watch::{
    Batch, Change, Coalescer, CoalescerConfig, DueAction, LoopDecision, WatchError, WatchEvent,
    WatchOptions, WatchSpec, Watcher,
};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::time::{Instant, sleep_until};

use crate::context::{SharedContext, now as wall_clock};
use crate::shutdown::stage::ShutdownStage;
use crate::state::domain::DomainState;
use crate::state::modules;
use crate::watch::classify::{ReloadTarget, meaning};
use crate::watch::loops::ReloadLoopDetector;
use crate::watch::pending::PendingReloads;
use crate::watch::spec::{Loaded, MODULE_REPORTS_KEY, patterns};
use crate::watch::{assets, config_reload, display, load_state, loops, status};
use fulcrum_config::FileWatchOptions;

type Due = DueAction<ReloadTarget, PathBuf>;

/// What others tell the task.
pub(crate) enum WatchMessage {
    /// All that had changed is part of this reload, which has begun.
    ReloadStarted { name: String, number: u64 },
    /// This reload is none: its files are broken.
    ReloadRejected { name: String, number: u64 },
    /// Settings were compared; this is left to do.
    PlanReady(Vec<(Due, Instant)>),
}

/// Watches the files of the app until the instance ends.
pub(crate) async fn watch(house: SharedContext, how: FileWatchOptions) {
    let over = house.closing.clone();
    let work = async {
        match Task::start(&house, how).await {
            Ok(mut task) => task.run().await,
            Err(error) => house.log(Level::Error, format!("files aren't watched: {error}")),
        }
    };
    tokio::select! {
        biased;
        () = over.wait_for(ShutdownStage::Stopping) => {}
        () = work => {}
    }
}

struct Task {
    house: SharedContext,
    watcher: Watcher,
    spec: WatchSpec,
    coalescer: Coalescer<ReloadTarget, PathBuf>,
    suspects: ReloadLoopDetector,
    /// What can't be judged before a domain has told what it loads, by domain and file.
    undecided: BTreeMap<(String, PathBuf), Change>,
    /// When the first change was heard of that waits for its action.
    since: BTreeMap<ReloadTarget, Instant>,
    renewals: PendingReloads,
    tell: UnboundedSender<WatchMessage>,
    words: UnboundedReceiver<WatchMessage>,
}

impl Task {
    async fn start(house: &SharedContext, how: FileWatchOptions) -> Result<Self, WatchError> {
        let options = WatchOptions {
            poll: how.poll,
            fallback: FileWatchOptions::POLL,
        };
        let spec = patterns(
            &house.agenda().app,
            &Loaded::new(),
            house.modules.as_deref(),
        );
        let watcher = Watcher::start(&spec, options).await?;
        if how.poll.is_none()
            && let Some(advice) = fulcrum_watch::polling_hint(&house.agenda().app.root)
        {
            house.log(Level::Warn, advice);
        }
        let (tell, words) = mpsc::unbounded_channel();
        let mut task = Self {
            house: SharedContext::clone(house),
            watcher,
            spec,
            coalescer: Coalescer::new(CoalescerConfig::default()),
            suspects: ReloadLoopDetector::new(),
            undecided: BTreeMap::new(),
            since: BTreeMap::new(),
            renewals: PendingReloads::new(tell.clone()),
            tell,
            words,
        };
        task.update_spec().await;
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
                    Some(WatchEvent::Changes(batch)) => {
                        if batch.changes.iter().any(is_module_report) {
                            self.update_spec().await;
                        }
                        self.handle_batch(batch);
                    }
                    Some(WatchEvent::WatchStatus(notice)) => status::log_status(&self.house, notice),
                    None => {
                        let text = "files aren't watched any more: their watcher has ended, which is a defect of Fulcrum's";
                        return self.house.log(Level::Error, text);
                    }
                },
                Ok(()) = agendas.changed() => self.update_spec().await,
                Some(word) = self.words.recv() => match word {
                    WatchMessage::ReloadStarted { name, number } => self.renewals.on_started(&name, number),
                    WatchMessage::ReloadRejected { name, number } => {
                        self.renewals.on_finished(&name, number);
                    }
                    WatchMessage::PlanReady(rest) => {
                        for (action, since) in rest {
                            self.carry_out(action, since);
                        }
                    }
                },
                () = alarm => {}
            }
            self.run_due();
        }
    }

    /// Watches what is to be watched now.
    async fn update_spec(&mut self) {
        let agenda = self.house.agenda();
        let desks = self.house.desks.all();
        let mut loaded = Loaded::new();
        for (name, desk) in desks.iter() {
            if let Some(folder) = &self.house.modules {
                let before = desk.loaded_modules.borrow().clone();
                modules::refresh(desk, &modules::file(folder, name));
                self.check_missed_changes(name, before.as_deref(), desk);
            }
            if let Some(modules) = desk.loaded_modules.borrow().clone() {
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
        let spec = patterns(&agenda.app, &loaded, self.house.modules.as_deref());
        if spec == self.spec {
            return;
        }
        match self.watcher.update(&spec).await {
            Ok(()) => self.spec = spec,
            Err(error) => {
                let text = format!("files are watched as before: {error}");
                self.house.log(Level::Error, text);
            }
        }
    }

    /// What was changed between its being loaded and its being watched is reloaded as well.
    fn check_missed_changes(
        &mut self,
        name: &str,
        before: Option<&BTreeSet<PathBuf>>,
        desk: &DomainState,
    ) {
        let Some(domain) = self.house.domain(name) else {
            return;
        };
        let handle = self.house.supervisor.domain(name);
        let Some(spawned) = handle.and_then(|handle| handle.snapshot().spawned_at) else {
            return;
        };
        let modules = desk.loaded_modules.borrow().clone().unwrap_or_default();
        // In its own folder nothing goes unnoticed.
        let is_new = |path: &&PathBuf| {
            let was_known = before.is_some_and(|before| before.contains(*path));
            !was_known && !path.starts_with(&domain.dir)
        };
        let now = Instant::now();
        for path in modules.iter().filter(is_new) {
            if loops::modified_at(path, now).is_some_and(|at| at > spawned) {
                let target = ReloadTarget::Code(name.to_owned());
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
        for target in [
            ReloadTarget::Code(name.clone()),
            ReloadTarget::Asset(name.clone()),
        ] {
            self.coalescer.forget(&target);
            self.since.remove(&target);
        }
    }

    /// Takes in changes.
    fn handle_batch(&mut self, batch: Batch) {
        let now = Instant::now();
        let agenda = self.house.agenda();
        let seen = load_state::domain_views(&self.house, &self.renewals);
        let alone = batch.is_single();
        let mut told: BTreeMap<ReloadTarget, BTreeSet<PathBuf>> = BTreeMap::new();
        self.suspects.update(&self.house.supervisor);
        let again = std::mem::take(&mut self.undecided).into_values();
        for change in &again.chain(batch.changes).collect::<Vec<_>>() {
            let meaning = meaning(&agenda.app, &seen, change, canonical_or_parent);
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
                    ReloadTarget::Asset(_) | ReloadTarget::Configuration => true,
                    ReloadTarget::Code(name) => match self.suspects.changed(name, change, now) {
                        LoopDecision::Proceed => true,
                        LoopDecision::LoopDetected { reloads } => {
                            self.log_loop(name, &path, reloads);
                            false
                        }
                        LoopDecision::Defer | LoopDecision::Suppress => false,
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
                ReloadTarget::Configuration => {
                    self.house
                        .journal
                        .record(FULCRUM_SOURCE, 0, "changed", text)
                }
                ReloadTarget::Code(name) => {
                    let generation = self.generation(name);
                    self.house.journal.record(name, generation, "changed", text);
                }
                ReloadTarget::Asset(_) => {}
            }
        }
    }

    /// Does what is due.
    fn run_due(&mut self) {
        let now = Instant::now();
        for (name, files) in self.suspects.due(now) {
            let target = ReloadTarget::Code(name);
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
                ReloadTarget::Configuration => settings = Some((action, since)),
                ReloadTarget::Code(_) | ReloadTarget::Asset(_) => rest.push((action, since)),
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
        let (house, tell) = (SharedContext::clone(&self.house), self.tell.clone());
        tokio::spawn(async move {
            let planned = |begun: BTreeSet<String>| {
                let is_left = |(action, _): &(Due, Instant)| match &action.key {
                    ReloadTarget::Code(name) => !begun.contains(name),
                    ReloadTarget::Configuration | ReloadTarget::Asset(_) => true,
                };
                let rest = rest.into_iter().filter(is_left).collect();
                // Nobody hears it at the instance's end.
                let _ = tell.send(WatchMessage::PlanReady(rest));
            };
            config_reload::carry_out(&house, what, since, planned).await;
        });
    }

    fn carry_out(&mut self, action: Due, since: Instant) {
        match action.key {
            ReloadTarget::Configuration => {}
            ReloadTarget::Asset(name) => assets::publish(&self.house, &name, &action.items),
            ReloadTarget::Code(name) => {
                self.renewals.add_pending(&name, action.items);
                // What is being deleted isn't restarted: the configuration says what becomes of it.
                let domain = self.house.domain(&name);
                if domain.is_some_and(|domain| is_there(&domain)) {
                    self.renewals.begin(&self.house, &name, since);
                }
            }
        }
    }

    fn log_loop(&self, name: &str, path: &Path, reloads: u32) {
        let target = ReloadTarget::Code(name.to_owned());
        let file = self.shown(&target, &BTreeSet::from([path.to_owned()]));
        let text = format!(
            "{file} changes with each start, {reloads} times now: it is no reason for a reload any more until somebody else changes it\n  \
             hint: have it written elsewhere, or add it to `process.watch.ignore`"
        );
        let generation = self.generation(name);
        self.house
            .journal
            .record(name, generation, "watch_loop", text.clone());
        self.house
            .hub
            .publish_event(name, generation, Level::Warn, text, wall_clock());
    }

    fn shown(&self, target: &ReloadTarget, files: &BTreeSet<PathBuf>) -> String {
        let agenda = self.house.agenda();
        let root = agenda.app.root.as_path();
        let dir = match target {
            ReloadTarget::Code(name) | ReloadTarget::Asset(name) => {
                agenda.app.domain(name).map(|domain| domain.dir.as_path())
            }
            ReloadTarget::Configuration => None,
        };
        display::display_files(files, &[dir.unwrap_or(root), root])
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
        Program::NoProcess => false,
    }
}

/// A file's path without links, also when it isn't there any more.
fn canonical_or_parent(path: &Path) -> PathBuf {
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
fn is_module_report(change: &Change) -> bool {
    change
        .keys
        .iter()
        .any(|key| key.as_ref() == MODULE_REPORTS_KEY)
}
