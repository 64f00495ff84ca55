//! How far the domains' lives have come, as changes are judged by.

use std::collections::BTreeMap;

use fulcrum_spawn::lifecycle::Phase;
use fulcrum_spawn::supervisor::Snapshot;
use tokio::time::Instant;

use crate::context::House;
use crate::state::modules;
use crate::watch::classify::{Seen, Standing};
use crate::watch::loops::written;
use crate::watch::pending::Renewals;

/// What is known of the domains now, by name.
pub(crate) fn seen(house: &House, renewals: &Renewals) -> BTreeMap<String, Seen> {
    let desks = house.desks.all();
    let seen = desks.iter().map(|(name, desk)| {
        let life = house
            .supervisor
            .domain(name)
            .map(|handle| handle.snapshot());
        let seen = Seen {
            modules: desk.modules.borrow().clone(),
            waiting: renewals.waiting(name),
            standing: life.map_or(Standing::Down, |life| standing(house, name, &life)),
        };
        (name.clone(), seen)
    });
    seen.collect()
}

fn standing(house: &House, name: &str, life: &Snapshot) -> Standing {
    match life.phase {
        Phase::Backoff | Phase::Stopped | Phase::Failed | Phase::Stuck => Standing::Down,
        Phase::Waiting | Phase::Preparing | Phase::Stopping => Standing::Settling,
        Phase::Starting | Phase::Running => {
            let folder = house.modules.as_deref();
            let told = folder.map(|folder| modules::file(folder, name));
            // Before it tells, the file is its predecessor's.
            let at = told.and_then(|told| written(&told, Instant::now()));
            match at.zip(life.spawned_at) {
                Some((at, spawned)) if at > spawned => Standing::Steady,
                Some(_) | None => Standing::Settling,
            }
        }
    }
}
