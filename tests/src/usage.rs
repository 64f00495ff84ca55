//! Resource usage of a process, from `/proc`.

use std::fs;
use std::time::Duration;

use crate::process::Process;

/// The resources that a process has used or holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Processor time, in user and kernel mode.
    pub cpu: Duration,
    /// Resident memory, in bytes.
    pub rss: u64,
    /// Open file descriptors.
    pub fds: usize,
    /// Threads.
    pub threads: u64,
}

impl Process {
    /// Its resource usage; none once it has exited.
    pub fn usage(&self) -> Option<Usage> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid)).ok()?;
        let mut fields = stat[stat.rfind(')')? + 1..].split_ascii_whitespace();
        let mut field = |skipped| fields.nth(skipped)?.parse::<u64>().ok();
        // Fields 14 and 15 are its ticks, 20 its threads, 24 its resident pages.
        let (user, system) = (field(11)?, field(0)?);
        let (threads, pages) = (field(4)?, field(3)?);
        let ticks = rustix::param::clock_ticks_per_second();
        let fds = fs::read_dir(format!("/proc/{}/fd", self.pid)).ok()?.count();
        let usage = Usage {
            cpu: Duration::from_millis((user + system) * 1000 / ticks.max(1)),
            rss: pages * u64::try_from(rustix::param::page_size()).ok()?,
            fds,
            threads,
        };
        self.is_alive().then_some(usage)
    }
}

/// The share of the measurements that lie below the returned one is `share`; they are sorted
/// first. None without any.
pub fn quantile(measured: &mut [u64], share: f64) -> Option<u64> {
    measured.sort_unstable();
    let last = measured.len().checked_sub(1)?;
    // The cast truncates the index, which is in the slice.
    measured.get((last as f64 * share).ceil() as usize).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usage_of_a_process_is_plausible() {
        let process = Process::find(std::process::id()).expect("this process exists");
        let usage = process.usage().expect("this process exists");
        assert!(usage.rss > 1 << 20, "{usage:?}");
        assert!((1..100).contains(&usage.threads), "{usage:?}");
        assert!((3..1000).contains(&usage.fds), "{usage:?}");
        assert!(usage.cpu < Duration::from_secs(1000), "{usage:?}");
    }

    #[test]
    fn quantiles_are_measurements() {
        let mut measured: Vec<u64> = (1..=100).rev().collect();
        assert_eq!(quantile(&mut measured, 0.99), Some(100));
        assert_eq!(quantile(&mut measured, 0.5), Some(51));
        assert_eq!(quantile(&mut [7], 0.99), Some(7));
        assert_eq!(quantile(&mut [], 0.5), None);
    }
}
