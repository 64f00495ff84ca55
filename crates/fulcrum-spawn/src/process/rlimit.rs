//! How many files this program may have open, and how many its children.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The limit that a child is given: the one that this program was started with.
#[derive(Debug, Clone)]
pub(super) struct NofileLimit {
    inherited: Option<Rlimit>,
}

impl NofileLimit {
    /// Lets this program open as many files as it may: a domain takes five or so, and the usual
    /// soft limit of 1024 is there for programs that call `select`, which this one doesn't.
    pub(super) fn raise() -> Self {
        let now = getrlimit(Resource::Nofile);
        let raised = Rlimit {
            current: now.maximum,
            maximum: now.maximum,
        };
        let raised = setrlimit(Resource::Nofile, raised).is_ok();
        Self {
            inherited: raised.then_some(now),
        }
    }

    /// To be called in the child; a single system call. A child may well be a program that calls
    /// `select`.
    pub(super) fn restore(&self) {
        let Some(inherited) = &self.inherited else {
            return;
        };
        // Somebody may have lowered the limit while we ran: then that one holds.
        let highest = getrlimit(Resource::Nofile).maximum;
        let least = |limit: Option<u64>| match (limit, highest) {
            (Some(limit), Some(highest)) => Some(limit.min(highest)),
            (limit, highest) => limit.or(highest),
        };
        let _ = setrlimit(
            Resource::Nofile,
            Rlimit {
                current: least(inherited.current),
                maximum: highest,
            },
        );
    }
}
