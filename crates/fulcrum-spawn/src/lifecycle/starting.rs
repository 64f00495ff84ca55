//! The steps of a start: dependencies, preparation, spawn, phase running.

use super::machine::Machine;
use super::policy::RestartPolicy;
use super::types::{Effect, Phase, Timer};

impl Machine {
    /// Starts the next generation: dependencies, then preparation, then spawn.
    pub(super) fn start_sequence(&mut self, reason: &str, effects: &mut Vec<Effect>) {
        self.enter(Phase::Waiting, reason, effects);
        effects.push(Effect::AwaitDependencies);
    }

    pub(super) fn cancel_start(&mut self, effects: &mut Vec<Effect>) {
        if matches!(self.phase, Phase::Waiting | Phase::Preparing) || self.blocked {
            effects.push(Effect::CancelStart);
        }
    }

    /// Enters phase running from phase starting.
    pub(super) fn run(
        &mut self,
        reason: &str,
        policy: &dyn RestartPolicy,
        effects: &mut Vec<Effect>,
    ) {
        self.enter(Phase::Running, reason, effects);
        self.arm(Timer::Stable, policy.stable_after(), effects);
        if let Some(limit) = self.timing.time_limit {
            self.arm(Timer::TimeLimit, limit, effects);
        }
    }

    pub(super) fn spawn(&mut self, effects: &mut Vec<Effect>) {
        self.generation += 1;
        self.exit = None;
        self.was_ready = false;
        self.was_running = false;
        self.enter(Phase::Starting, "spawned", effects);
        effects.push(Effect::Spawn {
            generation: self.generation,
        });
        self.arm(Timer::StartTimeout, self.timing.start_timeout, effects);
    }
}
