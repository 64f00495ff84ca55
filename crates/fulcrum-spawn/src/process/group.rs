//! The members of a process group.

use super::stat::Stat;
use super::table;

/// A process that belongs to a group or generation.
pub type Member = Stat;

/// The living members (no zombies) of one process group, as far as the process table can be read.
#[must_use]
pub fn members(group: u32) -> Vec<Member> {
    let mut table = table::processes().unwrap_or_default();
    table.retain(|stat| is_member(stat, group));
    table
}

/// Whether a process lives and belongs to a group.
pub(super) fn is_member(stat: &Stat, group: u32) -> bool {
    stat.group == group && !stat.is_zombie()
}
