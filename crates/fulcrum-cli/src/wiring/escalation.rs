//! What a signal to the instance means, which depends on how far the end has come: the decision
//! alone.

use std::time::Duration;

use fulcrum_runtime::shutdown::stage::ShutdownStage;

/// Two SIGINTs this close are one keystroke: `npm run` and `timeout` pass on to us what the terminal
/// has sent us already.
const DUPLICATE_WINDOW: Duration = Duration::from_millis(100);

/// A signal that asks an instance to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SignalKind {
    /// SIGINT.
    CtrlC,
    /// SIGTERM.
    Terminate,
    /// SIGHUP.
    HangUp,
}

/// What to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ShutdownAction {
    /// Stop the domains in their order.
    Stop,
    /// Kill what is left of them.
    Kill,
    /// End this very moment, whatever is left: the guard sees to it.
    ExitNow,
    /// It changes nothing.
    Ignore,
}

/// How insistent people have been.
#[derive(Debug, Default)]
pub(crate) struct SignalEscalation {
    /// Keystrokes so far, and when the last one was.
    pressed: u32,
    last: Option<Duration>,
}

impl SignalEscalation {
    /// A signal has come at `now`, a time on any steady clock, while the end has come to `stage`.
    /// Only people at a keyboard are impatient: systemd and terminals send their signals several
    /// times and mean the same by each.
    pub(crate) fn on_signal(
        &mut self,
        asked: SignalKind,
        stage: ShutdownStage,
        now: Duration,
    ) -> ShutdownAction {
        if asked == SignalKind::CtrlC {
            let echo = self
                .last
                .is_some_and(|last| now.saturating_sub(last) < DUPLICATE_WINDOW);
            self.last = Some(now);
            if echo {
                return ShutdownAction::Ignore;
            }
            self.pressed += 1;
        }
        match (asked, stage) {
            (_, ShutdownStage::Running) => ShutdownAction::Stop,
            (SignalKind::Terminate | SignalKind::HangUp, _) => ShutdownAction::Ignore,
            (SignalKind::CtrlC, ShutdownStage::Stopping) => ShutdownAction::Kill,
            (SignalKind::CtrlC, ShutdownStage::Killing) => ShutdownAction::ExitNow,
            // The domains are gone, and the rest takes a moment at most.
            (SignalKind::CtrlC, ShutdownStage::Done) if self.pressed > 2 => ShutdownAction::ExitNow,
            (SignalKind::CtrlC, ShutdownStage::Done) => ShutdownAction::Ignore,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wishes(explanation: &[(SignalKind, ShutdownStage, u64)]) -> Vec<ShutdownAction> {
        let mut escalation = SignalEscalation::default();
        explanation
            .iter()
            .map(|(asked, stage, at)| {
                escalation.on_signal(*asked, *stage, Duration::from_millis(*at))
            })
            .collect()
    }

    #[test]
    fn ctrl_c_stops_then_kills_then_leaves() {
        use SignalKind::CtrlC;
        assert_eq!(
            wishes(&[
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
    fn one_keystroke_that_comes_twice_is_one() {
        use SignalKind::CtrlC;
        assert_eq!(
            wishes(&[
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
                wishes(&[
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
    fn a_late_keystroke_does_not_cut_the_farewell_short() {
        use SignalKind::CtrlC;
        assert_eq!(
            wishes(&[
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
