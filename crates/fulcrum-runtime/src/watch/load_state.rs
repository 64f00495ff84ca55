//! How far the domains' lives have come, as changes are judged by.

use std::collections::BTreeMap;

use fulcrum_spawn::lifecycle::Phase;
use fulcrum_spawn::prepare::report_file;
use fulcrum_spawn::supervisor::Snapshot;
use tokio::time::Instant;

use crate::context::RuntimeContext;
use crate::watch::classify::{DomainView, LoadState};
use crate::watch::loops::modified_at;
use crate::watch::pending::PendingReloads;

/// What is known of the domains now, by name.
pub(crate) fn domain_views(
    house: &RuntimeContext,
    renewals: &PendingReloads,
) -> BTreeMap<String, DomainView> {
    let desks = house.desks.all();
    let seen = desks.iter().map(|(name, desk)| {
        let life = house
            .supervisor
            .domain(name)
            .map(|handle| handle.snapshot());
        let seen = DomainView {
            modules: desk.loaded_modules.borrow().clone(),
            unapplied: renewals.waiting(name),
            standing: life.map_or(LoadState::Down, |life| load_state(house, name, &life)),
        };
        (name.clone(), seen)
    });
    seen.collect()
}

fn load_state(house: &RuntimeContext, name: &str, life: &Snapshot) -> LoadState {
    match life.phase {
        Phase::Backoff | Phase::Stopped | Phase::Failed | Phase::Stuck => LoadState::Down,
        Phase::Waiting | Phase::Preparing | Phase::Stopping => LoadState::Starting,
        Phase::Starting | Phase::Running => {
            let folder = house.modules.as_deref();
            let told = folder.map(|folder| report_file(folder, name));
            // Before it tells, the file is its predecessor's.
            let at = told.and_then(|told| modified_at(&told, Instant::now()));
            match at.zip(life.spawned_at) {
                Some((at, spawned)) if at > spawned => LoadState::Loaded,
                Some(_) | None => LoadState::Starting,
            }
        }
    }
}
