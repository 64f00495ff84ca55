//! The limit of open files for this program and for its children.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The limit for children: the one that this program was started with.
#[derive(Debug, Clone)]
pub(super) struct NofileLimit {
    inherited: Option<Rlimit>,
}

impl NofileLimit {
    /// Raises this program's soft limit to the hard limit: a domain takes about five descriptors,
    /// and the usual soft limit of 1024 exists for programs that call `select`, which this one does
    /// not.
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

    /// To be called in the child. Makes two system calls. A child may be a program that calls
    /// `select`.
    pub(super) fn restore(&self) {
        let Some(inherited) = &self.inherited else {
            return;
        };
        // The hard limit may have been lowered meanwhile: then that one applies.
        let highest = getrlimit(Resource::Nofile).maximum;
        let lower = |limit: Option<u64>| match (limit, highest) {
            (Some(limit), Some(highest)) => Some(limit.min(highest)),
            (limit, highest) => limit.or(highest),
        };
        let _ = setrlimit(
            Resource::Nofile,
            Rlimit {
                current: lower(inherited.current),
                maximum: highest,
            },
        );
    }
}
