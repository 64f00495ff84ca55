//! Who is in a process group.

use std::collections::BTreeMap;
use std::fs;

use super::Stat;

/// A process that belongs to a group.
pub type Member = Stat;

/// The living members (no zombies) of several groups, in one pass over the process table.
#[must_use]
pub fn groups(wanted: &[u32]) -> BTreeMap<u32, Vec<Member>> {
    let mut found: BTreeMap<u32, Vec<Member>> =
        wanted.iter().map(|group| (*group, Vec::new())).collect();
    let Ok(table) = fs::read_dir("/proc") else {
        return found;
    };
    for entry in table.flatten() {
        let Some(pid) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse::<u32>().ok())
        else {
            continue;
        };
        let Some(stat) = Stat::read(pid) else {
            continue;
        };
        if stat.is_zombie() {
            continue;
        }
        if let Some(members) = found.get_mut(&stat.group) {
            members.push(stat);
        }
    }
    found
}

/// The living members (no zombies) of one group.
#[must_use]
pub fn members(group: u32) -> Vec<Member> {
    groups(&[group]).remove(&group).unwrap_or_default()
}
