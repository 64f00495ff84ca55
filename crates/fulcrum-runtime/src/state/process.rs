//! What identifies the process of a generation.

use std::sync::Arc;

use fulcrum_config::Domain;
use fulcrum_spawn::CommandSpec;

/// The environment variable with the token of a generation. Domains register with it, and the
/// process tracker attributes processes by it.
pub(crate) const TOKEN_VAR: &str = "FULCRUM_DOMAIN_TOKEN";

/// Identity of the process of one generation.
#[derive(Debug, Clone)]
pub(crate) struct ProcessIdentity {
    /// The generation.
    pub(crate) generation: u64,
    /// The token that the process presents when it registers.
    pub(crate) token: String,
    /// The process id of the leader; `None` until it is spawned.
    pub(crate) pid: Option<u32>,
    /// The command that was executed.
    pub(crate) spec: Arc<CommandSpec>,
    /// The settings that the command was made from.
    pub(crate) config: Arc<Domain>,
    /// The leader has exited: the token is no longer valid, and the pid may belong to another
    /// process.
    pub(crate) exited: bool,
}
