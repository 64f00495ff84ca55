//! A test's processes, found by the tag in their environment, or by their working directory: some,
//! such as npm, overwrite their environment, and some are started with an empty one.

use std::fmt;
use std::fs;
use std::path::Path;

use rustix::process::Pid;
pub use rustix::process::Signal;

/// The variable that holds the tag.
pub(crate) const TAG: &str = "FULCRUM_TEST";

/// A live process. Two are equal when they are the same process: by pid and start time, and not by
/// command, which changes when a forked process calls `exec`.
#[derive(Debug, Clone)]
pub struct Process {
    /// Its process id.
    pub pid: u32,
    /// The start time, in clock ticks since boot: with the pid, it identifies one process.
    started: u64,
    /// Its command line, for people.
    pub command: String,
}

impl PartialEq for Process {
    fn eq(&self, other: &Self) -> bool {
        (self.pid, self.started) == (other.pid, other.started)
    }
}

impl Eq for Process {}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.pid, self.command)
    }
}

impl Process {
    /// The process with this pid, unless it has exited or is a zombie.
    pub fn find(pid: u32) -> Option<Self> {
        let started = start_time(pid)?;
        let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let command = String::from_utf8_lossy(&command)
            .replace('\0', " ")
            .trim_end()
            .to_owned();
        Some(Self {
            pid,
            started,
            command,
        })
    }

    /// Whether it still runs. A zombie does not.
    pub fn is_alive(&self) -> bool {
        start_time(self.pid) == Some(self.started)
    }

    /// Sends a signal, unless it has exited.
    pub fn signal(&self, signal: Signal) {
        if self.is_alive()
            && let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw)
        {
            // It may have exited since the check.
            let _ = rustix::process::kill_process(pid, signal);
        }
    }
}

/// The live processes that carry this tag, or whose working directory is below `dir`. A zombie has
/// neither any more.
pub(crate) fn processes_of_test(tag: &str, dir: &Path) -> Vec<Process> {
    let wanted = format!("{TAG}={tag}");
    let processes = fs::read_dir("/proc").expect("processes are found by /proc");
    let pids = processes
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid: &u32| {
        // It may have exited since the listing, or belong to another user.
        let environ = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        let tagged = environ
            .split(|byte| *byte == 0)
            .any(|variable| variable == wanted.as_bytes());
        let cwd = || fs::read_link(format!("/proc/{pid}/cwd"));
        tagged || cwd().is_ok_and(|cwd| cwd.starts_with(dir))
    })
    .filter_map(Process::find)
    // One without a command line has released its memory: it has been killed, and is about to become
    // a zombie.
    .filter(|process| !process.command.is_empty())
    .collect()
}

/// From `/proc/PID/stat`. Its second field, the name, may contain anything, so fields are counted
/// from the last parenthesis.
fn start_time(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat[stat.rfind(')')? + 1..].split_ascii_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X") {
        return None;
    }
    // The state is field 3, the start time field 22.
    fields.nth(18)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::wait::{LIMIT, wait_until};

    #[test]
    fn a_process_is_found_by_its_tag_until_it_exits() {
        let tag = format!("unit-test-{}", std::process::id());
        let tagged = |tag: &str| processes_of_test(tag, Path::new("/nowhere"));
        let mut child = Command::new("sleep")
            .arg("600")
            .env(TAG, &tag)
            .spawn()
            .expect("sleep");
        let found = wait_until("the tag is found", LIMIT, || {
            tagged(&tag)
                .pop()
                .filter(|found| found.command == "sleep 600")
        });
        assert_eq!(found.pid, child.id());
        assert_eq!(tagged(&tag[1..]), []);

        found.signal(Signal::KILL);
        // A zombie, not yet waited for, is not a live process either.
        wait_until("it has exited", LIMIT, || (!found.is_alive()).then_some(()));
        assert_eq!(tagged(&tag), []);
        child.wait().expect("it has exited");
    }

    #[test]
    fn a_process_without_a_tag_is_found_by_its_directory() {
        let dir = tempfile::tempdir().expect("a directory");
        let dir = dir.path().canonicalize().expect("it exists");
        let mut child = Command::new("sleep")
            .arg("600")
            .env_clear()
            .current_dir(&dir)
            .spawn()
            .expect("sleep");
        let found = processes_of_test("no such tag", &dir);
        child.kill().expect("it can be killed");
        child.wait().expect("it has exited");
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].pid, child.id());
    }
}
