//! One domain's reload: its files are checked, then it is started anew.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fulcrum_config::{Domain, Program};
use fulcrum_logs::Level;
use fulcrum_spawn::lifecycle::{Phase, Refused};
use fulcrum_spawn::supervisor::{Handle, Outcome, Ticket};
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::Instant;

use crate::context::{Shared, now};
use crate::reload::request::{Renewed, restart_for};
use crate::state::domain::Reloading;
use crate::watch::display;
use crate::watch::syntax_cache::{Checker, Fault};
use crate::watch::task::Word;

/// As many broken files are shown.
const SHOWN: usize = 3;

/// What is to be reloaded.
pub(crate) struct Renewal {
    pub(crate) house: Shared,
    pub(crate) name: String,
    /// Which of all reloads it is.
    pub(crate) number: u64,
    /// What has changed since its last life was begun.
    pub(crate) files: BTreeSet<PathBuf>,
    /// When the first of them was heard of.
    pub(crate) since: Instant,
    pub(crate) checker: Arc<Checker>,
    pub(crate) tell: UnboundedSender<Word>,
}

impl Renewal {
    /// Carries it out. Dropped before its end, it is overtaken by another one.
    pub(crate) async fn carry_out(self) {
        let Some(domain) = self.house.domain(&self.name) else {
            return;
        };
        let bases = [domain.dir.as_path(), &self.house.agenda().app.root];
        let what = display::files(&self.files, &bases);
        if self.is_broken(&domain).await {
            let (name, number) = (self.name.clone(), self.number);
            let _ = self.tell.send(Word::Rejected { name, number });
            // Whoever has broken it is about to mend it.
            self.house.standby.warm(&self.name);
            return;
        }
        let Some(desk) = self.house.desks.get(&self.name) else {
            return;
        };
        let reloading = Reloading {
            since: self.since,
            what: what.clone(),
        };
        desk.reloading.send_replace(Some(reloading.clone()));
        let forget = || {
            desk.reloading.send_if_modified(|now| {
                let is_ours = now.as_ref() == Some(&reloading);
                is_ours && now.take().is_some()
            });
        };
        match restart_for(&self.house, &self.name, format!("reload: {what} changed")).await {
            Ok(Renewed::Begun(handle, ticket)) => {
                self.begun();
                if !self.attend(&handle, ticket, &what).await {
                    forget();
                }
            }
            Ok(Renewed::Rests) => {
                self.begun();
                forget();
            }
            Err(Refused(why)) => {
                forget();
                self.say(Level::Warn, format!("not reloaded ({what}): {why}"));
            }
        }
    }

    /// Says what is broken, once. Of programs that aren't Node nobody knows what they read.
    async fn is_broken(&self, domain: &Domain) -> bool {
        let is_node = match &domain.program {
            Program::Node { .. } => true,
            Program::Command(words) => words
                .first()
                .is_some_and(|word| Path::new(word).file_name() == Some("node".as_ref())),
            Program::None => false,
        };
        if !is_node {
            return false;
        }
        let (checker, files) = (Arc::clone(&self.checker), self.files.clone());
        let looking = tokio::task::spawn_blocking(move || checker.faults(&files));
        // A check that failed proves nothing against the code.
        let mut faults = looking.await.unwrap_or_default();
        let root = &self.house.agenda().app.root;
        for Fault { error, .. } in &mut faults {
            error.file = PathBuf::from(display::file(&error.file, &[root]));
        }
        let new = faults.iter().filter(|fault| fault.is_new);
        let mut new: Vec<String> = new.map(|fault| fault.error.to_string()).collect();
        if !new.is_empty() {
            let more = new.len().saturating_sub(SHOWN);
            new.truncate(SHOWN);
            if more > 0 {
                new.push(format!("and {more} more files"));
            }
            let text = new.join("\n");
            let generation = self.generation();
            let journal = &self.house.journal;
            journal.note(&self.name, generation, "reload_rejected", text.clone());
            let handle = self.house.supervisor.domain(&self.name);
            let runs = handle.is_some_and(|handle| handle.snapshot().phase == Phase::Running);
            let goes_on = if runs { ", what runs goes on" } else { "" };
            self.say(Level::Error, format!("not reloaded{goes_on}: {text}"));
        }
        !faults.is_empty()
    }

    /// Waits for the outcome. False if it isn't ready.
    async fn attend(&self, handle: &Handle, ticket: Ticket, what: &str) -> bool {
        match ticket.outcome().await {
            Outcome::Done(_) => true,
            Outcome::Superseded(_) => false,
            Outcome::Failed(now) => {
                let text = format!("the reload failed ({what}): {}", now.reason);
                let journal = &self.house.journal;
                journal.note(handle.name(), now.generation, "reload_failed", text);
                self.say(Level::Warn, "the next save starts it again".to_owned());
                false
            }
        }
    }

    fn begun(&self) {
        // The task that watches outlives its reloads, but for the instance's end.
        let _ = self.tell.send(Word::Begun {
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
            .announce(&self.name, generation, level, text, now());
    }
}
