//! The process table, read in one pass.

use std::collections::BTreeSet;
use std::fs;
use std::io;

use super::stat::Stat;

/// Every process, including zombies. A pass is not a snapshot: processes that start meanwhile may
/// be missing.
///
/// # Errors
/// The table, or a process in it, cannot be read, for instance because file descriptors have run
/// out. A process that exits meanwhile is not an error.
pub(super) fn processes() -> io::Result<Vec<Stat>> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        found.extend(Stat::try_read(pid)?);
    }
    Ok(found)
}

/// The children of our first thread. Adopted orphans are among them, with those that this thread
/// started. Children of other threads belong to those, and they wait for them: `find_new_reaper` in
/// the kernel's `exit.c`. One that exits while the list is read may hide another. Empty on a kernel
/// without such lists.
///
/// # Errors
/// The list exists and cannot be read.
pub(super) fn adopted() -> io::Result<BTreeSet<u32>> {
    let me = std::process::id();
    match fs::read_to_string(format!("/proc/self/task/{me}/children")) {
        Ok(list) => Ok(list.split_whitespace().flat_map(str::parse).collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeSet::new()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pass_finds_this_process_and_its_parent() {
        let table = processes().expect("readable");
        let me = table.iter().find(|stat| stat.pid == std::process::id());
        let parent = me.expect("this process").parent;
        assert!(table.iter().any(|stat| stat.pid == parent));
    }
}
