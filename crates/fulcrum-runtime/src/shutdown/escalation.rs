//! What a signal to the instance means, by the stage of the shutdown. A pure decision.

use std::time::Duration;

use crate::shutdown::stage::ShutdownStage;

/// Two SIGINTs this close are one keystroke: `npm run` and `timeout` forward the signal that the
/// terminal has sent to us already.
const DUPLICATE_WINDOW: Duration = Duration::from_millis(100);

/// A signal that requests a shutdown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignalKind {
    /// SIGINT.
    CtrlC,
    /// SIGTERM.
    Terminate,
    /// SIGHUP.
    HangUp,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShutdownAction {
    /// Stop the domains in their order.
    Stop,
    /// Kill the remaining processes.
    Kill,
    /// Exit at once; the cleanup guard kills the remaining processes.
    ExitNow,
    /// Nothing changes.
    Ignore,
}

/// The signals so far.
#[derive(Debug, Default)]
pub struct SignalEscalation {
    /// The number of keystrokes, and the time of the last one.
    presses: u32,
    last: Option<Duration>,
}

impl SignalEscalation {
    /// A signal was received at `now`, on any monotonic clock, while the shutdown is at `stage`.
    /// Only Ctrl-C escalates: systemd and terminals repeat their signals with the same meaning.
    pub fn on_signal(
        &mut self,
        received: SignalKind,
        stage: ShutdownStage,
        now: Duration,
    ) -> ShutdownAction {
        if received == SignalKind::CtrlC {
            let echo = self
                .last
                .is_some_and(|last| now.saturating_sub(last) < DUPLICATE_WINDOW);
            self.last = Some(now);
            if echo {
                return ShutdownAction::Ignore;
            }
            self.presses += 1;
        }
        match (received, stage) {
            (_, ShutdownStage::Running) => ShutdownAction::Stop,
            (SignalKind::Terminate | SignalKind::HangUp, _) => ShutdownAction::Ignore,
            (SignalKind::CtrlC, ShutdownStage::Stopping) => ShutdownAction::Kill,
            (SignalKind::CtrlC, ShutdownStage::Killing) => ShutdownAction::ExitNow,
            // The domains have exited; the rest takes a moment at most.
            (SignalKind::CtrlC, ShutdownStage::Done) if self.presses > 2 => ShutdownAction::ExitNow,
            (SignalKind::CtrlC, ShutdownStage::Done) => ShutdownAction::Ignore,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn actions(explanation: &[(SignalKind, ShutdownStage, u64)]) -> Vec<ShutdownAction> {
        let mut escalation = SignalEscalation::default();
        explanation
            .iter()
            .map(|(received, stage, at)| {
                escalation.on_signal(*received, *stage, Duration::from_millis(*at))
            })
            .collect()
    }

    #[test]
    fn ctrl_c_stops_then_kills_then_exits() {
        use SignalKind::CtrlC;
        assert_eq!(
            actions(&[
                (CtrlC, ShutdownStage::Running, 1_000),
                (CtrlC, ShutdownStage::Stopping, 1_300),
                (CtrlC, ShutdownStage::Killing, 1_600),
            ]),
            [
                ShutdownAction::Stop,
                ShutdownAction::Kill,
                ShutdownAction::ExitNow
            ]
        );
    }

    #[test]
    fn a_keystroke_received_twice_counts_once() {
        use SignalKind::CtrlC;
        assert_eq!(
            actions(&[
                (CtrlC, ShutdownStage::Running, 1_000),
                (CtrlC, ShutdownStage::Stopping, 1_020),
                (CtrlC, ShutdownStage::Stopping, 1_040),
                (CtrlC, ShutdownStage::Stopping, 1_140),
            ]),
            [
                ShutdownAction::Stop,
                ShutdownAction::Ignore,
                ShutdownAction::Ignore,
                ShutdownAction::Kill
            ]
        );
    }

    #[test]
    fn sigterm_and_sighup_never_escalate_but_ctrl_c_does_after_them() {
        use SignalKind::{CtrlC, HangUp, Terminate};
        for first in [Terminate, HangUp] {
            assert_eq!(
                actions(&[
                    (first, ShutdownStage::Running, 0),
                    (Terminate, ShutdownStage::Stopping, 500),
                    (HangUp, ShutdownStage::Stopping, 1_000),
                    (CtrlC, ShutdownStage::Stopping, 1_500),
                    (Terminate, ShutdownStage::Killing, 2_000),
                    (CtrlC, ShutdownStage::Killing, 2_500),
                ]),
                [
                    ShutdownAction::Stop,
                    ShutdownAction::Ignore,
                    ShutdownAction::Ignore,
                    ShutdownAction::Kill,
                    ShutdownAction::Ignore,
                    ShutdownAction::ExitNow
                ]
            );
        }
    }

    #[test]
    fn a_late_keystroke_does_not_cut_the_last_lines_short() {
        use SignalKind::CtrlC;
        assert_eq!(
            actions(&[
                (CtrlC, ShutdownStage::Running, 0),
                (CtrlC, ShutdownStage::Done, 500),
                (CtrlC, ShutdownStage::Done, 1_000),
            ]),
            [
                ShutdownAction::Stop,
                ShutdownAction::Ignore,
                ShutdownAction::ExitNow
            ]
        );
    }
}
