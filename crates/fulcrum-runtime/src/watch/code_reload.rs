//! One domain's reload: its files are checked, then it is started anew.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fulcrum_config::{Domain, Program};
use fulcrum_logs::Level;
use fulcrum_spawn::lifecycle::{CommandRejected, Phase};
use fulcrum_spawn::supervisor::{DomainHandle, Outcome, Ticket};
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::Instant;

use crate::context::{SharedContext, now};
use crate::reload::request::{RestartResult, restart_for_change};
use crate::state::domain::PendingReload;
use crate::watch::display;
use crate::watch::task::WatchMessage;
use fulcrum_spawn::prepare::{SyntaxChecker, SyntaxError};

/// As many broken files are shown.
const MAX_SHOWN: usize = 3;

/// What is to be reloaded.
pub(crate) struct CodeReload {
    pub(crate) house: SharedContext,
    pub(crate) name: String,
    /// Which of all reloads it is.
    pub(crate) number: u64,
    /// What has changed since its last life was begun.
    pub(crate) files: BTreeSet<PathBuf>,
    /// When the first of them was heard of.
    pub(crate) since: Instant,
    pub(crate) checker: Arc<SyntaxChecker>,
    pub(crate) tell: UnboundedSender<WatchMessage>,
}

impl CodeReload {
    /// Carries it out. Dropped before its end, it is overtaken by another one.
    pub(crate) async fn run(self) {
        let Some(domain) = self.house.domain(&self.name) else {
            return;
        };
        let bases = [domain.dir.as_path(), &self.house.agenda().app.root];
        let what = display::display_files(&self.files, &bases);
        if self.has_syntax_errors(&domain).await {
            let (name, number) = (self.name.clone(), self.number);
            let _ = self
                .tell
                .send(WatchMessage::ReloadRejected { name, number });
            // Whoever has broken it is about to mend it.
            self.house.standby.prepare(&self.name);
            return;
        }
        let Some(desk) = self.house.desks.get(&self.name) else {
            return;
        };
        let reloading = PendingReload {
            since: self.since,
            what: what.clone(),
        };
        desk.pending_reload.send_replace(Some(reloading.clone()));
        let forget = || {
            desk.pending_reload.send_if_modified(|now| {
                let is_ours = now.as_ref() == Some(&reloading);
                is_ours && now.take().is_some()
            });
        };
        match restart_for_change(&self.house, &self.name, format!("reload: {what} changed")).await {
            Ok(RestartResult::Started(handle, ticket)) => {
                self.begun();
                if !self.wait_for_outcome(&handle, ticket, &what).await {
                    forget();
                }
            }
            Ok(RestartResult::Stopped) => {
                self.begun();
                forget();
            }
            Err(CommandRejected(why)) => {
                forget();
                self.say(Level::Warn, format!("not reloaded ({what}): {why}"));
            }
        }
    }

    /// Says what is broken, once. Of programs that aren't Node nobody knows what they read.
    async fn has_syntax_errors(&self, domain: &Domain) -> bool {
        let is_node = match &domain.program {
            Program::Node { .. } => true,
            Program::Command(words) => words
                .first()
                .is_some_and(|word| Path::new(word).file_name() == Some("node".as_ref())),
            Program::NoProcess => false,
        };
        if !is_node {
            return false;
        }
        let (checker, files) = (Arc::clone(&self.checker), self.files.clone());
        let looking = tokio::task::spawn_blocking(move || checker.errors(&files));
        // A check that failed proves nothing against the code.
        let mut faults = looking.await.unwrap_or_default();
        let root = &self.house.agenda().app.root;
        for SyntaxError { error, .. } in &mut faults {
            error.file = PathBuf::from(display::display_file(&error.file, &[root]));
        }
        let new = faults.iter().filter(|fault| fault.is_new);
        let mut new: Vec<String> = new.map(|fault| fault.error.to_string()).collect();
        if !new.is_empty() {
            let more = new.len().saturating_sub(MAX_SHOWN);
            new.truncate(MAX_SHOWN);
            if more > 0 {
                new.push(format!("and {more} more files"));
            }
            let text = new.join("\n");
            let generation = self.generation();
            let journal = &self.house.journal;
            journal.record(&self.name, generation, "reload_rejected", text.clone());
            let handle = self.house.supervisor.domain(&self.name);
            let runs = handle.is_some_and(|handle| handle.snapshot().phase == Phase::Running);
            let goes_on = if runs { ", what runs goes on" } else { "" };
            self.say(Level::Error, format!("not reloaded{goes_on}: {text}"));
        }
        !faults.is_empty()
    }

    /// Waits for the outcome. False if it isn't ready.
    async fn wait_for_outcome(&self, handle: &DomainHandle, ticket: Ticket, what: &str) -> bool {
        match ticket.outcome().await {
            Outcome::Done(_) => true,
            Outcome::Superseded(_) => false,
            Outcome::Failed(now) => {
                let text = format!("the reload failed ({what}): {}", now.reason);
                let journal = &self.house.journal;
                journal.record(handle.name(), now.generation, "reload_failed", text);
                self.say(Level::Warn, "the next save starts it again".to_owned());
                false
            }
        }
    }

    fn begun(&self) {
        // The task that watches outlives its reloads, but for the instance's end.
        let _ = self.tell.send(WatchMessage::ReloadStarted {
            name: self.name.clone(),
            number: self.number,
        });
    }

    fn generation(&self) -> u64 {
        let handle = self.house.supervisor.domain(&self.name);
        handle.map_or(0, |handle| handle.snapshot().generation)
    }

    fn say(&self, level: Level, text: String) {
        let generation = self.generation();
        self.house
            .hub
            .publish_event(&self.name, generation, level, text, now());
    }
}
