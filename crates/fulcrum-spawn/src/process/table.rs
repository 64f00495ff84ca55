//! The process table, read in one pass.

use std::fs;
use std::io;

use super::Stat;

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
        found.extend(Stat::look(pid)?);
    }
    Ok(found)
}

/// Our own children, adopted ones included; those that end while it is read may be missing.
pub(super) fn children() -> io::Result<Vec<u32>> {
    let mut found = Vec::new();
    for thread in fs::read_dir("/proc/self/task")? {
        match fs::read_to_string(thread?.path().join("children")) {
            Ok(text) => found.extend(
                text.split_whitespace()
                    .filter_map(|pid| pid.parse::<u32>().ok()),
            ),
            // A thread that has ended has no children, and some kernels have no such file.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    if found.is_empty() {
        let me = std::process::id();
        let table = processes()?.into_iter();
        found.extend(table.filter(|stat| stat.parent == me).map(|stat| stat.pid));
    }
    Ok(found)
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
