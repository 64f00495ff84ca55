//! What the instance's tasks share; nothing in it changes but behind its own handles.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use fulcrum_config::Mode;
use fulcrum_logs::{FULCRUM_SOURCE, Hub, Level};
use fulcrum_rpc::Registry;
use fulcrum_spawn::process::ProcessTracker;
use fulcrum_spawn::standby::StandbyPool;
use fulcrum_spawn::supervisor::Supervisor;
use tokio::time::Instant;

use crate::events::log::EventLog;
use crate::readiness::probes;
use crate::reload::request::ReloadHandle;
use crate::resources::sampler::UsageSampler;
use crate::shutdown::stage::{ShutdownSignal, ShutdownStage};
use crate::standby::node::NodeStandby;
use crate::state::desired::{DesiredState, DesiredStateReceiver, DomainConfigRef};
use crate::state::domain::SharedDomainStates;

/// The instance, as its tasks see it.
pub(crate) struct RuntimeContext {
    pub(crate) agendas: DesiredStateReceiver,
    pub(crate) mode: Mode,
    pub(crate) reloads: ReloadHandle,
    pub(crate) supervisor: Supervisor,
    pub(crate) registry: Registry,
    pub(crate) hub: Hub,
    pub(crate) journal: EventLog,
    pub(crate) desks: SharedDomainStates,
    pub(crate) vitals: UsageSampler,
    pub(crate) containment: ProcessTracker,
    pub(crate) standby: StandbyPool<NodeStandby>,
    pub(crate) closing: ShutdownSignal,
    /// Which run this is in the store of log lines; 0 without one.
    pub(crate) log_run: u64,
    /// Where domains tell which files they have loaded, if that is of interest.
    pub(crate) modules: Option<PathBuf>,
    /// Where domains register, host:port.
    pub(crate) grpc: String,
    pub(crate) socket: String,
    pub(crate) started: (Instant, SystemTime),
}

/// A handle to it.
pub(crate) type SharedContext = Arc<RuntimeContext>;

impl RuntimeContext {
    /// Says something about the instance itself.
    pub(crate) fn log(&self, level: Level, text: impl Into<String>) {
        log(&self.hub, level, text);
    }

    /// Tells health checks how the app is: it serves while every domain that was asked for does and
    /// nobody has asked it to end.
    pub(crate) fn update_serving_status(&self) {
        let open = self.closing.stage() == ShutdownStage::Running;
        let serves = open
            && self
                .agenda()
                .selected
                .iter()
                .all(|name| probes::is_serving(self, name));
        self.registry.set_serving(None, serves);
    }

    /// What is to run now.
    pub(crate) fn agenda(&self) -> Arc<DesiredState> {
        Arc::clone(&self.agendas.borrow())
    }

    /// The configuration of a domain.
    pub(crate) fn domain(&self, name: &str) -> Option<DomainConfigRef> {
        DomainConfigRef::find(&self.agendas.borrow(), name)
    }
}

/// Says something about the instance itself. Gives the number of the line, or of the last one.
pub fn log(hub: &Hub, level: Level, text: impl Into<String>) -> u64 {
    hub.publish_event(FULCRUM_SOURCE, 0, level, text.into(), now())
}

/// The wall clock's time, for what people and other programs read.
#[expect(
    clippy::disallowed_methods,
    reason = "log lines carry the wall clock's time"
)]
pub(crate) fn now() -> SystemTime {
    SystemTime::now()
}
