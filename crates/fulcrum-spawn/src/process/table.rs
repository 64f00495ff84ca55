//! The process table, read in one pass.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;

use super::stat::Stat;

/// The process table, of which one pass serves all who ask for it at the same time: many domains
/// are often inspected at once, and each pass takes time in proportion to the number of processes.
#[derive(Clone, Default)]
pub struct SharedProcessTable(Arc<Mutex<Option<Pass>>>);

struct Pass {
    began: Instant,
    processes: Arc<Vec<Stat>>,
}

impl SharedProcessTable {
    /// Every process, by a pass that began after this call. Empty if the table cannot be read. It
    /// may block.
    pub(super) fn processes(&self) -> Arc<Vec<Stat>> {
        self.processes_by(Instant::now(), || processes().unwrap_or_default())
    }

    fn processes_by(&self, asked: Instant, read: impl FnOnce() -> Vec<Stat>) -> Arc<Vec<Stat>> {
        // A pass is stored as a whole, so a holder that panicked left the last one.
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pass) = last.as_ref().filter(|pass| pass.began >= asked) {
            return Arc::clone(&pass.processes);
        }
        let began = Instant::now();
        let processes = Arc::new(read());
        *last = Some(Pass {
            began,
            processes: Arc::clone(&processes),
        });
        processes
    }
}

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
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn many_who_ask_during_a_pass_share_the_next_one() {
        const OTHERS: usize = 20;
        let table = SharedProcessTable::default();
        let passes = AtomicUsize::new(0);
        let waiting = AtomicUsize::new(0);
        let count = || {
            passes.fetch_add(1, Ordering::SeqCst);
            Vec::new()
        };
        std::thread::scope(|scope| {
            table.processes_by(Instant::now(), || {
                for _ in 0..OTHERS {
                    scope.spawn(|| {
                        let asked = Instant::now();
                        waiting.fetch_add(1, Ordering::SeqCst);
                        table.processes_by(asked, count);
                        let last = table.0.lock().expect("no panic");
                        let began = last.as_ref().expect("a pass").began;
                        assert!(began >= asked, "it shows an earlier state");
                    });
                }
                while waiting.load(Ordering::SeqCst) < OTHERS {
                    std::thread::yield_now();
                }
                count()
            });
        });
        assert_eq!(passes.load(Ordering::SeqCst), 2);
        table.processes_by(Instant::now(), count);
        assert_eq!(
            passes.load(Ordering::SeqCst),
            3,
            "one who asks later needs a new pass"
        );
    }

    #[test]
    fn a_pass_finds_this_process_and_its_parent() {
        let table = processes().expect("readable");
        let me = table.iter().find(|stat| stat.pid == std::process::id());
        let parent = me.expect("this process").parent;
        assert!(table.iter().any(|stat| stat.pid == parent));
    }
}
