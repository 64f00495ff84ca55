//! The process table, read in one pass.

use std::collections::BTreeSet;
use std::fs;
use std::io;

use super::stat::Stat;

/// Every process there is, zombies too. A pass isn't a snapshot: who starts while it goes on may
/// be missing.
///
/// # Errors
/// The table, or a process in it, can't be read, for instance because descriptors have run out.
/// One that ends meanwhile is no error.
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

/// The children of our first thread: those are adopted, unless it started them itself. What other
/// threads start is theirs, and they wait for it: find_new_reaper in the kernel's exit.c. One that
/// ends while the list is read may hide another. Empty on a kernel without such lists.
///
/// # Errors
/// The list is there and can't be read.
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
    fn a_pass_finds_ourselves_and_our_parent() {
        let table = processes().expect("readable");
        let me = table.iter().find(|stat| stat.pid == std::process::id());
        let parent = me.expect("we are there").parent;
        assert!(table.iter().any(|stat| stat.pid == parent));
    }
}
