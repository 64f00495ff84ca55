//! What several tasks need to know about one domain.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fulcrum_config::Domain;
use fulcrum_health::{ExitRecord, ProbeStatus, Sample};
use fulcrum_spawn::CommandSpec;
use tokio::sync::watch;
use tokio::time::Instant;

use fulcrum_spawn::prepare::LoadedModules;

/// One domain's desk: each field has one writer and any number of readers.
#[derive(Debug)]
pub(crate) struct DomainState {
    /// The current life's papers; written by the backend before and after the spawn.
    pub(crate) process: watch::Sender<Option<ProcessIdentity>>,
    /// When it last gave a sign of life; written by the task that hears them.
    pub(crate) last_heartbeat: watch::Sender<Option<Instant>>,
    /// The latest life that has registered; written by the task that hears registrations.
    pub(crate) registered_generation: watch::Sender<u64>,
    /// How late its event loop was, as the last heartbeat told; written with `last_beat`.
    pub(crate) event_loop_lag: watch::Sender<Option<Duration>>,
    /// How its last life ended; written by that life's watcher, before the end is told.
    pub(crate) last_exit: watch::Sender<Option<Arc<ExitRecord>>>,
    /// What the restart policy has decided, `attempt 3 of 8 in 1m`, while a restart is due;
    /// written by the policy.
    pub(crate) restart_schedule: watch::Sender<Option<String>>,
    /// What its probes said last; written by the task that asks.
    pub(crate) probe_status: watch::Sender<ProbeStatus>,
    /// What it used when last looked at; written by the sampler.
    pub(crate) usage: watch::Sender<Sample>,
    /// The files that its current or last life has loaded as code, by their real paths; `None`
    /// where that isn't known. Written by the task that watches files.
    pub(crate) loaded_modules: watch::Sender<Option<LoadedModules>>,
    /// The reload whose life isn't ready yet; written by who reloads, taken by the narrator, who
    /// tells how long it took.
    pub(crate) pending_reload: watch::Sender<Option<PendingReload>>,
}

/// A reload that is under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PendingReload {
    /// When the first save was heard of.
    pub(crate) since: Instant,
    /// What has changed, `src/price.ts`.
    pub(crate) what: String,
}

/// Every domain's desk, by name.
pub(crate) type SharedDomainStates = Arc<DomainStates>;

/// The desks there are. The set has one writer as well: who sets domains up, and the reload.
#[derive(Debug, Default)]
pub(crate) struct DomainStates(watch::Sender<Arc<BTreeMap<String, Arc<DomainState>>>>);

impl DomainStates {
    /// A domain's desk.
    pub(crate) fn get(&self, name: &str) -> Option<Arc<DomainState>> {
        self.0.borrow().get(name).cloned()
    }

    /// All of them, as they are now.
    pub(crate) fn all(&self) -> Arc<BTreeMap<String, Arc<DomainState>>> {
        Arc::clone(&self.0.borrow())
    }

    /// Sets up empty desks for those that have none.
    pub(crate) fn add<'a>(&self, names: impl Iterator<Item = &'a str>) {
        self.0.send_modify(|desks| {
            let desks = Arc::make_mut(desks);
            for name in names {
                desks.entry(name.to_owned()).or_default();
            }
        });
    }

    /// Takes a desk away; who is at it may still write.
    pub(crate) fn remove(&self, name: &str) {
        self.0
            .send_modify(|desks| drop(Arc::make_mut(desks).remove(name)));
    }
}

impl Default for DomainState {
    fn default() -> Self {
        Self {
            process: watch::Sender::new(None),
            last_heartbeat: watch::Sender::new(None),
            registered_generation: watch::Sender::new(0),
            event_loop_lag: watch::Sender::new(None),
            last_exit: watch::Sender::new(None),
            restart_schedule: watch::Sender::new(None),
            probe_status: watch::Sender::new(ProbeStatus::default()),
            usage: watch::Sender::new(Sample::default()),
            loaded_modules: watch::Sender::new(None),
            pending_reload: watch::Sender::new(None),
        }
    }
}

/// What identifies one life of a domain.
#[derive(Debug, Clone)]
pub(crate) struct ProcessIdentity {
    /// Which life.
    pub(crate) generation: u64,
    /// What its process presents when it registers.
    pub(crate) token: String,
    /// Its leader, from the spawn on.
    pub(crate) pid: Option<u32>,
    /// What was started.
    pub(crate) spec: Arc<CommandSpec>,
    /// The settings that this follows from.
    pub(crate) config: Arc<Domain>,
    /// Its leader has ended: the token is worth nothing any more, and the pid may be another's.
    pub(crate) exited: bool,
}

impl DomainState {
    /// A life is about to begin, with these papers.
    pub(crate) fn set_process(
        &self,
        generation: u64,
        token: String,
        spec: &Arc<CommandSpec>,
        settings: &Arc<Domain>,
        pid: Option<u32>,
    ) {
        self.process.send_replace(Some(ProcessIdentity {
            generation,
            token,
            pid,
            spec: Arc::clone(spec),
            config: Arc::clone(settings),
            exited: false,
        }));
        self.last_heartbeat.send_replace(None);
        self.event_loop_lag.send_replace(None);
    }

    /// The papers of the life that goes on, or is about to begin.
    pub(crate) fn running(&self) -> Option<ProcessIdentity> {
        self.process.borrow().clone().filter(|badge| !badge.exited)
    }

    /// How the given life ended, once it has.
    pub(crate) fn obituary_of(&self, generation: u64) -> Option<Arc<ExitRecord>> {
        let last = self.last_exit.borrow().clone();
        last.filter(|last| last.generation == generation)
    }

    /// This life's leader has ended; its papers stay readable, but nobody can use them any more.
    pub(crate) fn mark_exited(&self, generation: u64) {
        self.process.send_if_modified(|badge| {
            let ends = badge
                .as_mut()
                .filter(|badge| badge.generation == generation && !badge.exited);
            ends.map(|badge| badge.exited = true).is_some()
        });
    }
}

#[cfg(test)]
mod tests {
    use fulcrum_config::{LoadOptions, Mode};

    use super::*;

    /// A domain as it is by default.
    fn domain() -> Domain {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let dir = folder.path().join("domains/users");
        std::fs::create_dir_all(&dir).expect("writable");
        std::fs::write(folder.path().join("fulcrum.yml"), "").expect("writable");
        std::fs::write(dir.join("domain.js"), "").expect("writable");
        let request = LoadOptions {
            app: None,
            cwd: folder.path().to_owned(),
            env: BTreeMap::new(),
            flags: Vec::new(),
            mode: Mode::Dev,
        };
        let app = fulcrum_config::load(&request).app.expect("a valid app");
        app.domains.into_iter().next().expect("its domain")
    }

    #[test]
    fn papers_are_worth_something_for_one_life_only() {
        let desks = DomainStates::default();
        desks.add(["users"].into_iter());
        let desk = desks.get("users").expect("it was set up");
        assert!(desk.running().is_none());
        let spec = CommandSpec {
            program: "/usr/bin/node".into(),
            args: Vec::new(),
            cwd: "/srv/app".into(),
            env: BTreeMap::new(),
            runner: "node".to_owned(),
        };
        let badge = ProcessIdentity {
            generation: 2,
            token: "secret".to_owned(),
            pid: Some(7),
            spec: Arc::new(spec),
            config: Arc::new(domain()),
            exited: false,
        };
        desk.process.send_replace(Some(badge));
        // An older life's end comes late and means another's papers.
        desk.mark_exited(1);
        assert_eq!(desk.running().map(|badge| badge.generation), Some(2));
        desk.mark_exited(2);
        assert!(desk.running().is_none());
        assert!(
            desk.process.borrow().is_some(),
            "what was started can still be shown"
        );
    }
}
