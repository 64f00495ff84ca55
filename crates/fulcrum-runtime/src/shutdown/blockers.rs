//! What a shutdown still waits for.

use fulcrum_spawn::lifecycle::Phase;
use fulcrum_spawn::supervisor::Supervisor;

/// The domains that still have processes, as text.
pub(crate) fn shutdown_progress(supervisor: &Supervisor) -> String {
    let alive = supervisor.domains().into_iter().filter_map(|handle| {
        let pid = handle.snapshot().pid?;
        Some(format!("{} (pid {pid})", handle.name()))
    });
    let names: Vec<String> = alive.collect();
    if names.is_empty() {
        "stopping".to_owned()
    } else {
        format!("waiting for {}", names.join(", "))
    }
}

/// The domains whose processes are still alive after SIGKILL.
pub(crate) fn unkillable(supervisor: &Supervisor) -> Vec<String> {
    let stuck = supervisor.domains().into_iter().filter_map(|handle| {
        let snapshot = handle.snapshot();
        let pid = snapshot.pid.unwrap_or_default();
        (snapshot.phase == Phase::Stuck).then(|| format!("{} (pid {pid})", handle.name()))
    });
    stuck.collect()
}
