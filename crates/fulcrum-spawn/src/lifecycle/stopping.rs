//! The steps of a stop: the leader, the rest of its tree, SIGKILL.

use std::time::Duration;

use super::cause::StopCause;
use super::machine::Machine;
use super::types::{Effect, Phase, STOP_REST_DELAY, STOP_REST_SHARE, StopSignal, Timer};

impl Machine {
    pub(super) fn terminate(&mut self, cause: StopCause, reason: &str, effects: &mut Vec<Effect>) {
        self.terminate_within(self.timing.stop_grace, cause, reason, effects);
    }

    pub(super) fn terminate_within(
        &mut self,
        grace: Duration,
        cause: StopCause,
        reason: &str,
        effects: &mut Vec<Effect>,
    ) {
        self.begin_stop(cause, reason, effects);
        effects.push(Effect::Signal(StopSignal::Terminate));
        self.arm(Timer::StopRest, grace / STOP_REST_SHARE, effects);
        self.arm(Timer::StopGrace, grace, effects);
    }

    pub(super) fn begin_stop(&mut self, cause: StopCause, reason: &str, effects: &mut Vec<Effect>) {
        self.cause = cause;
        self.killed = false;
        self.enter(Phase::Stopping, reason, effects);
    }

    /// The rest of the tree follows the leader, unless SIGKILL has been sent to all.
    pub(super) fn terminate_rest(&mut self, effects: &mut Vec<Effect>) {
        if self.phase != Phase::Stopping || self.killed {
            return;
        }
        self.disarm(Timer::StopRest, effects);
        effects.push(Effect::Signal(StopSignal::TerminateRest));
    }

    /// The leader has exited, so that no process ends the rest any more. A moment is left to those
    /// that it has told to end, such as the workers of a cluster.
    pub(super) fn hasten_rest(&mut self, effects: &mut Vec<Effect>) {
        if self.phase == Phase::Stopping && self.is_armed(Timer::StopRest) {
            self.disarm(Timer::StopRest, effects);
            let delay = STOP_REST_DELAY.min(self.timing.stop_grace / STOP_REST_SHARE);
            self.arm(Timer::StopRest, delay, effects);
        }
    }

    fn is_armed(&self, timer: Timer) -> bool {
        self.armed().contains(&timer)
    }

    pub(super) fn kill(&mut self, effects: &mut Vec<Effect>) {
        if self.killed {
            return;
        }
        self.killed = true;
        self.disarm(Timer::StopRest, effects);
        self.disarm(Timer::StopGrace, effects);
        effects.push(Effect::Signal(StopSignal::Kill));
        self.arm(Timer::KillWait, self.timing.kill_wait, effects);
    }
}
