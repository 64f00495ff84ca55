//! Threads, open files, CPU time and memory of a process, from its files in `/proc`.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

/// The unit of times in `/proc`: 100 a second on all architectures of Linux, whatever the kernel's own
/// clock is.
const TICKS_PER_SECOND: u64 = 100;

/// The resource usage of one process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ProcessUsage {
    /// CPU time since its start.
    pub cpu_time: Duration,
    /// Resident memory in bytes.
    pub resident_bytes: u64,
    /// Open file descriptors.
    pub open_files: u64,
    /// Threads.
    pub threads: u64,
}

impl ProcessUsage {
    /// Reads that of this process. None where there is no `/proc`.
    #[must_use]
    pub fn of_this_process() -> Option<Self> {
        let pid = std::process::id();
        let stat = fs::read_to_string("/proc/self/stat").ok()?;
        let status = fs::read_to_string("/proc/self/status").ok()?;
        Some(Self {
            cpu_time: parse_cpu_time(&stat)?,
            resident_bytes: parse_resident(&status)?,
            open_files: open_files(pid)?,
            threads: threads(pid)?,
        })
    }
}

/// The number of threads: a directory has a link from each of its subdirectories.
pub(crate) fn threads(pid: u32) -> Option<u64> {
    let tasks = fs::metadata(format!("/proc/{pid}/task")).ok()?;
    tasks.nlink().checked_sub(2)
}

/// The number of open file descriptors. Since Linux 6.2 it is the size of their directory; before,
/// they are counted. None if the process has exited, or belongs to another user.
pub(crate) fn open_files(pid: u32) -> Option<u64> {
    let path = format!("/proc/{pid}/fd");
    match fs::metadata(&path).ok()?.len() {
        0 => Some(fs::read_dir(path).ok()?.count() as u64),
        count => Some(count),
    }
}

/// CPU time of all threads. The name, which comes second, may contain anything.
fn parse_cpu_time(stat: &str) -> Option<Duration> {
    let (_, after_name) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = after_name.split(' ').collect();
    let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
    let ticks = number(11)?.checked_add(number(12)?)?;
    Some(Duration::from_millis(ticks * (1000 / TICKS_PER_SECOND)))
}

/// Resident memory in bytes.
fn parse_resident(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_spaces_and_parentheses_does_not_shift_the_fields() {
        let fields = "S 1 1 1 0 -1 4194560 1 2 3 4 250 50 0 0 20 0 7 0 99 1000 321";
        let stat = format!("42 (a b) S (c)) {fields}");
        assert_eq!(parse_cpu_time(&stat), Some(Duration::from_secs(3)));
        assert_eq!(parse_cpu_time(""), None);
        assert_eq!(parse_cpu_time("42 (node) S 1"), None);
    }

    #[test]
    fn this_process_has_threads_and_open_files() {
        let before = ProcessUsage::of_this_process().expect("/proc is there");
        let open: Vec<fs::File> = (0..20)
            .map(|_| fs::File::open("/proc/self/stat").expect("it exists"))
            .collect();
        let now = ProcessUsage::of_this_process().expect("/proc is there");
        assert!(now.open_files >= 20 + 3, "{now:?}");
        assert!(
            now.threads >= 1 && now.resident_bytes > 64 * 1024,
            "{now:?}"
        );
        assert!(now.cpu_time >= before.cpu_time);
        drop(open);
    }
}
