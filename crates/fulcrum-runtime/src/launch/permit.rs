//! When a start gives its permit back.

use std::sync::Arc;

use fulcrum_spawn::process::Process;
use fulcrum_spawn::supervisor::StartPermit;

use crate::state::domain::DomainState;

/// Holds the permit until the generation has registered or is ready by its probe, or its process
/// has exited, but only for a bounded time.
pub(crate) fn release_when_started(
    permit: StartPermit,
    state: &DomainState,
    generation: u64,
    process: &Arc<Process>,
) {
    let mut registered = state.registered_generation.subscribe();
    let mut probes = state.probe_status.subscribe();
    let process = Arc::clone(process);
    permit.release_when(async move {
        tokio::select! {
            _ = registered.wait_for(|latest| *latest >= generation) => {}
            _ = probes.wait_for(|status| status.has_succeeded) => {}
            _ = process.exited() => {}
        }
    });
}
