//! The reloads of all domains: a later one overtakes an earlier one of the same domain.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::mpsc::UnboundedSender;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::context::SharedContext;
use crate::watch::code_reload::CodeReload;
use crate::watch::task::WatchMessage;
use fulcrum_spawn::prepare::SyntaxChecker;

/// What is being reloaded, and what waits for it.
pub(crate) struct PendingReloads {
    /// What has changed of a domain that no life was begun with.
    pending: BTreeMap<String, BTreeSet<PathBuf>>,
    latest: BTreeMap<String, CurrentReload>,
    /// So many there have been.
    count: u64,
    checker: Arc<SyntaxChecker>,
    tell: UnboundedSender<WatchMessage>,
}

struct CurrentReload {
    number: u64,
    since: Instant,
    /// It has begun a life, or was rejected.
    is_over: bool,
    task: AbortHandle,
}

impl PendingReloads {
    pub(crate) fn new(tell: UnboundedSender<WatchMessage>) -> Self {
        Self {
            pending: BTreeMap::new(),
            latest: BTreeMap::new(),
            count: 0,
            checker: Arc::default(),
            tell,
        }
    }

    /// These files of a domain are to be part of its next life.
    pub(crate) fn add_pending(&mut self, name: &str, files: BTreeSet<PathBuf>) {
        let pending = self.pending.entry(name.to_owned()).or_default();
        pending.extend(files);
    }

    /// What waits for a domain's next life.
    pub(crate) fn waiting(&self, name: &str) -> BTreeSet<PathBuf> {
        self.pending.get(name).cloned().unwrap_or_default()
    }

    /// Reloads a domain with all that waits for it. `since` is when the first of it was heard of.
    pub(crate) fn begin(&mut self, house: &SharedContext, name: &str, since: Instant) {
        let mut since = since;
        if let Some(old) = self.latest.remove(name) {
            old.task.abort();
            if !old.is_over {
                since = since.min(old.since);
            }
        }
        self.count += 1;
        let number = self.count;
        let renewal = CodeReload {
            house: SharedContext::clone(house),
            name: name.to_owned(),
            number,
            files: self.waiting(name),
            since,
            checker: Arc::clone(&self.checker),
            tell: self.tell.clone(),
        };
        let latest = CurrentReload {
            number,
            since,
            is_over: false,
            task: tokio::spawn(renewal.run()).abort_handle(),
        };
        self.latest.insert(name.to_owned(), latest);
    }

    /// A reload has begun a life, and nothing waits any more that it knew of.
    pub(crate) fn on_started(&mut self, name: &str, number: u64) {
        if self.on_finished(name, number) {
            self.pending.remove(name);
        }
    }

    /// A reload needs nothing more of what was heard. False if another one has overtaken it.
    pub(crate) fn on_finished(&mut self, name: &str, number: u64) -> bool {
        let latest = self.latest.get_mut(name);
        let latest = latest.filter(|latest| latest.number == number);
        latest.map(|latest| latest.is_over = true).is_some()
    }

    pub(crate) fn forget(&mut self, name: &str) {
        if let Some(latest) = self.latest.remove(name) {
            latest.task.abort();
        }
        self.pending.remove(name);
    }
}
