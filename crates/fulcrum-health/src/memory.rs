//! The memory that the end of a process would free.

use std::fs;

/// The memory in bytes that the end of a process would free: its anonymous and shared memory, where
/// a page that several processes have counts in equal parts for each, so that the sum over a process
/// tree has it once. Files that it has mapped do not count, since the kernel can drop them at any
/// time.
///
/// The kernel walks the page table for it: about a millisecond for each GiB. `None` if the process
/// has exited, or belongs to another user.
pub(crate) fn freed_by_end(pid: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    parse_rollup(&text)
}

/// Sums `Pss_Anon` and `Pss_Shmem`; `None` on a kernel before 5.5, which has neither.
fn parse_rollup(text: &str) -> Option<u64> {
    let field = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
        kib.checked_mul(1024)
    };
    field("Pss_Anon:")?.checked_add(field("Pss_Shmem:")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mapped_files_do_not_count() {
        let text = "560ea5de8000-7ffc9dbcd000 ---p 00000000 00:00 0    [rollup]\n\
                    Rss:              901752 kB\n\
                    Pss:              500246 kB\n\
                    Pss_Anon:            112 kB\n\
                    Pss_File:         500034 kB\n\
                    Pss_Shmem:           100 kB\n";
        assert_eq!(parse_rollup(text), Some(212 * 1024));
    }

    #[test]
    fn an_older_kernel_has_no_such_figure() {
        assert_eq!(parse_rollup("Rss: 1 kB\nPss: 1 kB\n"), None);
        assert_eq!(parse_rollup(""), None);
    }

    #[test]
    fn a_process_can_read_its_own() {
        assert!(freed_by_end(std::process::id()).is_some_and(|bytes| bytes > 0));
    }
}
