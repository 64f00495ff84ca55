//! Whose process is whose: the decision alone, over a table that was read before.
//!
//! A life is its leader's process group, its cgroup, what descends from those, and the orphans we
//! adopted that carry its mark. Once a member, always a member until dead: what cleared its
//! environment or lost its parents after it was seen stays known by number and start time.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::group::Member;
use super::stat::Stat;

/// What has to be looked up while the table is judged. All is asked after the table was read:
/// then an answer about a number that was given anew meanwhile does no harm, since the process of
/// the table is dead.
pub(super) trait ProcessTable {
    /// Who is in a cgroup and below.
    fn in_cgroup(&self, folder: &Path) -> Vec<u32>;
    /// Whether a process's environment has this `NAME=value`.
    fn has_env(&self, pid: u32, mark: &[u8]) -> bool;
    /// Which of our children we adopted rather than started.
    fn adopted(&self) -> BTreeSet<u32>;
}

/// By what a life's processes are known.
#[derive(Debug, Default)]
pub(super) struct TrackedGeneration {
    /// `NAME=value` in the environment of everybody in it, unless they changed theirs.
    pub(super) marker: Option<Vec<u8>>,
    /// Its own cgroup.
    pub(super) cgroup: Option<PathBuf>,
    /// What tells it from all others of the run.
    pub(super) label: String,
    /// When its leader was started.
    pub(super) started: u64,
    /// Members away from its group that were written down.
    pub(super) recorded: BTreeMap<u32, u64>,
    /// Start times of the members last seen, by their numbers.
    pub(super) seen: BTreeMap<u32, u64>,
}

/// Who belongs to which life, at the moment of a table.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Attribution {
    /// The living members of each life, by its leader.
    pub(super) lives: BTreeMap<u32, Vec<Member>>,
    /// Orphans that we adopted and that nothing attributes to a life.
    pub(super) untracked: Vec<Member>,
    /// What descends from those.
    pub(super) untracked_descendants: Vec<Member>,
}

/// All lives that go on. Their leaders are unreaped, so their numbers are theirs.
#[derive(Debug)]
pub(super) struct TrackedProcesses {
    /// This program.
    pub(super) me: u32,
    /// Its process group, which only helpers share.
    pub(super) group: u32,
    /// Lives by their leaders.
    pub(super) lives: BTreeMap<u32, TrackedGeneration>,
    /// Children of ours that others wait for.
    pub(super) excluded: BTreeSet<u32>,
    /// Start times of the children we had before there was any domain, by their numbers.
    pub(super) preexisting: BTreeMap<u32, u64>,
    /// Strangers that were told of already.
    pub(super) reported: BTreeMap<u32, u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    TrackedGeneration(u32),
    Stranger,
    Other,
}

impl TrackedProcesses {
    pub(super) fn new(me: u32, group: u32) -> Self {
        Self {
            me,
            group,
            lives: BTreeMap::new(),
            excluded: BTreeSet::new(),
            preexisting: BTreeMap::new(),
            reported: BTreeMap::new(),
        }
    }

    /// Whether it is a child of ours that may be an orphan: no leader, nor anybody's helper by what
    /// is known of it.
    pub(super) fn may_be_orphan(&self, stat: &Stat) -> bool {
        stat.parent == self.me
            && stat.group != self.group
            && !self.lives.contains_key(&stat.pid)
            && !self.excluded.contains(&stat.pid)
    }

    /// Whether it is known whose it is, or known that nobody knows.
    pub(super) fn is_attributed(&self, stat: &Stat) -> bool {
        let known = |by: &BTreeMap<u32, u64>| by.get(&stat.pid) == Some(&stat.started);
        known(&self.reported)
            || known(&self.preexisting)
            || self.lives.values().any(|life| known(&life.seen))
    }

    /// Places every process of a table, and remembers the members.
    pub(super) fn attribute(&mut self, table: &[Stat], world: &impl ProcessTable) -> Attribution {
        let by_pid: BTreeMap<u32, &Stat> = table.iter().map(|stat| (stat.pid, stat)).collect();
        let mut owners = self.direct_owners(&by_pid, world);
        for stat in table {
            let owner = inherited_owner(stat, &by_pid, &owners);
            owners.insert(stat.pid, owner);
        }
        let mut census = Attribution {
            lives: self
                .lives
                .keys()
                .map(|leader| (*leader, Vec::new()))
                .collect(),
            ..Attribution::default()
        };
        for stat in table.iter().filter(|stat| !stat.is_zombie()) {
            let place = match owners.get(&stat.pid) {
                Some(Owner::TrackedGeneration(leader)) => census.lives.entry(*leader).or_default(),
                Some(Owner::Stranger) if stat.parent == self.me => &mut census.untracked,
                Some(Owner::Stranger) => &mut census.untracked_descendants,
                Some(Owner::Other) | None => continue,
            };
            place.push(stat.clone());
        }
        for (leader, life) in &mut self.lives {
            let members = census.lives.get(leader).into_iter().flatten();
            life.seen = members.map(|member| (member.pid, member.started)).collect();
        }
        self.reported
            .retain(|pid, started| by_pid.get(pid).is_some_and(|stat| stat.started == *started));
        census
    }

    /// Who is told by what it is itself, not by its parents.
    fn direct_owners(
        &self,
        by_pid: &BTreeMap<u32, &Stat>,
        world: &impl ProcessTable,
    ) -> BTreeMap<u32, Owner> {
        let mut owners = BTreeMap::new();
        for (leader, life) in &self.lives {
            let cgroup = life.cgroup.as_deref();
            let inside = cgroup.map_or_else(Vec::new, |folder| world.in_cgroup(folder));
            let seen = life.seen.iter().filter(|(pid, started)| {
                by_pid
                    .get(pid)
                    .is_some_and(|stat| stat.started == **started)
            });
            for pid in inside.iter().chain(seen.map(|(pid, _)| pid)) {
                owners.insert(*pid, Owner::TrackedGeneration(*leader));
            }
        }
        for stat in by_pid.values() {
            // Nobody else can have this group while its leader is unreaped.
            if self.lives.contains_key(&stat.group) {
                owners.insert(stat.pid, Owner::TrackedGeneration(stat.group));
            }
        }
        let adopted = world.adopted();
        for stat in by_pid.values() {
            if stat.is_zombie() || !self.may_be_orphan(stat) {
                continue;
            }
            owners.entry(stat.pid).or_insert_with(|| {
                let marked = self.lives.iter().find(|(_, life)| {
                    let mark = life.marker.as_deref();
                    mark.is_some_and(|mark| world.has_env(stat.pid, mark))
                });
                let foreign = self.preexisting.get(&stat.pid) == Some(&stat.started);
                match marked {
                    Some((leader, _)) => Owner::TrackedGeneration(*leader),
                    None if adopted.contains(&stat.pid) && !foreign => Owner::Stranger,
                    None => Owner::Other,
                }
            });
        }
        owners
    }
}

/// Whose a process is by the nearest ancestor that belongs to somebody.
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
            // Who is older than its parent has lost it, and the number is another's now.
            Some(parent) if parent.started <= at.started => at = parent,
            _ => break,
        }
    }
    Owner::Other
}

#[cfg(test)]
#[path = "attribution_tests.rs"]
mod tests;
