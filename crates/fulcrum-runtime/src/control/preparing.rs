//! What a domain in phase preparing is waiting for.

use fulcrum_spawn::lifecycle::Phase;
use fulcrum_spawn::supervisor::Snapshot;

use crate::format::format_duration;
use crate::state::domain::DomainState;

/// The reason of a phase. While packages are installed for a domain, that: `installing packages in
/// domains/users with npm for 12.4 s`, with the last words of the package manager.
pub(crate) fn current_reason(state: &DomainState, now: &Snapshot) -> String {
    let install = state.install.borrow();
    let running = install.as_ref().filter(|install| install.ended.is_none());
    match running.filter(|_| now.phase == Phase::Preparing) {
        Some(install) => {
            let elapsed = format_duration(install.started.elapsed());
            let text = format!("{} for {elapsed}", install.what);
            match &install.activity {
                Some(activity) => format!("{text}: {activity}"),
                None => text,
            }
        }
        None => now.reason.clone(),
    }
}
