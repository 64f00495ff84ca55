//! What a driver publishes after a step: the state, and a transition if it has changed.

use std::time::SystemTime;

use tokio::time::Instant;

use super::backend::Backend;
use super::driver::{Driver, PreviousState};
use super::snapshot::{LastExit, Transition};
use crate::lifecycle::{Phase, Timer, TransitionCause};

impl<B: Backend> Driver<B> {
    pub(super) fn publish(&mut self, before: PreviousState, cause: TransitionCause) {
        let machine = &self.machine;
        let now = Instant::now();
        let from = before.phase;
        let readiness_changed = before.ready != machine.ready() && from == Phase::Running;
        let changed = from != machine.phase() || readiness_changed;
        let backoff = self.work.timers.get(&Timer::Backoff);
        let retry_at = backoff.map(|armed| armed.at);
        let pid = self.work.group.as_ref().map(|group| group.pid());
        let (stop_cause, killed) = self.work.stop_cause;
        self.snapshots.send_modify(|snapshot| {
            snapshot.phase = machine.phase();
            snapshot.goal = machine.goal();
            snapshot.ready = machine.ready();
            snapshot.blocked = machine.is_blocked();
            snapshot.generation = machine.generation();
            snapshot.pid = pid;
            snapshot.restarts = machine.restarts();
            machine.reason().clone_into(&mut snapshot.reason);
            snapshot.retry_at = retry_at;
            if let (TransitionCause::Exited, Some(report)) = (cause, machine.exit()) {
                snapshot.last_exit = Some(LastExit {
                    report,
                    at: wall_clock(),
                    generation: machine.generation(),
                    reason: machine.reason().to_owned(),
                    cause: stop_cause,
                    killed,
                });
            }
            if machine.was_ready() && !before.was_ready {
                snapshot.ready_after = snapshot.spawned_at.map(|at| now - at);
            }
            if from != Phase::Completed && machine.phase() == Phase::Completed {
                snapshot.completed = snapshot.spawned_at.map(|at| (now, now - at));
            }
            if !machine.phase().has_process() {
                snapshot.spawned_at = None;
            }
        });
        if changed {
            // The receiver may be gone while the last domains stop.
            let _ = self.transitions.send(Transition {
                time: wall_clock(),
                domain: self.name.clone(),
                from,
                to: machine.phase(),
                ready: machine.ready(),
                was_ready_before: machine.ready() && before.was_ready,
                generation: machine.generation(),
                reason: machine.reason().to_owned(),
                cause,
            });
        }
    }
}

/// The wall-clock time, for output.
#[expect(clippy::disallowed_methods, reason = "a driver may look at the clock")]
fn wall_clock() -> SystemTime {
    SystemTime::now()
}
