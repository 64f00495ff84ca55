//! The code reloads of all domains: a later one of a domain supersedes an earlier one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use fulcrum_spawn::prepare::SyntaxChecker;
use fulcrum_spawn::supervisor::{Place, Turn};
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::watch::code_reload::{CodeReload, CodeReloadHandles};
use crate::watch::messages::WatchMessage;

/// Code reloads in progress, and changed files that no generation was started with.
pub(crate) struct PendingReloads {
    files: BTreeMap<String, BTreeSet<PathBuf>>,
    current: BTreeMap<String, CurrentReload>,
    /// The number of the last reload.
    count: u64,
    handles: CodeReloadHandles,
    checker: Arc<SyntaxChecker>,
    messages: UnboundedSender<WatchMessage>,
}

struct CurrentReload {
    number: u64,
    since: Instant,
    /// It has restarted its domain, or was rejected.
    is_finished: bool,
    task: AbortHandle,
    place: Option<Place>,
}

impl PendingReloads {
    /// No reloads yet.
    pub(crate) fn new(handles: CodeReloadHandles, messages: UnboundedSender<WatchMessage>) -> Self {
        Self {
            files: BTreeMap::new(),
            current: BTreeMap::new(),
            count: 0,
            handles,
            checker: Arc::default(),
            messages,
        }
    }

    /// Adds changed files, which the next reload of the domain includes.
    pub(crate) fn add_pending(&mut self, name: &str, files: BTreeSet<PathBuf>) {
        self.files.entry(name.to_owned()).or_default().extend(files);
    }

    /// The changed files of each domain that no generation was started with.
    pub(crate) fn files(&self) -> &BTreeMap<String, BTreeSet<PathBuf>> {
        &self.files
    }

    /// The places of these domains among the reloads of the same moment, and after those that have
    /// not restarted their domains yet.
    pub(crate) fn turns(&self, names: &[String]) -> BTreeMap<String, Turn> {
        let places = self
            .current
            .iter()
            .filter_map(|(name, current)| Some((name.clone(), current.place.clone()?)));
        let supervisor = &self.handles.restarter.supervisor;
        supervisor.turns_after(names, &places.collect())
    }

    /// Reloads a domain with all its pending files. `since` is the time of the first change, `turn`
    /// its place among the reloads of the same moment.
    pub(crate) fn start(&mut self, name: &str, since: Instant, turn: Option<Turn>) {
        let mut since = since;
        if let Some(old) = self.current.remove(name) {
            old.task.abort();
            if !old.is_finished {
                since = since.min(old.since);
            }
        }
        self.count += 1;
        let number = self.count;
        let place = turn.as_ref().map(Turn::place);
        let reload = CodeReload {
            handles: self.handles.clone(),
            name: name.to_owned(),
            number,
            files: self.files.get(name).cloned().unwrap_or_default(),
            since,
            checker: Arc::clone(&self.checker),
            turn,
            messages: self.messages.clone(),
        };
        let current = CurrentReload {
            number,
            since,
            is_finished: false,
            task: tokio::spawn(reload.run()).abort_handle(),
            place,
        };
        self.current.insert(name.to_owned(), current);
    }

    /// A reload has restarted its domain with all pending files.
    pub(crate) fn on_started(&mut self, name: &str, number: u64) {
        if self.on_finished(name, number) {
            self.files.remove(name);
        }
    }

    /// A reload has restarted its domain, or was rejected. False if another has superseded it.
    pub(crate) fn on_finished(&mut self, name: &str, number: u64) -> bool {
        let current = self.current.get_mut(name);
        let current = current.filter(|current| current.number == number);
        current.map(|current| current.is_finished = true).is_some()
    }

    /// Removes a domain.
    pub(crate) fn remove(&mut self, name: &str) {
        if let Some(current) = self.current.remove(name) {
            current.task.abort();
        }
        self.files.remove(name);
    }
}
