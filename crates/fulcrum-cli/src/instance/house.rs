//! What the instance's tasks share; nothing in it changes but behind its own handles.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use fulcrum_config::{App, Domain, Mode};
use fulcrum_logs::{FULCRUM, Hub, Level};
use fulcrum_rpc::Registry;
use fulcrum_spawn::process::Containment;
use fulcrum_spawn::supervisor::Supervisor;
use tokio::time::Instant;

use super::closing::{Closing, Stage};
use super::desk::Desks;
use super::events::Journal;
use super::probes;
use super::standby::{NodeSpare, Standby};
use super::vitals::Vitals;

/// The instance, as its tasks see it.
pub(crate) struct House {
    pub(crate) app: App,
    pub(crate) mode: Mode,
    /// The domains that were asked for at the start, dependencies included, by name.
    pub(crate) selected: Vec<String>,
    pub(crate) supervisor: Supervisor,
    pub(crate) registry: Registry,
    pub(crate) hub: Hub,
    pub(crate) journal: Journal,
    pub(crate) desks: Desks,
    pub(crate) vitals: Vitals,
    pub(crate) containment: Containment,
    pub(crate) standby: Standby<NodeSpare>,
    pub(crate) closing: Closing,
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
        let serves = open && self.selected.iter().all(|name| probes::serves(self, name));
        self.registry.set_serving(None, serves);
    }

    /// The configuration of a domain.
    pub(crate) fn domain(&self, name: &str) -> Option<&Domain> {
        self.app.domain(name)
    }
}

/// Says something about the instance itself.
pub(crate) fn say(hub: &Hub, level: Level, text: impl Into<String>) {
    hub.announce(FULCRUM, 0, level, text.into(), now());
}

/// The wall clock's time, for what people and other programs read.
#[expect(
    clippy::disallowed_methods,
    reason = "log lines carry the wall clock's time"
)]
pub(crate) fn now() -> SystemTime {
    SystemTime::now()
}
