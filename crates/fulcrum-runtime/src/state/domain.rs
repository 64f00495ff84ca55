//! What several tasks need to know about one domain.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fulcrum_config::Domain;
use fulcrum_health::Sample;
use fulcrum_spawn::CommandSpec;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::exit::diagnose::Obituary;
use crate::readiness::probes::Answers;
use crate::state::modules::Modules;

/// One domain's desk: each field has one writer and any number of readers.
#[derive(Debug)]
pub(crate) struct Desk {
    /// The current life's papers; written by the backend before and after the spawn.
    pub(crate) badge: watch::Sender<Option<Badge>>,
    /// When it last gave a sign of life; written by the task that hears them.
    pub(crate) last_beat: watch::Sender<Option<Instant>>,
    /// The latest life that has registered; written by the task that hears registrations.
    pub(crate) registered: watch::Sender<u64>,
    /// How late its event loop was, as the last heartbeat told; written with `last_beat`.
    pub(crate) lag: watch::Sender<Option<Duration>>,
    /// How its last life ended; written by that life's watcher, before the end is told.
    pub(crate) obituary: watch::Sender<Option<Arc<Obituary>>>,
    /// What the restart policy has decided, `attempt 3 of 8 in 1m`, while a restart is due;
    /// written by the policy.
    pub(crate) outlook: watch::Sender<Option<String>>,
    /// What its probes said last; written by the task that asks.
    pub(crate) probes: watch::Sender<Answers>,
    /// What it used when last looked at; written by the sampler.
    pub(crate) sample: watch::Sender<Sample>,
    /// The files that its current or last life has loaded as code, by their real paths; `None`
    /// where that isn't known. Written by the task that watches files.
    pub(crate) modules: watch::Sender<Option<Modules>>,
    /// The reload whose life isn't ready yet; written by who reloads, taken by the narrator, who
    /// tells how long it took.
    pub(crate) reloading: watch::Sender<Option<Reloading>>,
}

/// A reload that is under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reloading {
    /// When the first save was heard of.
    pub(crate) since: Instant,
    /// What has changed, `src/price.ts`.
    pub(crate) what: String,
}

/// Every domain's desk, by name.
pub(crate) type Desks = Arc<DeskRoom>;

/// The desks there are. The set has one writer as well: who sets domains up, and the reload.
#[derive(Debug, Default)]
pub(crate) struct DeskRoom(watch::Sender<Arc<BTreeMap<String, Arc<Desk>>>>);

impl DeskRoom {
    /// A domain's desk.
    pub(crate) fn get(&self, name: &str) -> Option<Arc<Desk>> {
        self.0.borrow().get(name).cloned()
    }

    /// All of them, as they are now.
    pub(crate) fn all(&self) -> Arc<BTreeMap<String, Arc<Desk>>> {
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

impl Default for Desk {
    fn default() -> Self {
        Self {
            badge: watch::Sender::new(None),
            last_beat: watch::Sender::new(None),
            registered: watch::Sender::new(0),
            lag: watch::Sender::new(None),
            obituary: watch::Sender::new(None),
            outlook: watch::Sender::new(None),
            probes: watch::Sender::new(Answers::default()),
            sample: watch::Sender::new(Sample::default()),
            modules: watch::Sender::new(None),
            reloading: watch::Sender::new(None),
        }
    }
}

/// What identifies one life of a domain.
#[derive(Debug, Clone)]
pub(crate) struct Badge {
    /// Which life.
    pub(crate) generation: u64,
    /// What its process presents when it registers.
    pub(crate) token: String,
    /// Its leader, from the spawn on.
    pub(crate) pid: Option<u32>,
    /// What was started.
    pub(crate) spec: Arc<CommandSpec>,
    /// The settings that this follows from.
    pub(crate) settings: Arc<Domain>,
    /// Its leader has ended: the token is worth nothing any more, and the pid may be another's.
    pub(crate) over: bool,
}

impl Desk {
    /// A life is about to begin, with these papers.
    pub(crate) fn begin(
        &self,
        generation: u64,
        token: String,
        spec: &Arc<CommandSpec>,
        settings: &Arc<Domain>,
        pid: Option<u32>,
    ) {
        self.badge.send_replace(Some(Badge {
            generation,
            token,
            pid,
            spec: Arc::clone(spec),
            settings: Arc::clone(settings),
            over: false,
        }));
        self.last_beat.send_replace(None);
        self.lag.send_replace(None);
    }

    /// The papers of the life that goes on, or is about to begin.
    pub(crate) fn living(&self) -> Option<Badge> {
        self.badge.borrow().clone().filter(|badge| !badge.over)
    }

    /// How the given life ended, once it has.
    pub(crate) fn obituary_of(&self, generation: u64) -> Option<Arc<Obituary>> {
        let last = self.obituary.borrow().clone();
        last.filter(|last| last.generation == generation)
    }

    /// This life's leader has ended; its papers stay readable, but nobody can use them any more.
    pub(crate) fn end(&self, generation: u64) {
        self.badge.send_if_modified(|badge| {
            let ends = badge
                .as_mut()
                .filter(|badge| badge.generation == generation && !badge.over);
            ends.map(|badge| badge.over = true).is_some()
        });
    }
}

#[cfg(test)]
mod tests {
    use fulcrum_config::{Mode, Request};

    use super::*;

    /// A domain as it is by default.
    fn domain() -> Domain {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let dir = folder.path().join("domains/users");
        std::fs::create_dir_all(&dir).expect("writable");
        std::fs::write(folder.path().join("fulcrum.yml"), "").expect("writable");
        std::fs::write(dir.join("domain.js"), "").expect("writable");
        let request = Request {
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
        let desks = DeskRoom::default();
        desks.add(["users"].into_iter());
        let desk = desks.get("users").expect("it was set up");
        assert!(desk.living().is_none());
        let spec = CommandSpec {
            program: "/usr/bin/node".into(),
            args: Vec::new(),
            cwd: "/srv/app".into(),
            env: BTreeMap::new(),
            runner: "node".to_owned(),
        };
        let badge = Badge {
            generation: 2,
            token: "secret".to_owned(),
            pid: Some(7),
            spec: Arc::new(spec),
            settings: Arc::new(domain()),
            over: false,
        };
        desk.badge.send_replace(Some(badge));
        // An older life's end comes late and means another's papers.
        desk.end(1);
        assert_eq!(desk.living().map(|badge| badge.generation), Some(2));
        desk.end(2);
        assert!(desk.living().is_none());
        assert!(
            desk.badge.borrow().is_some(),
            "what was started can still be shown"
        );
    }
}
