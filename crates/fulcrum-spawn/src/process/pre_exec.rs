//! What a child does between fork and exec, so that it starts with a clean slate.
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

/// By how much a domain is likelier to be taken than Fulcrum when memory runs out.
const OOM_SCORE_OFFSET: i32 = 500;

/// Prepared before the fork, since nothing may be allocated after it.
pub(super) struct PreExec {
    parent: Pid,
    /// `cgroup.procs` of the life's folder.
    procs: Option<File>,
    /// Its text for `oom_score_adj`.
    score: String,
    files: NofileLimit,
}

impl PreExec {
    /// For children of this process, into a cgroup or not.
    pub(super) fn new(cgroup: Option<&Path>, files: NofileLimit) -> Self {
        let procs = cgroup.and_then(|folder| {
            OpenOptions::new()
                .write(true)
                .open(folder.join("cgroup.procs"))
                .ok()
        });
        let own = std::fs::read_to_string("/proc/self/oom_score_adj").unwrap_or_default();
        let own: i32 = own.trim().parse().unwrap_or_default();
        Self {
            parent: rustix::process::getpid(),
            procs,
            score: own.saturating_add(OOM_SCORE_OFFSET).min(1000).to_string(),
            files,
        }
    }

    /// To be called in the child. Makes system calls only, and allocates nothing.
    ///
    /// # Errors
    /// The parent is dead already, or its death can't be reported.
    pub(super) fn apply(&self) -> io::Result<()> {
        // First, so that the child can't be somewhere else for a moment. Where it is refused, the
        // group and the mark have to do; the parent finds out.
        if let Some(procs) = &self.procs {
            let _ = write(procs, b"0");
        }
        set_parent_process_death_signal(Some(Signal::KILL))?;
        // The parent may have died before the signal was set: then nobody would send it.
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
        default_signals();
        Ok(())
    }
}

/// Nothing is blocked and nothing ignored, whatever `nohup`, a background shell or a careless
/// parent of Fulcrum have set.
fn default_signals() {
    /// As the kernel counts; a set of them is eight bytes.
    const SIGNALS: i32 = 64;
    // The kernel's `struct sigaction`, by whatever name its fields go here: `SIG_DFL`, no flags and
    // an empty mask are all zero.
    let default = [0_u64; 4];
    for signal in 1..=SIGNALS {
        // Past the C library, which keeps two signals for itself and may have left one ignored
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
    // SAFETY: both calls are async-signal-safe (signal-safety(7)), and the set is initialised
    // before it is used.
    unsafe {
        libc::sigemptyset(none.as_mut_ptr());
        libc::sigprocmask(libc::SIG_SETMASK, none.as_ptr(), std::ptr::null_mut());
    }
}
