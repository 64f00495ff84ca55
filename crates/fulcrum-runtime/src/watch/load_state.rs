//! How far the domains have loaded their code, for the classification of changes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use fulcrum_spawn::lifecycle::Phase;
use fulcrum_spawn::prepare::report_file;
use fulcrum_spawn::supervisor::{Snapshot, Supervisor};
use tokio::time::Instant;

use crate::state::domain::DomainStates;
use crate::watch::classify::{DomainView, LoadState, ReloadTarget};
use crate::watch::file_time::modified_at;
use crate::watch::spec::LoadedFiles;

/// What is known of each domain. `module_reports` is the directory in which domains report the files
/// that they have loaded, and `loaded` has those files; `pending` has the changed files that no
/// generation was started with.
pub(crate) fn domain_views(
    states: &DomainStates,
    supervisor: &Supervisor,
    module_reports: Option<&Path>,
    loaded: &LoadedFiles,
    pending: &BTreeMap<String, BTreeSet<PathBuf>>,
) -> BTreeMap<String, DomainView> {
    let states = states.all();
    let views = states.keys().map(|name| {
        let handle = supervisor.domain(name);
        let load_state = handle.map_or(LoadState::Down, |handle| {
            load_state(name, &handle.snapshot(), module_reports)
        });
        let view = DomainView {
            modules: loaded.get(name).cloned(),
            unapplied: pending.get(name).cloned().unwrap_or_default(),
            load_state,
        };
        (name.clone(), view)
    });
    views.collect()
}

/// Whether a change came with an install of the domain's packages, before its code was loaded.
pub(crate) fn is_by_install(
    states: &DomainStates,
    target: &ReloadTarget,
    path: &Path,
    now: Instant,
) -> bool {
    let ReloadTarget::Code(name) = target else {
        return false;
    };
    let period = states
        .get(name)
        .and_then(|state| state.install.borrow().clone());
    period.is_some_and(|period| period.explains(|| modified_at(path, now)))
}

fn load_state(name: &str, snapshot: &Snapshot, module_reports: Option<&Path>) -> LoadState {
    match snapshot.phase {
        Phase::Backoff | Phase::Stopped | Phase::Completed | Phase::Failed | Phase::Stuck => {
            LoadState::Down
        }
        Phase::Waiting | Phase::Preparing | Phase::Stopping => LoadState::Starting,
        Phase::Starting | Phase::Running => {
            let report = module_reports.map(|dir| report_file(dir, name));
            // Until it reports, the file is that of the generation before.
            let reported = report.and_then(|report| modified_at(&report, Instant::now()));
            match reported.zip(snapshot.spawned_at) {
                Some((reported, spawned)) if reported > spawned => LoadState::Loaded,
                Some(_) | None => LoadState::Starting,
            }
        }
    }
}
