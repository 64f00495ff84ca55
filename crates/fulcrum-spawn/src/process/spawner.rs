//! The one thread that starts every process.
//!
//! A parent-death signal fires when the *thread* that started a child exits, not the program
//! (prctl(2), `PR_SET_PDEATHSIG`). Worker and blocking threads of a runtime come and go, so every
//! process is started from this thread, which lives as long as the program.
#![expect(
    unsafe_code,
    reason = "pre_exec cleans up in the child; inherited descriptors are marked by number"
)]

use std::ffi::OsStr;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;

use rustix::pipe::{PipeFlags, fcntl_setpipe_size, pipe_with};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use tokio::sync::oneshot;

use super::attribution::TrackedGeneration;
use super::pre_exec::PreExec;
use super::process_tree::Process;
use super::rlimit::NofileLimit;
use super::tracker::ProcessTracker;
use super::{cgroup, subreaper};
use crate::{CommandSpec, StartError};

/// As much as an unprivileged pipe may hold: the more, the longer a child writes without waiting.
const PIPE_SIZE: usize = 1024 * 1024;

enum SpawnerMessage {
    Spawn {
        spec: CommandSpec,
        label: String,
        answer: oneshot::Sender<Result<Spawned, StartError>>,
    },
    /// Orphans may have been adopted, or have ended.
    ReapOrphans,
}

/// A child as the thread hands it over, before the runtime knows its descriptors.
pub(super) struct Spawned {
    pub(super) pid: Pid,
    pub(super) pidfd: OwnedFd,
    pub(super) stdin: OwnedFd,
    pub(super) stdout: OwnedFd,
    pub(super) stderr: OwnedFd,
}

/// Starts processes; clones share the one thread.
#[derive(Debug, Clone)]
pub struct Spawner {
    orders: mpsc::Sender<SpawnerMessage>,
    containment: ProcessTracker,
}

impl Spawner {
    /// Starts the thread, which lives as long as the program, and keeps what it starts in the
    /// containment. This program may open as many files as it may from then on, its children as
    /// many as before. Descriptors above standard error that this program was started with are kept
    /// from the processes that it starts. Must be called in a tokio runtime, which must go on for
    /// orphans to be looked after.
    ///
    /// # Errors
    /// The operating system refuses the thread, or to report the ends of children.
    pub fn start(containment: ProcessTracker) -> io::Result<Self> {
        set_cloexec_on_inherited();
        let files = NofileLimit::raise();
        let (orders, inbox) = mpsc::channel::<SpawnerMessage>();
        let held = containment.clone();
        thread::Builder::new()
            .name("spawner".to_owned())
            .spawn(move || {
                for order in &inbox {
                    match order {
                        SpawnerMessage::Spawn {
                            spec,
                            label,
                            answer,
                        } => {
                            let outcome = spawn(&spec, &label, &held, &files);
                            // Nobody waits any more: the child must not outlive the interest in it.
                            if let Err(Ok(child)) = answer.send(outcome) {
                                Process::kill_unmanaged(child.pid, &held);
                            }
                        }
                        SpawnerMessage::ReapOrphans => subreaper::reap_and_report(&held),
                    }
                }
                // The last clone is gone, but children may still be there: the thread must stay.
                loop {
                    thread::park();
                }
            })?;
        let tend = orders.clone();
        subreaper::watch(containment.clone(), move || {
            // The thread never ends before the program does.
            let _ = tend.send(SpawnerMessage::ReapOrphans);
        })?;
        Ok(Self {
            orders,
            containment,
        })
    }

    /// Starts a process in a group of its own, with pipes for its three streams, which dies with
    /// this program. `label` tells this life from all others of the run, such as `orders.3`; it
    /// names the life's cgroup.
    ///
    /// # Errors
    /// The program is missing, not executable, or the system is out of something; the text says
    /// which, and whether a retry could help.
    pub async fn spawn(
        &self,
        spec: CommandSpec,
        label: impl Into<String>,
    ) -> Result<Process, StartError> {
        let (answer, outcome) = oneshot::channel();
        let gone = || StartError::permanent("the spawner thread is gone");
        let label = label.into();
        self.orders
            .send(SpawnerMessage::Spawn {
                spec,
                label,
                answer,
            })
            .map_err(|_| gone())?;
        let spawned = outcome.await.map_err(|_| gone())??;
        Process::from_spawned(spawned, &self.containment).map_err(|error| {
            StartError::transient(format!("a new process can't be watched: {error}"))
        })
    }
}

/// Starts a process and enters it as a life.
fn spawn(
    spec: &CommandSpec,
    label: &str,
    containment: &ProcessTracker,
    files: &NofileLimit,
) -> Result<Spawned, StartError> {
    let token = spec.env.get(OsStr::new(containment.mark()));
    let life = containment.prepare(label, token.map(|token| token.as_bytes()));
    let folder = life.cgroup.clone();
    let spawned = execute(spec, life, containment, files);
    if let (Err(_), Some(folder)) = (&spawned, folder) {
        let _ = cgroup::remove(&folder);
    }
    spawned
}

fn execute(
    spec: &CommandSpec,
    mut life: TrackedGeneration,
    containment: &ProcessTracker,
    files: &NofileLimit,
) -> Result<Spawned, StartError> {
    let describe = |error: io::Error| spawn_error(spec, &error);
    let (stdout_read, stdout_write) = log_pipe().map_err(describe)?;
    let (stderr_read, stderr_write) = log_pipe().map_err(describe)?;
    let (stdin_read, stdin_write) =
        pipe_with(PipeFlags::CLOEXEC).map_err(|error| describe(error.into()))?;
    let hygiene = PreExec::new(life.cgroup.as_deref(), files.clone());
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that starts processes"
    )]
    let mut command = Command::new(&spec.program);
    command
        .args(&spec.args)
        .current_dir(&spec.cwd)
        .env_clear()
        .envs(&spec.env)
        .stdin(Stdio::from(stdin_read))
        .stdout(Stdio::from(stdout_write))
        .stderr(Stdio::from(stderr_write))
        .process_group(0);
    // SAFETY: between fork and exec only async-signal-safe system calls are made, and nothing is
    // allocated.
    unsafe {
        command.pre_exec(move || hygiene.apply());
    }
    let child = command.spawn().map_err(describe)?;
    let pid = Pid::from_child(&child);
    if let Some(folder) = life
        .cgroup
        .take_if(|folder| !cgroup::contains(folder, child.id()))
    {
        let _ = cgroup::remove(&folder);
    }
    containment.register(child.id(), life);
    // The child is unreaped until we reap it, so its number can't have been given away yet.
    match pidfd_open(pid, PidfdFlags::NONBLOCK) {
        Ok(pidfd) => Ok(Spawned {
            pid,
            pidfd,
            stdin: stdin_write,
            stdout: stdout_read,
            stderr: stderr_read,
        }),
        Err(error) => {
            Process::kill_unmanaged(pid, containment);
            Err(describe(error.into()))
        }
    }
}

/// Marks what a careless parent left open: our own descriptors all are close-on-exec already.
fn set_cloexec_on_inherited() {
    let Ok(open) = std::fs::read_dir("/proc/self/fd") else {
        return;
    };
    let numbers = open
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    for number in numbers
        .filter(|number: &i32| *number > 2)
        .collect::<Vec<_>>()
    {
        // SAFETY: the number is only used for this call, which changes nothing but a flag; one
        // that was closed meanwhile answers with an error.
        let descriptor = unsafe { BorrowedFd::borrow_raw(number) };
        let _ = rustix::io::fcntl_setfd(descriptor, rustix::io::FdFlags::CLOEXEC);
    }
}

fn log_pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let (read, write) = pipe_with(PipeFlags::CLOEXEC)?;
    // Unprivileged users have a quota of pipe memory; a smaller pipe works, only less smoothly.
    let _ = fcntl_setpipe_size(&read, PIPE_SIZE);
    rustix::io::ioctl_fionbio(&read, true)?;
    Ok((read, write))
}

/// What the system's refusal means, told apart by what a person would have to do.
fn spawn_error(spec: &CommandSpec, error: &io::Error) -> StartError {
    let program = spec.program.display();
    match error.kind() {
        io::ErrorKind::NotFound if !spec.cwd.is_dir() => StartError::permanent(format!(
            "the working directory {} is not there",
            spec.cwd.display()
        ))
        .hint("create it or correct `process.cwd`"),
        io::ErrorKind::NotFound if spec.program.exists() => {
            StartError::permanent(format!("the interpreter that {program} names is not there"))
                .hint("correct its first line, #!…")
        }
        io::ErrorKind::NotFound => StartError::permanent(format!("there is no program {program}")),
        io::ErrorKind::PermissionDenied => {
            StartError::permanent(format!("{program} may not be executed"))
                .hint(format!("chmod +x {program}"))
        }
        _ if error.raw_os_error() == Some(rustix::io::Errno::NOEXEC.raw_os_error()) => {
            StartError::permanent(format!(
                "{program} is neither a program nor a script with #!"
            ))
        }
        _ => StartError::transient(format!("{program} can't be started now: {error}")),
    }
}
