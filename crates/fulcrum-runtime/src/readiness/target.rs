//! What the probes of one generation run against.

use std::sync::Arc;

use fulcrum_logs::Hub;
use fulcrum_spawn::CommandSpec;
use fulcrum_spawn::process::{Process, RunId, Spawner};
use fulcrum_spawn::supervisor::{FactSender, StartLimiter};

use crate::state::desired::DesiredStateReceiver;
use crate::state::domain::SharedDomainStates;
use crate::traces::starts::StartTraces;

/// One generation that is probed.
pub(crate) struct ProbeTarget {
    pub(crate) domain: Arc<str>,
    pub(crate) spec: Arc<CommandSpec>,
    pub(crate) process: Arc<Process>,
    pub(crate) spawner: Spawner,
    /// Exec probes wait until the programs that are to start have started.
    pub(crate) limiter: StartLimiter,
    /// The run that the tokens of exec probes name.
    pub(crate) run: RunId,
    pub(crate) hub: Hub,
    pub(crate) states: SharedDomainStates,
    /// The configuration in force, which has the probes.
    pub(crate) desired: DesiredStateReceiver,
    pub(crate) facts: FactSender,
    /// The trace of its start.
    pub(crate) traces: StartTraces,
}
