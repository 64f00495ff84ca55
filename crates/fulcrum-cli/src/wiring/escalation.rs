//! What a signal to the instance means, which depends on how far the end has come: the decision
//! alone.

use std::time::Duration;

use fulcrum_runtime::shutdown::stage::Stage;

/// Two SIGINTs this close are one keystroke: `npm run` and `timeout` pass on to us what the terminal
/// has sent us already.
const ECHO: Duration = Duration::from_millis(100);

/// A signal that asks an instance to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// SIGINT.
    CtrlC,
    /// SIGTERM.
    Terminate,
    /// SIGHUP.
    HangUp,
}

/// What to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    /// Stop the domains in their order.
    Stop,
    /// Kill what is left of them.
    Kill,
    /// End this very moment, whatever is left: the guard sees to it.
    Leave,
    /// It changes nothing.
    Nothing,
}

/// How insistent people have been.
#[derive(Debug, Default)]
pub(crate) struct Insistence {
    /// Keystrokes so far, and when the last one was.
    pressed: u32,
    last: Option<Duration>,
}

impl Insistence {
    /// A signal has come at `now`, a time on any steady clock, while the end has come to `stage`.
    /// Only people at a keyboard are impatient: systemd and terminals send their signals several
    /// times and mean the same by each.
    pub(crate) fn take(&mut self, asked: Asked, stage: Stage, now: Duration) -> Wish {
        if asked == Asked::CtrlC {
            let echo = self
                .last
                .is_some_and(|last| now.saturating_sub(last) < ECHO);
            self.last = Some(now);
            if echo {
                return Wish::Nothing;
            }
            self.pressed += 1;
        }
        match (asked, stage) {
            (_, Stage::Open) => Wish::Stop,
            (Asked::Terminate | Asked::HangUp, _) => Wish::Nothing,
            (Asked::CtrlC, Stage::Stopping) => Wish::Kill,
            (Asked::CtrlC, Stage::Killing) => Wish::Leave,
            // The domains are gone, and the rest takes a moment at most.
            (Asked::CtrlC, Stage::Ended) if self.pressed > 2 => Wish::Leave,
            (Asked::CtrlC, Stage::Ended) => Wish::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wishes(story: &[(Asked, Stage, u64)]) -> Vec<Wish> {
        let mut insistence = Insistence::default();
        story
            .iter()
            .map(|(asked, stage, at)| insistence.take(*asked, *stage, Duration::from_millis(*at)))
            .collect()
    }

    #[test]
    fn ctrl_c_stops_then_kills_then_leaves() {
        use Asked::CtrlC;
        assert_eq!(
            wishes(&[
                (CtrlC, Stage::Open, 1_000),
                (CtrlC, Stage::Stopping, 1_300),
                (CtrlC, Stage::Killing, 1_600),
            ]),
            [Wish::Stop, Wish::Kill, Wish::Leave]
        );
    }

    #[test]
    fn one_keystroke_that_comes_twice_is_one() {
        use Asked::CtrlC;
        assert_eq!(
            wishes(&[
                (CtrlC, Stage::Open, 1_000),
                (CtrlC, Stage::Stopping, 1_020),
                (CtrlC, Stage::Stopping, 1_040),
                (CtrlC, Stage::Stopping, 1_140),
            ]),
            [Wish::Stop, Wish::Nothing, Wish::Nothing, Wish::Kill]
        );
    }

    #[test]
    fn sigterm_and_sighup_never_escalate_but_ctrl_c_does_after_them() {
        use Asked::{CtrlC, HangUp, Terminate};
        for first in [Terminate, HangUp] {
            assert_eq!(
                wishes(&[
                    (first, Stage::Open, 0),
                    (Terminate, Stage::Stopping, 500),
                    (HangUp, Stage::Stopping, 1_000),
                    (CtrlC, Stage::Stopping, 1_500),
                    (Terminate, Stage::Killing, 2_000),
                    (CtrlC, Stage::Killing, 2_500),
                ]),
                [
                    Wish::Stop,
                    Wish::Nothing,
                    Wish::Nothing,
                    Wish::Kill,
                    Wish::Nothing,
                    Wish::Leave
                ]
            );
        }
    }

    #[test]
    fn a_late_keystroke_does_not_cut_the_farewell_short() {
        use Asked::CtrlC;
        assert_eq!(
            wishes(&[
                (CtrlC, Stage::Open, 0),
                (CtrlC, Stage::Ended, 500),
                (CtrlC, Stage::Ended, 1_000),
            ]),
            [Wish::Stop, Wish::Nothing, Wish::Leave]
        );
    }
}
