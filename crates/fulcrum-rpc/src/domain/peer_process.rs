//! The processes of domains, and those at the other end of connections.

use std::fmt;

/// The current process of a domain, as a registration is compared with it.
#[derive(Clone, PartialEq, Eq)]
pub struct DomainProcess {
    /// The domain's name.
    pub domain: String,
    /// The generation of the process.
    pub generation: u64,
    /// The token that the process was started with.
    pub token: String,
    /// The process id of its leader; `None` until it is spawned.
    pub pid: Option<u32>,
}

/// Prints everything except the token.
impl fmt::Debug for DomainProcess {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("DomainProcess")
            .field("domain", &self.domain)
            .field("generation", &self.generation)
            .field("token", &"***")
            .field("pid", &self.pid)
            .finish()
    }
}

/// A process at the other end of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerProcess {
    /// The process id.
    pub pid: u32,
    /// When it started, in any unit: with the id it identifies the process.
    pub started: u64,
    /// Its command line, for messages.
    pub command: String,
}

impl PeerProcess {
    pub(super) fn is_same_process(&self, other: &Self) -> bool {
        (self.pid, self.started) == (other.pid, other.started)
    }
}

/// Prints `4242 (node domain.js)`.
impl fmt::Display for PeerProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.pid, self.command)
    }
}
