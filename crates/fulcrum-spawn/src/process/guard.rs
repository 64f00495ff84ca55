//! The cleanup guard: a small process that notices the exit of the instance and kills what it
//! leaves.
//!
//! Its standard input is a pipe whose other end only the instance holds. However the instance ends,
//! the pipe ends too. The guard has its own session, so that no terminal reaches it, ignores
//! signals that end processes, and holds nothing of the instance: neither lock, nor sockets, nor
//! terminal.
#![expect(unsafe_code, reason = "dispositions of signals have no safe interface")]

use std::ffi::OsString;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::footprint::release_unused_memory;
use super::run_id::RunId;
use super::run_record::{self, PreviousRun, RunRecord, is_alive};
use super::stale::kill_stale;

/// A running guard. It starts its cleanup when this is dropped, or this program exits.
#[derive(Debug)]
pub(super) struct CleanupGuard {
    child: Child,
    _pipe: OwnedFd,
}

impl CleanupGuard {
    /// Starts a guard for the run of this record: this very program, with `verb`, the path of the
    /// record and the run id as arguments. The program must call [`run_cleanup_guard`] then.
    ///
    /// # Errors
    /// The system lacks a resource.
    pub(super) fn start(verb: &str, record: &RunRecord, run: &RunId) -> io::Result<Self> {
        let (read, write) = pipe_with(PipeFlags::CLOEXEC)?;
        #[expect(
            clippy::disallowed_methods,
            reason = "no domain: it must outlive the spawner's thread and belong to no group"
        )]
        // This path works even after the file was replaced by a newer version.
        let mut command = Command::new("/proc/self/exe");
        command
            .arg0("fulcrum")
            .arg(verb)
            .arg(record.path())
            .arg(run.to_string())
            .current_dir("/")
            .stdin(Stdio::from(read))
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        Ok(Self {
            child: command.spawn()?,
            _pipe: write,
        })
    }

    /// The process id.
    #[must_use]
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Reaps the guard after its exit, and returns its status as text.
    pub(super) fn reap(mut self) -> String {
        match self.child.wait() {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        }
    }

    /// Releases the guard: it reads the record and exits. The result must be reaped.
    #[must_use]
    pub(super) fn release(self) -> ReleasedGuard {
        ReleasedGuard(self.child)
    }
}

/// A guard that was released.
#[derive(Debug)]
pub(super) struct ReleasedGuard(Child);

impl ReleasedGuard {
    /// Waits for its exit on the calling thread.
    pub(super) fn reap(mut self) {
        let _ = self.0.wait();
    }

    /// Kills it.
    pub(super) fn kill(&mut self) {
        let _ = self.0.kill();
    }
}

/// The main function of the guard process: waits for the exit of the instance, and kills what is
/// left if the instance did not shut down in order. `arguments` are those after the verb.
///
/// # Errors
/// There is no record, or it is not that of the run.
pub fn run_cleanup_guard(mut arguments: impl Iterator<Item = OsString>) -> io::Result<()> {
    ignore_signals();
    // Here and not between fork and exec: without code of ours in between, the instance need not copy
    // its page tables for it. Refused only to the leader of a group, which has no terminal either.
    let _ = rustix::process::setsid();
    let usage = || io::Error::new(io::ErrorKind::InvalidInput, "RECORD RUN");
    let path = arguments.next().ok_or_else(usage)?;
    let run = arguments.next().ok_or_else(usage)?;
    let mut file = run_record::options().open(Path::new(&path))?;
    let previous = PreviousRun::from_file(file.try_clone()?)?;
    if previous.run.to_string().as_str() != run {
        // The next instance is running already, and has cleaned up itself.
        return Ok(());
    }
    release_unused_memory();
    wait_for_end_of_input()?;
    if PreviousRun::from_file(file.try_clone()?)?.finished {
        return Ok(());
    }
    wait_for_exit(previous.instance, previous.instance_started);
    // The time matters, so it is recorded at once.
    if let Some(ticks) = ticks_since_boot() {
        let _ = file.write_all(format!("! {ticks}\n").as_bytes());
    }
    let report = kill_stale(&PreviousRun::from_file(file.try_clone()?)?);
    let _ = file.write_all(format!("swept {}\n", report.ended.len()).as_bytes());
    Ok(())
}

fn wait_for_end_of_input() -> io::Result<()> {
    let input = io::stdin();
    loop {
        // Without a buffer of the standard library.
        match rustix::io::read(&input, &mut [0; 16]) {
            Ok(0) => return Ok(()),
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// A process closes its descriptors a moment before it has exited.
fn wait_for_exit(pid: u32, started: u64) {
    let Some(number) = i32::try_from(pid).ok().and_then(Pid::from_raw) else {
        return;
    };
    if let Ok(pidfd) = pidfd_open(number, PidfdFlags::empty()) {
        while is_alive(pid, started) {
            let _ = poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], None);
        }
    }
}

/// The current time in the unit of process start times: ticks of 10 ms since boot (`USER_HZ` is 100
/// wherever Linux runs today).
fn ticks_since_boot() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/uptime").ok()?;
    let (seconds, rest) = text.split(' ').next()?.split_once('.')?;
    let hundredths: u64 = rest.get(..2)?.parse().ok()?;
    Some(seconds.parse::<u64>().ok()? * 100 + hundredths)
}

/// The instance gets these signals too, and its exit is awaited.
fn ignore_signals() {
    let ignored = [
        libc::SIGHUP,
        libc::SIGINT,
        libc::SIGQUIT,
        libc::SIGTERM,
        libc::SIGPIPE,
        libc::SIGALRM,
        libc::SIGUSR1,
        libc::SIGUSR2,
        libc::SIGTSTP,
        libc::SIGTTIN,
        libc::SIGTTOU,
    ];
    for signal in ignored {
        // SAFETY: `SIG_IGN` refers to no code of ours.
        unsafe {
            libc::signal(signal, libc::SIG_IGN);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::stat::Stat;

    #[test]
    fn the_current_time_and_start_times_have_the_same_unit() {
        let before = ticks_since_boot().expect("there is an uptime");
        let me = Stat::read(std::process::id()).expect("we exist");
        assert!(me.started <= before, "{} {before}", me.started);
        // Within a day of this process's start, however long the test has waited.
        assert!(
            before - me.started < 100 * 86_400,
            "{} {before}",
            me.started
        );
    }
}
