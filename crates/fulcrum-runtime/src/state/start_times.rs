//! When a domain was started for the first time in this instance, and what that start consisted of.

use std::time::Duration;

use fulcrum_spawn::lifecycle::Phase;
use fulcrum_spawn::supervisor::{Snapshot, Transition};
use tokio::time::Instant;

/// The first start of a domain in this instance, up to the moment at which it was ready. Attempts that
/// failed before belong to it; of these the latest one is described. Later restarts change nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct StartTimes {
    /// Until when the instance started what it starts by itself; `None` if that is not this domain.
    pub(crate) initial_until: Option<Instant>,
    /// When it was to be started: from then on it waits for its dependencies.
    pub(crate) requested: Option<Instant>,
    /// When its dependencies had come to what it needs, at the first attempt.
    pub(crate) released: Option<Instant>,
    /// The processes so far.
    pub(crate) attempts: u32,
    /// The latest attempt.
    pub(crate) attempt: Attempt,
}

/// One attempt to start a domain.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Attempt {
    /// When its dependencies had come to what it needs.
    pub(crate) released: Option<Instant>,
    /// What was done before the spawn.
    pub(crate) preparation: Preparation,
    /// The generation, and when its process was spawned.
    pub(crate) spawned: Option<(u64, Instant)>,
    /// The generation that has registered, and when. May be known before the spawn is.
    registered: Option<(u64, Instant)>,
    /// When it was ready or, a job, had completed.
    pub(crate) ready: Option<Instant>,
    /// It is a job that has completed.
    pub(crate) completed: bool,
}

/// How long the parts of a preparation took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Preparation {
    /// Packages were looked up, and installed where they were missing.
    pub(crate) install: Duration,
    /// It waited until fewer other domains were starting.
    pub(crate) queue: Duration,
    /// The command was built, and TypeScript compiled.
    pub(crate) transform: Duration,
    /// The hook before the start.
    pub(crate) hook: Duration,
}

impl StartTimes {
    /// Whether it was started with the instance, and not later by a request, a schedule or a reload.
    pub(crate) fn is_initial(&self) -> bool {
        let until = self.requested.zip(self.initial_until);
        until.is_some_and(|(requested, until)| requested <= until)
    }

    /// The domain has changed its phase. The snapshot may be newer, and is preferred where both tell of
    /// one moment: what is logged comes from it.
    pub(crate) fn on_transition(
        &mut self,
        transition: &Transition,
        snapshot: &Snapshot,
        at: Instant,
    ) {
        let generation = transition.generation;
        let spawned = snapshot.spawned_at;
        let spawned = spawned.filter(|_| snapshot.generation == generation);
        match transition.to {
            Phase::Waiting => self.on_waiting(at),
            Phase::Preparing => self.on_preparing(at),
            Phase::Starting => self.on_spawned(generation, spawned.unwrap_or(at)),
            Phase::Running if transition.ready => {
                let ready = spawned.zip(snapshot.ready_after);
                let ready = ready.map_or(at, |(spawned, after)| spawned + after);
                self.on_ready(ready, false);
            }
            Phase::Completed => self.on_ready(at, true),
            _ => {}
        }
    }

    /// An attempt begins.
    fn on_waiting(&mut self, at: Instant) {
        if !self.is_over() {
            self.requested.get_or_insert(at);
            self.attempt = Attempt::default();
        }
    }

    /// The dependencies are there.
    fn on_preparing(&mut self, at: Instant) {
        if !self.is_over() {
            self.released.get_or_insert(at);
            self.attempt.released = Some(at);
        }
    }

    /// A part of the preparation is over.
    pub(crate) fn on_prepared(&mut self, part: impl FnOnce(&mut Preparation)) {
        if !self.is_over() {
            part(&mut self.attempt.preparation);
        }
    }

    /// The process is there.
    fn on_spawned(&mut self, generation: u64, at: Instant) {
        if !self.is_over() {
            self.attempts += 1;
            self.attempt.spawned = Some((generation, at));
        }
    }

    /// A process has registered, maybe after it was ready.
    pub(crate) fn on_registered(&mut self, generation: u64, at: Instant) {
        let is_known = |(known, _)| known == generation;
        let is_this = self.attempt.spawned.is_some_and(is_known);
        let is_first = !self.attempt.registered.is_some_and(is_known);
        if is_first && (is_this || !self.is_over()) {
            self.attempt.registered = Some((generation, at));
        }
    }

    /// The process is ready, or a job has completed.
    fn on_ready(&mut self, at: Instant, completed: bool) {
        if !self.is_over() {
            self.attempt.ready = Some(at);
            self.attempt.completed = completed;
        }
    }

    /// When the process of the attempt has registered.
    pub(crate) fn registered(&self) -> Option<Instant> {
        let ((spawned, _), (registered, at)) = self.attempt.spawned.zip(self.attempt.registered)?;
        (spawned == registered).then_some(at)
    }

    fn is_over(&self) -> bool {
        self.attempt.ready.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Milliseconds after a moment.
    fn clock() -> impl Fn(u64) -> Instant {
        let start = Instant::now();
        move |ms| start + Duration::from_millis(ms)
    }

    fn start(times: &mut StartTimes, generation: u64, [waits, prepares, spawns]: [Instant; 3]) {
        times.on_waiting(waits);
        times.on_preparing(prepares);
        times.on_prepared(|parts| parts.transform = Duration::from_millis(generation));
        times.on_spawned(generation, spawns);
    }

    #[test]
    fn failed_attempts_belong_to_the_first_start_and_the_latest_is_described() {
        let at = clock();
        let mut times = StartTimes::default();
        start(&mut times, 1, [at(0), at(10), at(20)]);
        times.on_registered(1, at(30));
        start(&mut times, 2, [at(500), at(510), at(520)]);
        assert_eq!(times.registered(), None, "that was generation 1");
        // A registration may be handled before the spawn that it follows.
        times.on_registered(2, at(540));
        times.on_ready(at(550), false);
        assert_eq!(times.requested, Some(at(0)));
        assert_eq!(times.released, Some(at(10)));
        assert_eq!(times.attempts, 2);
        assert_eq!(times.attempt.released, Some(at(510)));
        assert_eq!(times.attempt.spawned, Some((2, at(520))));
        assert_eq!(times.registered(), Some(at(540)));
        let transform = times.attempt.preparation.transform;
        assert_eq!(transform, Duration::from_millis(2));
    }

    #[test]
    fn a_restart_changes_nothing_once_it_was_ready() {
        let at = clock();
        let mut times = StartTimes::default();
        start(&mut times, 1, [at(0), at(10), at(20)]);
        times.on_ready(at(50), false);
        let first = times.clone();
        start(&mut times, 2, [at(900), at(910), at(920)]);
        times.on_registered(2, at(940));
        times.on_ready(at(950), false);
        assert_eq!(times, first);
    }

    #[test]
    fn a_registration_after_readiness_is_known_too() {
        let at = clock();
        let mut times = StartTimes::default();
        start(&mut times, 1, [at(0), at(10), at(20)]);
        times.on_ready(at(50), false);
        times.on_registered(1, at(70));
        times.on_registered(1, at(90));
        assert_eq!(times.registered(), Some(at(70)));
    }

    #[test]
    fn what_is_started_with_the_instance_is_told_from_what_is_started_later() {
        let at = clock();
        for (initial_until, is_initial) in
            [(None, false), (Some(at(9)), false), (Some(at(20)), true)]
        {
            let mut times = StartTimes {
                initial_until,
                ..StartTimes::default()
            };
            assert!(!times.is_initial(), "not requested yet");
            times.on_waiting(at(10));
            assert_eq!(times.is_initial(), is_initial);
        }
    }
}
