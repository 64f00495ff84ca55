//! Decides which generation each process belongs to, over a process table that was read before.
//!
//! A generation consists of its leader's process group, its cgroup, the descendants of both, and
//! adopted orphans with its marker in their environment. A member stays a member until it exits: a
//! process that clears its environment or loses its parents after it was observed is still known by
//! pid and start time.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::group::Member;
use super::stat::Stat;

/// Lookups during the attribution. All of them happen after the table was read: then an answer
/// about a pid that was reused meanwhile does no harm, since the process of the table has exited.
pub(super) trait ProcessTable {
    /// The processes in a cgroup and below.
    fn in_cgroup(&self, dir: &Path) -> Vec<u32>;
    /// Whether the environment of a process contains this `NAME=value`.
    fn has_env(&self, pid: u32, marker: &[u8]) -> bool;
    /// Which of our children were adopted rather than started.
    fn adopted(&self) -> BTreeSet<u32>;
}

/// What identifies the processes of a generation.
#[derive(Debug, Default)]
pub(super) struct TrackedGeneration {
    /// `NAME=value` in the environment of its processes, unless they changed it.
    pub(super) marker: Option<Vec<u8>>,
    /// Its own cgroup.
    pub(super) cgroup: Option<PathBuf>,
    /// Distinguishes it from all others of the run.
    pub(super) label: String,
    /// The start time of its leader.
    pub(super) started: u64,
    /// Members outside its group that are in the run record: start times by pid.
    pub(super) recorded: BTreeMap<u32, u64>,
    /// The members at the last attribution: start times by pid.
    pub(super) observed: BTreeMap<u32, u64>,
}

/// The processes of each generation, at the moment of a table.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Attribution {
    /// The living members of each generation, by its leader.
    pub(super) generations: BTreeMap<u32, Vec<Member>>,
    /// Adopted orphans that cannot be attributed.
    pub(super) untracked: Vec<Member>,
    /// Descendants of those.
    pub(super) untracked_descendants: Vec<Member>,
}

/// All running generations. Their leaders are unreaped, so their pids are not reused.
#[derive(Debug)]
pub(super) struct TrackedProcesses {
    /// The pid of this program.
    pub(super) me: u32,
    /// Its process group, which only its helper processes share.
    pub(super) group: u32,
    /// Generations by their leaders.
    pub(super) generations: BTreeMap<u32, TrackedGeneration>,
    /// Children that other code of this program waits for.
    pub(super) excluded: BTreeSet<u32>,
    /// Children from before the first generation: start times by pid.
    pub(super) preexisting: BTreeMap<u32, u64>,
    /// Untracked processes that were reported: start times by pid.
    pub(super) reported: BTreeMap<u32, u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    TrackedGeneration(u32),
    Untracked,
    Other,
}

impl TrackedProcesses {
    pub(super) fn new(me: u32, group: u32) -> Self {
        Self {
            me,
            group,
            generations: BTreeMap::new(),
            excluded: BTreeSet::new(),
            preexisting: BTreeMap::new(),
            reported: BTreeMap::new(),
        }
    }

    /// Whether it is a child that may be an orphan: neither a leader nor a known helper process.
    pub(super) fn may_be_orphan(&self, stat: &Stat) -> bool {
        stat.parent == self.me
            && stat.group != self.group
            && !self.generations.contains_key(&stat.pid)
            && !self.excluded.contains(&stat.pid)
    }

    /// Whether its owner is known, or known to be unknown.
    pub(super) fn is_attributed(&self, stat: &Stat) -> bool {
        let known = |by: &BTreeMap<u32, u64>| by.get(&stat.pid) == Some(&stat.started);
        known(&self.reported)
            || known(&self.preexisting)
            || self
                .generations
                .values()
                .any(|generation| known(&generation.observed))
    }

    /// Attributes every process of a table, and records the members.
    pub(super) fn attribute(
        &mut self,
        table: &[Stat],
        table_lookup: &impl ProcessTable,
    ) -> Attribution {
        let by_pid: BTreeMap<u32, &Stat> = table.iter().map(|stat| (stat.pid, stat)).collect();
        let mut owners = self.direct_owners(&by_pid, table_lookup);
        for stat in table {
            let owner = inherited_owner(stat, &by_pid, &owners);
            owners.insert(stat.pid, owner);
        }
        let mut attribution = Attribution {
            generations: self
                .generations
                .keys()
                .map(|leader| (*leader, Vec::new()))
                .collect(),
            ..Attribution::default()
        };
        for stat in table.iter().filter(|stat| !stat.is_zombie()) {
            let members = match owners.get(&stat.pid) {
                Some(Owner::TrackedGeneration(leader)) => {
                    attribution.generations.entry(*leader).or_default()
                }
                Some(Owner::Untracked) if stat.parent == self.me => &mut attribution.untracked,
                Some(Owner::Untracked) => &mut attribution.untracked_descendants,
                Some(Owner::Other) | None => continue,
            };
            members.push(stat.clone());
        }
        for (leader, generation) in &mut self.generations {
            let members = attribution.generations.get(leader).into_iter().flatten();
            generation.observed = members.map(|member| (member.pid, member.started)).collect();
        }
        self.reported
            .retain(|pid, started| by_pid.get(pid).is_some_and(|stat| stat.started == *started));
        attribution
    }

    /// Owners that follow from the process itself, not from its parents.
    fn direct_owners(
        &self,
        by_pid: &BTreeMap<u32, &Stat>,
        table_lookup: &impl ProcessTable,
    ) -> BTreeMap<u32, Owner> {
        let mut owners = BTreeMap::new();
        for (leader, generation) in &self.generations {
            let cgroup = generation.cgroup.as_deref();
            let inside = cgroup.map_or_else(Vec::new, |dir| table_lookup.in_cgroup(dir));
            let observed = generation.observed.iter().filter(|(pid, started)| {
                by_pid
                    .get(pid)
                    .is_some_and(|stat| stat.started == **started)
            });
            for pid in inside.iter().chain(observed.map(|(pid, _)| pid)) {
                owners.insert(*pid, Owner::TrackedGeneration(*leader));
            }
        }
        for stat in by_pid.values() {
            // No other process can have this group while its leader is unreaped.
            if self.generations.contains_key(&stat.group) {
                owners.insert(stat.pid, Owner::TrackedGeneration(stat.group));
            }
        }
        let adopted = table_lookup.adopted();
        for stat in by_pid.values() {
            if stat.is_zombie() || !self.may_be_orphan(stat) {
                continue;
            }
            owners.entry(stat.pid).or_insert_with(|| {
                let owner = self.generations.iter().find(|(_, generation)| {
                    let marker = generation.marker.as_deref();
                    marker.is_some_and(|marker| table_lookup.has_env(stat.pid, marker))
                });
                let is_preexisting = self.preexisting.get(&stat.pid) == Some(&stat.started);
                match owner {
                    Some((leader, _)) => Owner::TrackedGeneration(*leader),
                    None if adopted.contains(&stat.pid) && !is_preexisting => Owner::Untracked,
                    None => Owner::Other,
                }
            });
        }
        owners
    }
}

/// The owner of the nearest ancestor that has one.
fn inherited_owner(
    stat: &Stat,
    by_pid: &BTreeMap<u32, &Stat>,
    owners: &BTreeMap<u32, Owner>,
) -> Owner {
    let mut at = stat;
    // The bound only guards against a table that changed while it was read.
    for _ in 0..by_pid.len() {
        if let Some(owner) = owners.get(&at.pid) {
            return *owner;
        }
        match by_pid.get(&at.parent) {
            // A process that is older than its parent has lost it: the pid was reused.
            Some(parent) if parent.started <= at.started => at = parent,
            _ => break,
        }
    }
    Owner::Other
}

#[cfg(test)]
#[path = "attribution_tests.rs"]
mod tests;
