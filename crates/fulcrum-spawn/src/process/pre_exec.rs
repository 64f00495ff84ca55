//! What a child does between fork and exec, so that it inherits no unwanted state.
#![expect(
    unsafe_code,
    reason = "signal dispositions and the mask have no safe interface"
)]

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

use super::rlimit::NofileLimit;
use rustix::fs::{Mode, OFlags, open};
use rustix::io::{Errno, write};
use rustix::process::{Pid, Signal, getppid, set_parent_process_death_signal};

/// How much more likely the OOM killer chooses a domain than Fulcrum.
const OOM_SCORE_OFFSET: i32 = 500;

/// Prepared before the fork, since nothing may be allocated after it.
pub(super) struct PreExec {
    parent: Pid,
    /// `cgroup.procs` of the generation's cgroup.
    procs: Option<File>,
    /// The text for `oom_score_adj`.
    score: String,
    files: NofileLimit,
}

impl PreExec {
    /// For children of this process.
    pub(super) fn new(files: NofileLimit) -> Self {
        let current = std::fs::read_to_string("/proc/self/oom_score_adj").unwrap_or_default();
        let current: i32 = current.trim().parse().unwrap_or_default();
        Self {
            parent: rustix::process::getpid(),
            procs: None,
            score: current
                .saturating_add(OOM_SCORE_OFFSET)
                .min(1000)
                .to_string(),
            files,
        }
    }

    /// The child moves itself to a cgroup, for one that is not started in it.
    pub(super) fn enter(&mut self, cgroup: Option<&Path>) {
        self.procs = cgroup.and_then(|dir| {
            let procs = dir.join("cgroup.procs");
            OpenOptions::new().write(true).open(procs).ok()
        });
    }

    /// To be called in the child. Makes system calls only, and allocates nothing.
    ///
    /// # Errors
    /// The parent has exited already, or its death cannot be reported.
    pub(super) fn apply(&self) -> io::Result<()> {
        // First, so that the child is never elsewhere. If it is refused, group and marker have to
        // do; the parent checks.
        if let Some(procs) = &self.procs {
            let _ = write(procs, b"0");
        }
        set_parent_process_death_signal(Some(Signal::KILL))?;
        // The parent may have exited before the signal was set: then it is never sent.
        if getppid() != Some(self.parent) {
            return Err(io::Error::from_raw_os_error(Errno::SRCH.raw_os_error()));
        }
        if let Ok(score) = open(
            c"/proc/self/oom_score_adj",
            OFlags::WRONLY | OFlags::CLOEXEC,
            Mode::empty(),
        ) {
            let _ = write(score, self.score.as_bytes());
        }
        self.files.restore();
        reset_signals();
        Ok(())
    }
}

/// Resets signal mask and dispositions, whatever `nohup`, a background shell or a parent has set.
fn reset_signals() {
    /// The kernel's number of signals; a set of them is eight bytes.
    const SIGNALS: i32 = 64;
    // The kernel's `struct sigaction`, whatever its layout: `SIG_DFL`, no flags and an empty mask
    // are all zero.
    let default = [0_u64; 4];
    for signal in 1..=SIGNALS {
        // Not through the C library, which reserves two signals and may have left one ignored
        // (posix_spawn of glibc does). SIGKILL and SIGSTOP are refused.
        // SAFETY: rt_sigaction reads no more than `default` holds, writes nothing without a third
        // argument, and is async-signal-safe as any plain system call.
        unsafe {
            libc::syscall(
                libc::SYS_rt_sigaction,
                signal,
                &raw const default,
                0_usize,
                8,
            )
        };
    }
    let mut none = std::mem::MaybeUninit::uninit();
    // SAFETY: both calls are async-signal-safe (signal-safety(7)), and the set is initialized
    // before it is used.
    unsafe {
        libc::sigemptyset(none.as_mut_ptr());
        libc::sigprocmask(libc::SIG_SETMASK, none.as_ptr(), std::ptr::null_mut());
    }
}
