//! The serving status that gRPC health checks of the app and of each domain report.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fulcrum_rpc::Registry;
use fulcrum_spawn::lifecycle::{Fact, Phase};
use fulcrum_spawn::supervisor::{Supervisor, Transition};

use crate::readiness::probe_set::{has_readiness_probe, must_register};
use crate::shutdown::stage::{ShutdownSignal, ShutdownStage};
use crate::state::desired::{DesiredState, DesiredStateReceiver};

/// Keeps the serving status in the registry up to date.
#[derive(Clone)]
pub(crate) struct ServingStatus {
    pub(crate) desired: DesiredStateReceiver,
    pub(crate) supervisor: Supervisor,
    pub(crate) registry: Registry,
    pub(crate) shutdown: ShutdownSignal,
    /// The place among the selected domains of one that the app has been seen to wait for. While it
    /// does, the others need not be asked at each transition of one of them.
    pub(crate) waits_for: Arc<AtomicUsize>,
}

impl ServingStatus {
    /// Updates the status of the app: it serves while every selected domain does and no shutdown
    /// was requested.
    pub(crate) fn update_app(&self) {
        let desired = self.desired.current();
        let serves =
            self.shutdown.stage() == ShutdownStage::Running && self.all_are_serving(&desired);
        self.registry.set_serving(None, serves);
    }

    fn all_are_serving(&self, desired: &Arc<DesiredState>) -> bool {
        let names = &desired.selected;
        let seen = names.get(self.waits_for.load(Ordering::Relaxed));
        if seen.is_some_and(|name| !self.is_serving(desired, name)) {
            return false;
        }
        // Of those that start together, the last one is most likely the last to be ready.
        let waits_for = names
            .iter()
            .rposition(|name| !self.is_serving(desired, name));
        self.waits_for
            .store(waits_for.unwrap_or_default(), Ordering::Relaxed);
        waits_for.is_none()
    }

    /// Updates the status of a domain that need not register.
    pub(crate) fn on_transition(&self, transition: &Transition) {
        let (desired, name) = (self.desired.current(), &transition.domain);
        if !is_by_stream(&desired, name) {
            let serves = self.is_serving(&desired, name);
            self.registry.set_serving(Some(name), serves);
            self.update_app();
        }
    }

    /// Updates the status of a domain whose readiness its stream decides.
    pub(crate) fn set_stream_serving(&self, domain: &str, serves: bool) {
        if is_by_stream(&self.desired.current(), domain) {
            self.registry.set_serving(Some(domain), serves);
        }
    }

    /// Reports a fact about a domain's readiness that its stream shows. If a probe decides its
    /// readiness, a registration only means that the domain has started.
    pub(crate) fn report_stream_fact(&self, domain: &str, generation: u64, fact: Fact) {
        let fact = match fact {
            fact if !is_probed(&self.desired.current(), domain) => fact,
            Fact::Ready => Fact::Started,
            _ => return,
        };
        if let Some(handle) = self.supervisor.domain(domain) {
            handle.report(generation, fact);
        }
    }

    fn is_serving(&self, desired: &Arc<DesiredState>, domain: &str) -> bool {
        if is_by_stream(desired, domain) {
            return self.registry.is_registered(domain);
        }
        let handle = self.supervisor.domain(domain);
        handle.is_some_and(|handle| {
            let now = handle.snapshot();
            now.ready || now.phase == Phase::Completed
        })
    }
}

/// Whether only the stream shows that a domain serves.
fn is_by_stream(desired: &DesiredState, domain: &str) -> bool {
    desired.app.domain(domain).is_none_or(must_register)
}

fn is_probed(desired: &DesiredState, domain: &str) -> bool {
    let domain = desired.app.domain(domain);
    domain.is_some_and(|domain| domain.is_job() || has_readiness_probe(domain))
}
