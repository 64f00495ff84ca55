//! What a dependency must have come to.

use super::snapshot::Snapshot;
use crate::lifecycle::Phase;

/// The state that a dependency must reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// It is ready, or has completed.
    Ready,
    /// Its process runs, or has completed.
    Started,
    /// It ran and exited with code 0.
    Completed,
}

impl Condition {
    pub(super) fn holds(self, dependency: &Snapshot) -> bool {
        match self {
            _ if dependency.phase == Phase::Completed => true,
            Self::Ready => dependency.phase == Phase::Running && dependency.ready,
            Self::Started => matches!(dependency.phase, Phase::Starting | Phase::Running),
            Self::Completed => {
                dependency.phase == Phase::Stopped
                    && dependency
                        .last_exit
                        .as_ref()
                        .is_some_and(|end| end.report.code == Some(0))
            }
        }
    }
}
