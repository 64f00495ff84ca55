//! The guard: a small process beside the instance that sees the instance's death and ends what it
//! leaves.
//!
//! Its standard input is a pipe that only the instance holds. However the instance ends, the pipe
//! does too. It has a session of its own, so that no terminal reaches it, ignores what asks
//! processes to end, and holds nothing of the instance: neither lock, nor sockets, nor terminal.
#![expect(
    unsafe_code,
    reason = "a session of its own is made between fork and exec; dispositions have no safe interface"
)]

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::run_id::RunId;
use super::run_record::{self, PreviousRun, RunRecord, is_alive};
use super::stale::kill_stale;

/// A guard that was started; ends when this is dropped, or this program ends.
#[derive(Debug)]
pub struct CleanupGuard {
    child: Child,
    _pipe: OwnedFd,
}

impl CleanupGuard {
    /// Starts one for the run of this record: this very program, with `verb` before the record's
    /// path and the run's name. The program must call [`stand_guard`] then.
    ///
    /// # Errors
    /// The system is out of something.
    pub fn start(verb: &str, record: &RunRecord, run: &RunId) -> io::Result<Self> {
        let (read, write) = pipe_with(PipeFlags::CLOEXEC)?;
        #[expect(
            clippy::disallowed_methods,
            reason = "no domain: it must outlive the spawner's thread and belong to no group"
        )]
        // By this name it is there even after the file was replaced by a newer version.
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
        // SAFETY: setsid is async-signal-safe, and nothing is allocated between fork and exec.
        unsafe {
            command.pre_exec(|| rustix::process::setsid().map(drop).map_err(io::Error::from));
        }
        Ok(Self {
            child: command.spawn()?,
            _pipe: write,
        })
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Reaps it, once it has ended; says how.
    pub fn reap(mut self) -> String {
        match self.child.wait() {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        }
    }

    /// Lets it go: it looks at the record then. Gives the child, to be reaped.
    #[must_use]
    pub fn release(self) -> ReleasedGuard {
        ReleasedGuard(self.child)
    }
}

/// A guard that was let go.
#[derive(Debug)]
pub struct ReleasedGuard(Child);

impl ReleasedGuard {
    /// Waits for its end, on the calling thread.
    pub fn reap(mut self) {
        let _ = self.0.wait();
    }

    /// Ends it by force.
    pub fn kill(&mut self) {
        let _ = self.0.kill();
    }
}

/// The guard's own life: waits for the instance's end, and if that was no good one, ends what it
/// left. `arguments` are those after the verb.
///
/// # Errors
/// The record isn't there, or isn't that of the run.
pub fn run_cleanup_guard(mut arguments: impl Iterator<Item = OsString>) -> io::Result<()> {
    ignore_signals();
    let usage = || io::Error::new(io::ErrorKind::InvalidInput, "RECORD RUN");
    let path = arguments.next().ok_or_else(usage)?;
    let run = arguments.next().ok_or_else(usage)?;
    let mut file = run_record::options().open(Path::new(&path))?;
    let past = PreviousRun::of(file.try_clone()?)?;
    if past.run.to_string().as_str() != run {
        // The next instance has begun already, and has seen to it itself.
        return Ok(());
    }
    await_end_of_input()?;
    if PreviousRun::of(file.try_clone()?)?.finished {
        return Ok(());
    }
    wait_for_exit(past.instance, past.instance_started);
    // The time counts, so that it is written down at once.
    if let Some(ticks) = ticks_since_boot() {
        let _ = file.write_all(format!("! {ticks}\n").as_bytes());
    }
    let swept = kill_stale(&PreviousRun::of(file.try_clone()?)?);
    let _ = file.write_all(format!("swept {}\n", swept.ended.len()).as_bytes());
    Ok(())
}

fn await_end_of_input() -> io::Result<()> {
    let mut input = io::stdin().lock();
    loop {
        match input.read(&mut [0; 16]) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// A process closes its descriptors a moment before it is gone.
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

/// Now, as the start times of processes are told: since boot, in ticks of 10 ms (`USER_HZ` is 100
/// wherever Linux runs today).
fn ticks_since_boot() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/uptime").ok()?;
    let (seconds, rest) = text.split(' ').next()?.split_once('.')?;
    let hundredths: u64 = rest.get(..2)?.parse().ok()?;
    Some(seconds.parse::<u64>().ok()? * 100 + hundredths)
}

/// What asks processes to end asks the instance too, whose end is awaited.
fn ignore_signals() {
    let asking = [
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
    for signal in asking {
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
    fn the_time_of_a_death_and_of_a_start_are_told_alike() {
        let before = ticks_since_boot().expect("there is an uptime");
        let me = Stat::read(std::process::id()).expect("we exist");
        assert!(me.started <= before, "{} {before}", me.started);
        // Within a day of our own start, whatever the test has waited for.
        assert!(
            before - me.started < 100 * 86_400,
            "{} {before}",
            me.started
        );
    }
}
