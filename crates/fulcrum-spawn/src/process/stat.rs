//! The fields of `/proc/PID/stat` that supervision needs.

use std::fmt;
use std::fs;
use std::io;

use rustix::io::Errno;

/// One process at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stat {
    /// The process id.
    pub pid: u32,
    /// The name, as the kernel keeps it (at most 15 bytes).
    pub name: String,
    /// The state: `R`, `S`, `D`, `T`, `Z`, …
    pub state: char,
    /// The parent's process id.
    pub parent: u32,
    /// The process group.
    pub group: u32,
    /// The start time, in clock ticks since boot: with the pid, it identifies the process.
    pub started: u64,
}

impl Stat {
    /// Reads a process; `None` if there is none with that pid.
    #[must_use]
    pub fn read(pid: u32) -> Option<Self> {
        Self::try_read(pid).ok().flatten()
    }

    /// Like [`Stat::read`], but distinguishes a missing process from one that cannot be read.
    ///
    /// # Errors
    /// The file exists and cannot be read, for instance because file descriptors have run out.
    pub(super) fn try_read(pid: u32) -> io::Result<Option<Self>> {
        const GONE: i32 = Errno::SRCH.raw_os_error();
        match fs::read(format!("/proc/{pid}/stat")) {
            // A name may not be UTF-8.
            Ok(text) => Ok(Self::parse(&String::from_utf8_lossy(&text))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) if error.raw_os_error() == Some(GONE) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether both are the same process, not only the same pid.
    #[must_use]
    pub fn is_same_process(&self, other: &Self) -> bool {
        self.pid == other.pid && self.started == other.started
    }

    /// Whether it has exited and is not reaped yet.
    #[must_use]
    pub fn is_zombie(&self) -> bool {
        matches!(self.state, 'Z' | 'X')
    }

    /// Whether a signal (SIGSTOP, SIGTSTP) or a debugger has stopped it.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        matches!(self.state, 'T' | 't')
    }

    fn parse(text: &str) -> Option<Self> {
        // The name may contain spaces and parentheses, so the last one ends it: proc_pid_stat(5).
        let (pid, rest) = text.split_once(" (")?;
        let (name, rest) = rest.rsplit_once(')')?;
        let mut fields = rest.split_ascii_whitespace();
        let state = fields.next()?.chars().next()?;
        let parent = fields.next()?.parse().ok()?;
        let group = fields.next()?.parse().ok()?;
        // Fields 20 and 22 of the file; five are consumed.
        let threads: u32 = fields.nth(14)?.parse().ok()?;
        let started = fields.nth(1)?.parse().ok()?;
        // The state is that of the first thread, which may have exited before the others.
        let exited = state != 'Z' || threads <= 1;
        Some(Self {
            pid: pid.parse().ok()?,
            name: name.to_owned(),
            state: if exited { state } else { 'S' },
            parent,
            group,
            started,
        })
    }
}

/// `pid 7 (dd, in uninterruptible sleep)`
impl fmt::Display for Stat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            'D' => "in uninterruptible sleep",
            'T' => "stopped",
            't' => "stopped by a debugger",
            'Z' => "exited, not reaped",
            _ => "running",
        };
        write!(f, "pid {} ({}, {state})", self.pid, self.name)
    }
}

/// Whether `pid` is `ancestor` or one of its descendants, as far as the parents still exist.
#[must_use]
pub fn descends_from(pid: u32, ancestor: u32) -> bool {
    let mut at = pid;
    // A chain of parents is short; the bound only guards against a table that changes meanwhile.
    for _ in 0..64 {
        if at == ancestor {
            return true;
        }
        match Stat::read(at) {
            Some(stat) if stat.parent > 1 => at = stat.parent,
            _ => return false,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_and_spaces_does_not_shift_the_fields() {
        let text = "42 (a) (b c)) S 7 40 40 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 98765 1 2";
        let stat = Stat::parse(text).expect("parses");
        assert_eq!((stat.pid, stat.name.as_str()), (42, "a) (b c)"));
        assert_eq!((stat.state, stat.parent, stat.group), ('S', 7, 40));
        assert_eq!(stat.started, 98765);
    }

    #[test]
    fn a_process_whose_first_thread_alone_has_ended_is_no_zombie() {
        let text = |threads| {
            format!("42 (a) Z 7 40 40 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 {threads} 0 98765 1 2")
        };
        assert!(Stat::parse(&text(1)).expect("parses").is_zombie());
        assert!(!Stat::parse(&text(2)).expect("parses").is_zombie());
    }

    #[test]
    fn a_process_is_displayed_with_its_state() {
        let stat = Stat {
            pid: 7,
            name: "dd".to_owned(),
            state: 'D',
            parent: 1,
            group: 7,
            started: 1,
        };
        assert_eq!(stat.to_string(), "pid 7 (dd, in uninterruptible sleep)");
    }

    #[test]
    fn this_process_is_found_and_descends_from_its_parent() {
        let me = std::process::id();
        let stat = Stat::read(me).expect("we exist");
        assert_eq!(stat.pid, me);
        assert!(descends_from(me, stat.parent));
        assert!(!descends_from(stat.parent, me));
    }
}
