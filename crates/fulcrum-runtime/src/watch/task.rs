//! The file watch task: collects changes, and starts reloads when they are due.

use std::collections::{BTreeMap, BTreeSet};
use std::future;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fulcrum_config::{App, Domain, FileWatchOptions};
use fulcrum_logs::{FULCRUM_SOURCE, Hub, Level, with_code};
use fulcrum_spawn::prepare::report_file;
use fulcrum_spawn::supervisor::Supervisor;
use fulcrum_watch::{
    Batch, Change, Coalescer, CoalescerConfig, LoopDecision, WatchError, WatchEvent, WatchOptions,
    WatchSpec, Watcher, polling_hint,
};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::time::{Instant, sleep_until};

use crate::code::Code;
use crate::events::log::EventLog;
use crate::format::display_files;
use crate::log_lines::log_for_domain;
use crate::shutdown::stage::{ShutdownSignal, ShutdownStage};
use crate::state::desired::DesiredStateReceiver;
use crate::state::domain::SharedDomainStates;
use crate::state::modules;
use crate::watch::assets::AssetPublisher;
use crate::watch::checkouts::Checkouts;
use crate::watch::classify::{ReloadTarget, classify};
use crate::watch::code_reload::CodeReloadHandles;
use crate::watch::config_reload::ConfigReloader;
use crate::watch::facts::{canonical_or_parent, has_dependents, is_module_report, program_exists};
use crate::watch::links::{LoadedLinks, entry_has_moved, links_of, with_links};
use crate::watch::load_state::{domain_views, is_by_install};
use crate::watch::loops::ReloadLoopDetector;
use crate::watch::messages::{Due, WatchMessage};
use crate::watch::missed::missed_changes;
use crate::watch::pending::PendingReloads;
use crate::watch::spec::{LoadedFiles, build_spec};
use crate::watch::status::log_status;

/// Changes that are acted on within this time are one change, such as a checkout: its files are not
/// all written at once.
const SAME_CHANGE: Duration = Duration::from_millis(15);

/// What the watch task reads and writes.
pub(crate) struct WatchHandles {
    pub(crate) desired: DesiredStateReceiver,
    pub(crate) states: SharedDomainStates,
    pub(crate) supervisor: Supervisor,
    /// The directory in which domains report the files that they have loaded.
    pub(crate) module_reports: Option<PathBuf>,
    pub(crate) assets: AssetPublisher,
    pub(crate) config: ConfigReloader,
    pub(crate) code: CodeReloadHandles,
    pub(crate) events: EventLog,
    pub(crate) hub: Hub,
    pub(crate) shutdown: ShutdownSignal,
}

/// Watches the files of the app until a shutdown is requested.
pub(crate) async fn run(handles: WatchHandles, options: FileWatchOptions) {
    let (shutdown, hub) = (handles.shutdown.clone(), handles.hub.clone());
    let work = async {
        match WatchTask::start(handles, options).await {
            Ok(mut task) => task.run().await,
            Err(error) => {
                let text = format!("cannot watch files: {error}");
                hub.log(Level::Error, with_code(&text, Code::CannotWatch));
            }
        }
    };
    tokio::select! {
        biased;
        () = shutdown.wait_for(ShutdownStage::Stopping) => {}
        () = work => {}
    }
}

struct WatchTask {
    handles: WatchHandles,
    watcher: Watcher,
    spec: WatchSpec,
    /// What the domains have loaded.
    loaded: LoadedFiles,
    coalescer: Coalescer<ReloadTarget, PathBuf>,
    checkouts: Checkouts,
    loops: ReloadLoopDetector,
    /// Changes that cannot be classified before a domain has reported what it loads, by domain and
    /// file.
    undecided: BTreeMap<(String, PathBuf), Change>,
    /// When the first change was noticed that waits for its action.
    since: BTreeMap<ReloadTarget, Instant>,
    pending: PendingReloads,
    sender: UnboundedSender<WatchMessage>,
    messages: UnboundedReceiver<WatchMessage>,
}

impl WatchTask {
    async fn start(handles: WatchHandles, options: FileWatchOptions) -> Result<Self, WatchError> {
        let desired = handles.desired.current();
        let reports = handles.module_reports.as_deref();
        let spec = build_spec(&desired.app, &LoadedFiles::new(), reports);
        let poll = options.poll;
        let fallback = FileWatchOptions::POLL;
        let watcher = Watcher::start(&spec, WatchOptions { poll, fallback }).await?;
        if poll.is_none()
            && let Some(hint) = polling_hint(&desired.app.root)
        {
            let text = with_code(&hint, Code::NoNotifications);
            handles.hub.log(Level::Warn, text);
        }
        let (sender, messages) = mpsc::unbounded_channel();
        let mut task = Self {
            pending: PendingReloads::new(handles.code.clone(), sender.clone()),
            handles,
            watcher,
            spec,
            loaded: LoadedFiles::new(),
            coalescer: Coalescer::new(CoalescerConfig::default()),
            checkouts: Checkouts::default(),
            loops: ReloadLoopDetector::new(),
            undecided: BTreeMap::new(),
            since: BTreeMap::new(),
            sender,
            messages,
        };
        task.checkouts.update(&desired.app);
        task.update_spec().await;
        Ok(task)
    }

    async fn run(&mut self) {
        let mut desired = self.handles.desired.clone();
        loop {
            let action = self.checkouts.look_at(self.coalescer.deadline());
            let deadlines = [action, self.loops.deadline()];
            let deadline = deadlines.into_iter().flatten().min();
            let due = async {
                match deadline {
                    Some(at) => sleep_until(at.into()).await,
                    None => future::pending().await,
                }
            };
            tokio::select! {
                event = self.watcher.next() => match event {
                    Some(event) => self.handle_event(event).await,
                    None => {
                        let text = "files are no longer watched: internal error: the watcher has ended";
                        let text = with_code(text, Code::CannotWatch);
                        self.handles.hub.log(Level::Error, text);
                        return;
                    }
                },
                Some(desired) = desired.changed() => {
                    self.checkouts.update(&desired.app);
                    self.update_spec().await;
                }
                Some(message) = self.messages.recv() => self.handle_message(message).await,
                () = due => {}
            }
            self.run_due();
        }
    }

    async fn handle_event(&mut self, event: WatchEvent) {
        match event {
            WatchEvent::Changes(batch) => {
                if batch.changes.iter().any(is_module_report) {
                    self.update_spec().await;
                }
                self.handle_batch(batch);
            }
            WatchEvent::Status(status) => {
                log_status(&self.handles.events, &self.handles.hub, status);
            }
        }
    }

    async fn handle_message(&mut self, message: WatchMessage) {
        match message {
            WatchMessage::ReloadStarted { name, number } => {
                self.pending.on_started(&name, number);
                // The new code may ask for the same files through a link that is new, too.
                self.update_spec().await;
            }
            WatchMessage::ReloadRejected { name, number } => {
                self.pending.on_finished(&name, number);
            }
            WatchMessage::PlanReady(rest) => {
                self.execute_all(rest);
            }
        }
    }

    /// Watches the files of the configuration in force, and those that domains have loaded.
    async fn update_spec(&mut self) {
        let desired = self.handles.desired.current();
        let states = self.handles.states.all();
        let mut loaded = LoadedFiles::new();
        let mut reports = Vec::new();
        for (name, state) in states.iter() {
            let before = state.loaded_modules.borrow().clone();
            if let Some(dir) = &self.handles.module_reports {
                modules::refresh(state, &report_file(dir, name));
            }
            let files = state.loaded_modules.borrow().clone();
            if let Some((files, domain)) = files.zip(desired.app.domain(name)) {
                let links = links_of(&files, &desired.app.root, &domain.dir).await;
                loaded.insert(name.clone(), with_links(files.clone(), &links));
                reports.push((domain, before, files, links));
            }
        }
        self.loaded = loaded;
        let removed = self
            .loops
            .names()
            .filter(|name| !states.contains_key(*name));
        let removed: Vec<String> = removed.cloned().collect();
        for name in removed {
            self.remove(&name);
        }
        self.watch(&desired.app).await;
        // Not before: what is written before its directory is watched is known only by its time.
        for (domain, before, files, links) in reports {
            self.check_missed_changes(domain, before.as_deref(), &files, &links);
        }
    }

    async fn watch(&mut self, app: &App) {
        let reports = self.handles.module_reports.as_deref();
        let spec = build_spec(app, &self.loaded, reports);
        if spec == self.spec {
            return;
        }
        match self.watcher.update(&spec).await {
            Ok(()) => self.spec = spec,
            Err(error) => {
                let text = format!("cannot update the watched files: {error}");
                let text = with_code(&text, Code::CannotWatch);
                self.handles.hub.log(Level::Error, text);
            }
        }
    }

    /// Files that changed between being loaded and being watched are reloaded too. `before` is what
    /// was known to be loaded.
    fn check_missed_changes(
        &mut self,
        domain: &Domain,
        before: Option<&BTreeSet<PathBuf>>,
        files: &BTreeSet<PathBuf>,
        links: &LoadedLinks,
    ) {
        let handle = self.handles.supervisor.domain(&domain.name);
        let Some(spawned) = handle.and_then(|handle| handle.snapshot().spawned_at) else {
            return;
        };
        let now = Instant::now();
        for path in missed_changes(&domain.dir, before, files, links, spawned, now) {
            let target = ReloadTarget::Code(domain.name.clone());
            self.add_change(target, path, true, now);
        }
    }

    fn add_change(&mut self, target: ReloadTarget, path: PathBuf, is_single: bool, now: Instant) {
        let target = match target {
            // The configuration has the canonical path of the entry, and finds the new one.
            ReloadTarget::Code(name) if self.entry_has_moved(&name) => ReloadTarget::Configuration,
            target => target,
        };
        self.since.entry(target.clone()).or_insert(now);
        let at = now.into_std();
        self.coalescer.changed(target, path, is_single, at);
    }

    fn entry_has_moved(&self, name: &str) -> bool {
        let domain = self.handles.desired.domain(name);
        domain.is_some_and(|domain| entry_has_moved(&domain))
    }

    /// Removes a domain.
    fn remove(&mut self, name: &String) {
        self.loops.remove(name);
        self.pending.remove(name);
        self.undecided.retain(|(domain, _), _| domain != name);
        for target in [
            ReloadTarget::Code(name.clone()),
            ReloadTarget::Asset(name.clone()),
        ] {
            self.coalescer.remove(&target);
            self.since.remove(&target);
        }
    }

    /// Classifies changes, and schedules what they need.
    fn handle_batch(&mut self, batch: Batch) {
        let now = Instant::now();
        let desired = self.handles.desired.current();
        let views = domain_views(
            &self.handles.states,
            &self.handles.supervisor,
            self.handles.module_reports.as_deref(),
            &self.loaded,
            self.pending.files(),
        );
        let is_single = batch.is_single();
        let mut recorded: BTreeMap<ReloadTarget, BTreeSet<PathBuf>> = BTreeMap::new();
        self.loops.update(&self.handles.supervisor);
        let undecided = std::mem::take(&mut self.undecided).into_values();
        for change in undecided.chain(batch.changes) {
            let impact = classify(&desired.app, &views, &change, canonical_or_parent);
            for name in impact.undecided {
                let only = Change {
                    keys: vec![name.as_str().into()],
                    ..change.clone()
                };
                self.undecided.insert((name, change.path.clone()), only);
            }
            for target in impact.targets {
                if is_by_install(&self.handles.states, &target, &change.path, now) {
                    continue;
                }
                match self.decide(&target, &change, now) {
                    LoopDecision::Proceed => {
                        // The same change may concern its dependents, which stop first.
                        let is_alone = is_single && !has_dependents(&desired.app, &target);
                        self.add_change(target.clone(), change.path.clone(), is_alone, now);
                    }
                    LoopDecision::Defer | LoopDecision::LoopDetected { .. } => {}
                    // A file that is written all the time would push out the history.
                    LoopDecision::Suppress => continue,
                }
                let files = recorded.entry(target).or_default();
                files.insert(change.path.clone());
            }
        }
        self.record_changes(&recorded);
    }

    /// Whether a change is acted on now, or is part of a reload loop.
    fn decide(&mut self, target: &ReloadTarget, change: &Change, now: Instant) -> LoopDecision {
        // An asset restarts nothing, and neither does an unchanged configuration.
        let ReloadTarget::Code(name) = target else {
            return LoopDecision::Proceed;
        };
        let reports = self.handles.module_reports.as_deref();
        let decision = self.loops.changed(name, change, reports, now);
        if let LoopDecision::LoopDetected { reloads } = decision {
            self.log_loop(name, &change.path, reloads);
        }
        decision
    }

    fn record_changes(&self, changes: &BTreeMap<ReloadTarget, BTreeSet<PathBuf>>) {
        for (target, files) in changes {
            self.count_changes(target, files.len() as u64);
            let (source, generation) = match target {
                ReloadTarget::Configuration => (FULCRUM_SOURCE, 0),
                ReloadTarget::Code(name) => (name.as_str(), self.generation(name)),
                ReloadTarget::Asset(_) => continue,
            };
            let text = format!("{} changed", self.display_files(target, files));
            self.handles
                .events
                .record(source, generation, "changed", text);
        }
    }

    fn count_changes(&self, target: &ReloadTarget, files: u64) {
        let (name, kind) = match target {
            ReloadTarget::Configuration => return,
            ReloadTarget::Code(name) => (name, "code"),
            ReloadTarget::Asset(name) => (name, "asset"),
        };
        let state = self.handles.states.get(name);
        if let Some(metrics) = state.as_ref().and_then(|state| state.metrics.as_ref()) {
            metrics.files_changed(kind, files);
        }
    }

    /// Executes the actions that are due.
    fn run_due(&mut self) {
        let now = Instant::now();
        for (name, files) in self.loops.due(now) {
            for file in files {
                self.add_change(ReloadTarget::Code(name.clone()), file, true, now);
            }
        }
        let is_due = self
            .coalescer
            .deadline()
            .is_some_and(|at| at <= now.into_std());
        if !is_due || self.checkouts.delays(now) {
            return;
        }
        let mut configuration = None;
        let mut rest = Vec::new();
        // Those that are due in a moment belong to the same change.
        for action in self.coalescer.due((now + SAME_CHANGE).into_std()) {
            let since = self.since.remove(&action.key).unwrap_or(now);
            match &action.key {
                ReloadTarget::Configuration => configuration = Some((action, since)),
                ReloadTarget::Code(_) | ReloadTarget::Asset(_) => rest.push((action, since)),
            }
        }
        match configuration {
            Some((action, since)) => self.reload_configuration(&action, since, rest),
            None => self.execute_all(rest),
        }
    }

    /// Reloads the configuration. Its plan covers some of the `rest`; a message returns the others.
    fn reload_configuration(&self, action: &Due, since: Instant, rest: Vec<(Due, Instant)>) {
        let what = self.display_files(&action.key, &action.items);
        let (config, sender) = (self.handles.config.clone(), self.sender.clone());
        tokio::spawn(async move {
            let on_plan = |restarted: BTreeSet<String>| {
                let remains = |(action, _): &(Due, Instant)| match &action.key {
                    ReloadTarget::Code(name) => !restarted.contains(name),
                    ReloadTarget::Configuration | ReloadTarget::Asset(_) => true,
                };
                let rest = rest.into_iter().filter(remains).collect();
                // During shutdown the watch task may be gone.
                let _ = sender.send(WatchMessage::PlanReady(rest));
            };
            config.run(what, since, on_plan).await;
        });
    }

    fn execute_all(&mut self, actions: Vec<(Due, Instant)>) {
        let mut reloads = BTreeMap::new();
        for (action, since) in actions {
            match action.key {
                ReloadTarget::Configuration => {}
                ReloadTarget::Asset(name) => self.handles.assets.publish(&name, &action.items),
                ReloadTarget::Code(name) => {
                    self.pending.add_pending(&name, action.items);
                    // A domain that is being deleted is not restarted: the configuration removes it.
                    let domain = self.handles.desired.domain(&name);
                    if domain.is_some_and(|domain| program_exists(&domain)) {
                        reloads.insert(name, since);
                    }
                }
            }
        }
        let names: Vec<String> = reloads.keys().cloned().collect();
        let mut turns = self.pending.turns(&names);
        for (name, since) in reloads {
            let turn = turns.remove(&name);
            self.pending.start(&name, since, turn);
        }
    }

    fn log_loop(&self, name: &str, path: &Path, reloads: u32) {
        let target = ReloadTarget::Code(name.to_owned());
        let file = self.display_files(&target, &BTreeSet::from([path.to_owned()]));
        let text = format!(
            "reload loop: {file} was modified by the last {reloads} starts; ignoring it until it \
             changes otherwise\n  \
             hint: write the file elsewhere, or add it to `process.watch.ignore`"
        );
        let generation = self.generation(name);
        let events = &self.handles.events;
        events.record(name, generation, "watch_loop", text.clone());
        let text = with_code(&text, Code::ReloadLoop);
        log_for_domain(&self.handles.hub, name, generation, Level::Warn, text);
    }

    fn display_files(&self, target: &ReloadTarget, files: &BTreeSet<PathBuf>) -> String {
        let desired = self.handles.desired.current();
        let root = desired.app.root.as_path();
        let dir = match target {
            ReloadTarget::Code(name) | ReloadTarget::Asset(name) => {
                desired.app.domain(name).map(|domain| domain.dir.as_path())
            }
            ReloadTarget::Configuration => None,
        };
        display_files(files, &[dir.unwrap_or(root), root])
    }

    fn generation(&self, name: &str) -> u64 {
        let handle = self.handles.supervisor.domain(name);
        handle.map_or(0, |handle| handle.snapshot().generation)
    }
}
