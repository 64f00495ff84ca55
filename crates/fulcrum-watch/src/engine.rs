//! What is known of the disk, and what is told when it turns out otherwise.
//!
//! Paths are those that the caller knows ([`Plan::asked`]); only what the system is asked to watch,
//! and what it tells of, are real ones.

mod examine;
mod survey;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::content::{Hash, Look, Stamp, look};
use crate::outbox::Outbox;
use crate::roots::Plan;
use crate::settle::{Settling, Touch};
use crate::system::{Exhausted, Signal, System};
use crate::{Notice, Options};

/// Several moves of a root (`rm -r` and `git clone`, say) are looked at once.
const MOVING: Duration = Duration::from_millis(10);

/// After lost notifications all is looked at again only when the flood may be over,
const FLOOD: Duration = Duration::from_millis(100);

/// but so long after the first loss in any case.
const LONGEST_FLOOD: Duration = Duration::from_secs(1);

/// Looking at everything takes at most one part in so many of the time.
const SHARE: u32 = 50;

/// So many files are looked at before the next signals and the clock are read.
const AT_ONCE: usize = 32;

/// A file as it was last told of, or found at the start.
#[derive(Debug, Clone, Copy)]
struct Known {
    stamp: Stamp,
    hash: Option<Hash>,
    /// Its stamp proves nothing: it may have been written again at the same moment.
    racy: bool,
}

/// What looking at everything will do next.
#[derive(Debug, Clone, Copy)]
struct Due {
    at: Instant,
    /// Since when notifications have been lost.
    lost: Option<Instant>,
}

/// The watching, without its thread and its clock.
pub(crate) struct Engine<S> {
    /// `None` while polling.
    system: Option<S>,
    options: Options,
    plan: Plan,
    known: BTreeMap<PathBuf, Known>,
    /// Known files that are symbolic links, and where they lead.
    links: BTreeMap<PathBuf, PathBuf>,
    watched: BTreeSet<PathBuf>,
    unwatchable: BTreeSet<PathBuf>,
    /// The system has refused; we are about to poll.
    exhausted: Option<Exhausted>,
    settling: Settling,
    /// Files of which only the stamp is known.
    unread: Vec<PathBuf>,
    /// When learning began; `None` once it has been told of.
    learning: Option<Instant>,
    survey: Option<Due>,
    poll: Option<Instant>,
    /// When a change was last told.
    told: Option<Instant>,
    pub(crate) outbox: Outbox,
}

impl<S: System> Engine<S> {
    /// Takes what is on the disk now as known. `Err` for the system: polls.
    pub(crate) fn new(
        plan: Plan,
        system: Result<S, Exhausted>,
        options: Options,
        now: Instant,
    ) -> Self {
        let mut engine = Self {
            system: None,
            options,
            plan,
            known: BTreeMap::new(),
            links: BTreeMap::new(),
            watched: BTreeSet::new(),
            unwatchable: BTreeSet::new(),
            exhausted: None,
            settling: Settling::default(),
            unread: Vec::new(),
            learning: Some(now),
            survey: None,
            poll: None,
            told: None,
            outbox: Outbox::default(),
        };
        match (options.poll, system) {
            (Some(_), _) => engine.poll = Some(now + engine.interval()),
            (None, Ok(system)) => engine.system = Some(system),
            (None, Err(exhausted)) => engine.exhausted = Some(exhausted),
        }
        engine.survey_all(true, now);
        engine.fall_back(now);
        engine
    }

    /// Watches something else from now on. What is new is known as it is now; of what isn't asked
    /// for any more nothing is told.
    pub(crate) fn update(&mut self, plan: Plan, now: Instant) {
        self.plan = plan;
        self.learning.get_or_insert(now);
        self.survey_all(true, now);
        self.fall_back(now);
    }

    /// The system has told of something.
    pub(crate) fn signal(&mut self, signal: Signal, now: Instant) {
        match signal {
            Signal::Lost => self.survey_after_loss(now),
            Signal::Written(path) => self.touched(&path, Touch::Growing, now),
            Signal::Closed(path) => {
                self.rules(&path, now);
                self.touched(&path, Touch::Whole, now);
            }
            Signal::Created(path) => {
                self.moved(&path, now);
                self.arrived(&path, Touch::Growing, now);
            }
            Signal::Arrived(path) => {
                self.moved(&path, now);
                self.arrived(&path, Touch::Whole, now);
            }
            Signal::Gone(path) => {
                self.moved(&path, now);
                self.gone(&path, now);
            }
        }
    }

    /// Does what is due.
    pub(crate) fn tick(&mut self, now: Instant) {
        if let Some(due) = self.survey.take_if(|due| due.at <= now) {
            if due.lost.is_some() {
                // Folders may have gone and come unnoticed, and their watches with them.
                self.watched.clear();
            }
            self.survey_all(false, now);
            if due.lost.is_some() {
                self.outbox.notice(Notice::Rescanned);
            }
        }
        if self.poll.is_some_and(|at| at <= now) {
            self.survey_all(false, now);
        }
        for path in self.settling.due(now, AT_ONCE) {
            self.examine(&path, now);
        }
        self.outbox.unsettled = self.settling.len();
        self.fall_back(now);
    }

    /// When there is something to do, if nothing comes before.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        [
            self.survey.map(|due| due.at),
            self.poll,
            self.settling.deadline(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// A tick that began then is over now. Polling counts its interval from here, and takes its
    /// share at most.
    pub(crate) fn polled(&mut self, began: Instant, now: Instant) {
        if self.poll.is_some_and(|at| at <= began) {
            let took = now.saturating_duration_since(began);
            self.poll = Some(now + self.interval().max(took * SHARE));
        }
    }

    /// Is there a file whose content isn't known?
    pub(crate) fn is_learning(&self) -> bool {
        self.learning.is_some()
    }

    /// Reads one file whose content isn't known.
    pub(crate) fn learn(&mut self, now: Instant) {
        while let Some(path) = self.unread.pop() {
            let Some(known) = self
                .known
                .get_mut(&path)
                .filter(|known| known.hash.is_none())
            else {
                continue;
            };
            match look(&path) {
                Look::File(seen) if seen.stamp == known.stamp => known.hash = seen.hash,
                // It has changed since the start, and that is still to be told.
                Look::File(_) | Look::Unstable | Look::Absent => {
                    self.settling.touch(path, Touch::Unsure, now);
                }
            }
            return;
        }
        if let Some(since) = self.learning.take() {
            self.outbox.notice(Notice::Learned {
                folders: self.watched.len(),
                files: self.known.len(),
                after: now.saturating_duration_since(since),
            });
        }
    }

    fn interval(&self) -> Duration {
        self.options
            .poll
            .unwrap_or(self.options.fallback)
            .max(Duration::from_millis(1))
    }

    /// Looks at everything soon.
    fn survey_soon(&mut self, now: Instant) {
        let at = now + MOVING;
        self.survey.get_or_insert(Due { at, lost: None });
    }

    /// Looks at everything when the flood is over.
    fn survey_after_loss(&mut self, now: Instant) {
        let before = self.survey.and_then(|due| due.lost);
        let since = before.unwrap_or(now);
        self.survey = Some(Due {
            at: (now + FLOOD).min(since + LONGEST_FLOOD),
            lost: Some(since),
        });
    }

    /// Polls from now on, if the system has refused.
    fn fall_back(&mut self, now: Instant) {
        let Some(exhausted) = self.exhausted.take() else {
            return;
        };
        self.system = None;
        self.watched.clear();
        self.poll = Some(now + self.interval());
        self.outbox.notice(Notice::Polling {
            why: exhausted.why,
            cure: exhausted.cure,
            every: self.interval(),
        });
    }

    /// Looks at everything soon, if a root has come or gone.
    fn moved(&mut self, real: &Path, now: Instant) {
        self.rules(real, now);
        if self.plan.moves_with(real) {
            self.survey_soon(now);
        }
    }

    /// The same if what is to be ignored has changed.
    fn rules(&mut self, real: &Path, now: Instant) {
        if real.file_name().is_some_and(|name| name == ".gitignore") {
            self.survey_soon(now);
        }
    }
}

#[cfg(test)]
mod tests;
