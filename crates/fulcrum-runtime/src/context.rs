//! What the instance's tasks share; nothing in it changes but behind its own handles.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use fulcrum_config::Mode;
use fulcrum_logs::{FULCRUM, Hub, Level};
use fulcrum_rpc::Registry;
use fulcrum_spawn::process::Containment;
use fulcrum_spawn::supervisor::Supervisor;
use tokio::time::Instant;

use crate::events::log::Journal;
use crate::readiness::probes;
use crate::reload::request::Reloads;
use crate::resources::sampler::Vitals;
use crate::shutdown::stage::{Closing, Stage};
use crate::standby::node::NodeSpare;
use crate::standby::pool::Standby;
use crate::state::desired::{Agenda, Agendas, Configured};
use crate::state::domain::Desks;

/// The instance, as its tasks see it.
pub(crate) struct House {
    pub(crate) agendas: Agendas,
    pub(crate) mode: Mode,
    pub(crate) reloads: Reloads,
    pub(crate) supervisor: Supervisor,
    pub(crate) registry: Registry,
    pub(crate) hub: Hub,
    pub(crate) journal: Journal,
    pub(crate) desks: Desks,
    pub(crate) vitals: Vitals,
    pub(crate) containment: Containment,
    pub(crate) standby: Standby<NodeSpare>,
    pub(crate) closing: Closing,
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
pub(crate) type Shared = Arc<House>;

impl House {
    /// Says something about the instance itself.
    pub(crate) fn say(&self, level: Level, text: impl Into<String>) {
        say(&self.hub, level, text);
    }

    /// Tells health checks how the app is: it serves while every domain that was asked for does and
    /// nobody has asked it to end.
    pub(crate) fn tell_health(&self) {
        let open = self.closing.stage() == Stage::Open;
        let serves = open
            && self
                .agenda()
                .selected
                .iter()
                .all(|name| probes::serves(self, name));
        self.registry.set_serving(None, serves);
    }

    /// What is to run now.
    pub(crate) fn agenda(&self) -> Arc<Agenda> {
        Arc::clone(&self.agendas.borrow())
    }

    /// The configuration of a domain.
    pub(crate) fn domain(&self, name: &str) -> Option<Configured> {
        Configured::find(&self.agendas.borrow(), name)
    }
}

/// Says something about the instance itself. Gives the number of the line, or of the last one.
pub fn say(hub: &Hub, level: Level, text: impl Into<String>) -> u64 {
    hub.announce(FULCRUM, 0, level, text.into(), now())
}

/// The wall clock's time, for what people and other programs read.
#[expect(
    clippy::disallowed_methods,
    reason = "log lines carry the wall clock's time"
)]
pub(crate) fn now() -> SystemTime {
    SystemTime::now()
}
