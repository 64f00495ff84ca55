//! The first start of one domain, as a client reads it.

use std::collections::BTreeMap;
use std::time::Duration;

use fulcrum_rpc::control::{Domain, FirstStart};

/// The first start of a domain. Moments are relative to the start of the instance. A start whose
/// attempts failed before it was ready is one start; of its attempts the latest is described.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DomainStart {
    /// The domain's name.
    pub domain: String,
    /// It was started with the instance, and not later by a request, a schedule or a reload.
    pub is_initial: bool,
    /// The processes so far.
    pub attempts: u32,
    /// When it was to be started.
    pub requested_at: Option<Duration>,
    /// When its dependencies had come to what it needs: at the first attempt.
    pub released_at: Option<Duration>,
    /// The same at the latest attempt.
    pub attempted_at: Option<Duration>,
    /// What was done before the spawn.
    pub preparation: Preparation,
    /// When its process was spawned.
    pub spawned_at: Option<Duration>,
    /// When that had registered, if it has.
    pub registered_at: Option<Duration>,
    /// When it was ready or, a job, had completed.
    pub ready_at: Option<Duration>,
    /// It is a job that has completed, and not a program that is ready.
    pub completed: bool,
    /// When it is ready: `when it has registered`, `tcp 127.0.0.1:3000`.
    pub readiness: String,
    /// What its dependencies must come to, by name.
    pub needs: BTreeMap<String, Milestone>,
    /// The phase in which it is now.
    pub phase: String,
    /// Why it is in that phase.
    pub reason: String,
}

/// How long the parts before a spawn took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Preparation {
    /// Packages were looked up, and installed where they were missing.
    pub install: Duration,
    /// It waited until fewer other domains were starting.
    pub queue: Duration,
    /// The command was built, and TypeScript compiled.
    pub transform: Duration,
    /// The hook before the start.
    pub hook: Duration,
}

/// What a start comes to, and others may wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Milestone {
    /// Its process is there.
    Started,
    /// It is ready.
    Ready,
    /// It has run to its end.
    Completed,
}

impl Milestone {
    /// The word of `depends_on`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Ready => "ready",
            Self::Completed => "completed",
        }
    }

    fn from_condition(condition: &str) -> Self {
        let known = [Self::Started, Self::Completed];
        let found = known.into_iter().find(|known| known.as_str() == condition);
        found.unwrap_or(Self::Ready)
    }
}

impl DomainStart {
    /// The first start in the status of a domain. `None` if it has nothing to start.
    #[must_use]
    pub fn from_status(domain: &Domain) -> Option<Self> {
        let first = domain.first_start.as_ref()?;
        Some(Self {
            domain: domain.name.clone(),
            phase: domain.phase.clone(),
            reason: domain.reason.clone(),
            ..Self::from_message(first)
        })
    }

    fn from_message(first: &FirstStart) -> Self {
        let needs = first.conditions.iter();
        Self {
            is_initial: first.initial,
            attempts: first.attempts,
            requested_at: first.requested_at_ms.map(duration),
            released_at: first.released_at_ms.map(duration),
            attempted_at: first.attempted_at_ms.map(duration),
            preparation: Preparation {
                install: duration(first.install_ms),
                queue: duration(first.queue_ms),
                transform: duration(first.transform_ms),
                hook: duration(first.hook_ms),
            },
            spawned_at: first.spawned_at_ms.map(duration),
            registered_at: first.registered_at_ms.map(duration),
            ready_at: first.ready_at_ms.map(duration),
            completed: first.completed,
            readiness: first.readiness.clone(),
            needs: needs
                .map(|(name, condition)| (name.clone(), Milestone::from_condition(condition)))
                .collect(),
            ..Self::default()
        }
    }

    /// When it came to a milestone.
    pub(super) fn reached_at(&self, milestone: Milestone) -> Option<Duration> {
        match milestone {
            Milestone::Started => self.spawned_at,
            Milestone::Ready | Milestone::Completed => self.ready_at,
        }
    }
}

/// Milliseconds of a message, which may have any number.
fn duration(milliseconds: f64) -> Duration {
    // As precise as they are sent: a sum of microseconds is exact.
    let micros = (milliseconds * 1000.0).round();
    Duration::try_from_secs_f64(micros / 1e6).unwrap_or_default()
}
