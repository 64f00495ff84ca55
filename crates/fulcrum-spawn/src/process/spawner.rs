//! The one thread that starts every process.
//!
//! A parent-death signal fires when the *thread* that started a child exits, not the program
//! (prctl(2), `PR_SET_PDEATHSIG`). Worker and blocking threads of a runtime come and go, so every
//! process is started from this thread, which runs as long as the program.
#![expect(
    unsafe_code,
    reason = "pre_exec cleans up in the child; inherited descriptors are marked by number"
)]

use std::ffi::OsStr;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;

use rustix::pipe::{PipeFlags, fcntl_setpipe_size, pipe_with};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use tokio::sync::oneshot;

use super::attribution::TrackedGeneration;
use super::child::{self, ChildImage, Started};
use super::descriptor_slots::DescriptorSlots;
use super::pre_exec::PreExec;
use super::process_tree::Process;
use super::rlimit::NofileLimit;
use super::spawn_error::spawn_error;
use super::spawned::{Spawned, SpawnedOutput};
use super::tracker::ProcessTracker;
use super::{cgroup, pty, subreaper};
use crate::command::CommandSpec;
use crate::start_error::StartError;

/// The most that an unprivileged pipe may hold: a child blocks later with a larger pipe.
const PIPE_SIZE: usize = 1024 * 1024;

enum SpawnerMessage {
    Spawn {
        spec: CommandSpec,
        label: String,
        response: oneshot::Sender<Result<Spawned, StartError>>,
    },
    /// Orphans may have been adopted, or may have exited.
    ReapOrphans,
}

/// Starts processes. Clones share the one thread.
#[derive(Debug, Clone)]
pub struct Spawner {
    messages: mpsc::Sender<SpawnerMessage>,
    tracker: ProcessTracker,
}

impl Spawner {
    /// Starts the thread, which runs as long as the program, and registers what it starts with the
    /// tracker. From then on this program may open as many files as its hard limit allows; its
    /// children keep the earlier limit. Inherited descriptors above standard error are not passed
    /// to children. Must be called on a tokio runtime, which must keep running for orphans to be
    /// reaped.
    ///
    /// # Errors
    /// The operating system refuses the thread or the handler of SIGCHLD.
    pub fn start(tracker: ProcessTracker) -> io::Result<Self> {
        set_cloexec_on_inherited();
        let mut slots = DescriptorSlots::reserve();
        let files = NofileLimit::raise();
        let (messages, inbox) = mpsc::channel::<SpawnerMessage>();
        let thread_tracker = tracker.clone();
        thread::Builder::new()
            .name("spawner".to_owned())
            .spawn(move || {
                for message in &inbox {
                    match message {
                        SpawnerMessage::Spawn {
                            spec,
                            label,
                            response,
                        } => {
                            let outcome = spawn(&spec, &label, &thread_tracker, &files, &mut slots);
                            // The caller is gone: the child must not outlive it.
                            if let Err(Ok(child)) = response.send(outcome) {
                                Process::kill_unmanaged(child.pid, &thread_tracker);
                            }
                        }
                        SpawnerMessage::ReapOrphans => subreaper::reap_and_report(&thread_tracker),
                    }
                }
                // The last clone is gone, but children may be left: the thread must stay.
                loop {
                    thread::park();
                }
            })?;
        let orphan_messages = messages.clone();
        subreaper::watch(tracker.clone(), move || {
            // The thread never ends before the program does.
            let _ = orphan_messages.send(SpawnerMessage::ReapOrphans);
        })?;
        Ok(Self { messages, tracker })
    }

    /// Starts a process in its own group, with pipes for its three streams, or a pseudo-terminal for
    /// its output where the command has one. It is killed when this
    /// program dies. `label` distinguishes it from all others of the run, such as `orders.3`, and
    /// names its cgroup.
    ///
    /// # Errors
    /// The program is missing or not executable, or the system lacks a resource. The message states
    /// which, and [`StartError::permanent`] whether a retry could help.
    pub async fn spawn(
        &self,
        spec: CommandSpec,
        label: impl Into<String>,
    ) -> Result<Process, StartError> {
        let (response, outcome) = oneshot::channel();
        let gone = || StartError::permanent("internal error: the spawner thread has ended");
        let label = label.into();
        self.messages
            .send(SpawnerMessage::Spawn {
                spec,
                label,
                response,
            })
            .map_err(|_| gone())?;
        let spawned = outcome.await.map_err(|_| gone())??;
        Process::from_spawned(spawned, &self.tracker).map_err(|error| {
            StartError::transient(format!("cannot watch the new process: {error}"))
        })
    }
}

/// Starts a process and registers it with the tracker.
fn spawn(
    spec: &CommandSpec,
    label: &str,
    tracker: &ProcessTracker,
    files: &NofileLimit,
    slots: &mut Option<DescriptorSlots>,
) -> Result<Spawned, StartError> {
    let token = spec.env.get(OsStr::new(tracker.marker()));
    let generation = tracker.prepare(label, token.map(|token| token.as_bytes()));
    let dir = generation.cgroup.clone();
    let spawned = execute(spec, generation, tracker, files, slots);
    if let (Err(_), Some(dir)) = (&spawned, dir) {
        let _ = cgroup::remove(&dir);
    }
    spawned
}

fn execute(
    spec: &CommandSpec,
    mut generation: TrackedGeneration,
    tracker: &ProcessTracker,
    files: &NofileLimit,
    slots: &mut Option<DescriptorSlots>,
) -> Result<Spawned, StartError> {
    let to_start_error = |error: io::Error| spawn_error(spec, &error);
    let (output, stdout_write, stderr_write) = open_output(spec).map_err(to_start_error)?;
    let (stdin_read, stdin_write) =
        pipe_with(PipeFlags::CLOEXEC).map_err(|error| to_start_error(error.into()))?;
    let streams = [stdin_read, stdout_write, stderr_write];
    let (pid, is_in_cgroup) =
        start(spec, generation.cgroup.as_deref(), streams, files, slots).map_err(to_start_error)?;
    let number = pid.as_raw_nonzero().get().unsigned_abs();
    if let Some(dir) = generation
        .cgroup
        .take_if(|dir| !is_in_cgroup && !cgroup::contains(dir, number))
    {
        let _ = cgroup::remove(&dir);
    }
    tracker.register(number, generation);
    // The child is unreaped until we reap it, so its pid is not reused.
    match pidfd_open(pid, PidfdFlags::NONBLOCK) {
        Ok(pidfd) => Ok(Spawned {
            pid,
            pidfd,
            stdin: stdin_write,
            output,
        }),
        Err(error) => {
            Process::kill_unmanaged(pid, tracker);
            Err(to_start_error(error.into()))
        }
    }
}

/// Starts the program, and says whether it certainly is in the cgroup.
fn start(
    spec: &CommandSpec,
    cgroup: Option<&Path>,
    streams: [OwnedFd; 3],
    files: &NofileLimit,
    slots: &mut Option<DescriptorSlots>,
) -> io::Result<(Pid, bool)> {
    let pre_exec = PreExec::new(files.clone());
    // Without a directory that can be opened it is moved, as far as that is possible.
    let directory = cgroup.and_then(child::open_cgroup);
    let filled = slots
        .as_mut()
        .map(|slots| slots.fill(&streams))
        .transpose()?;
    let (low, unneeded) = match &filled {
        Some(filled) => (filled.streams(), filled.end()),
        None => (streams.each_ref(), None),
    };
    if directory.is_some() == cgroup.is_some()
        && let Some(image) = ChildImage::new(spec, low, &pre_exec, unneeded)
        && let Started::Child(pid) = image.start(directory.as_ref())?
    {
        return Ok((pid, cgroup.is_some()));
    }
    drop(filled);
    let pid = fork(spec, cgroup, streams, pre_exec)?;
    Ok((pid, false))
}

/// Starts the program by a fork, on a system that has nothing better.
fn fork(
    spec: &CommandSpec,
    cgroup: Option<&Path>,
    streams: [OwnedFd; 3],
    mut pre_exec: PreExec,
) -> io::Result<Pid> {
    pre_exec.enter(cgroup);
    let [stdin, stdout, stderr] = streams.map(Stdio::from);
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
        .stdin(stdin)
        .stdout(stdout)
        .stderr(stderr)
        .process_group(0);
    // SAFETY: between fork and exec only async-signal-safe system calls are made, and nothing is
    // allocated.
    unsafe {
        command.pre_exec(move || pre_exec.apply());
    }
    Ok(Pid::from_child(&command.spawn()?))
}

/// Marks descriptors that the parent process left open. Our own are close-on-exec already.
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
        // SAFETY: the number is only used for this call, which changes nothing but a flag; for one
        // that was closed meanwhile the call fails.
        let descriptor = unsafe { BorrowedFd::borrow_raw(number) };
        let _ = rustix::io::fcntl_setfd(descriptor, rustix::io::FdFlags::CLOEXEC);
    }
}

/// The output of a new process: what is read, standard output and standard error.
fn open_output(spec: &CommandSpec) -> io::Result<(SpawnedOutput, OwnedFd, OwnedFd)> {
    if let Some(size) = spec.terminal {
        let (reader, process_end) = pty::open(size)?;
        let second = process_end.try_clone()?;
        return Ok((SpawnedOutput::Terminal(reader), process_end, second));
    }
    let (stdout, stdout_write) = log_pipe()?;
    let (stderr, stderr_write) = log_pipe()?;
    let output = SpawnedOutput::Pipes { stdout, stderr };
    Ok((output, stdout_write, stderr_write))
}

fn log_pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let (read, write) = pipe_with(PipeFlags::CLOEXEC)?;
    // Unprivileged users have a quota of pipe memory. A smaller pipe works, but blocks earlier.
    let _ = fcntl_setpipe_size(&read, PIPE_SIZE);
    rustix::io::ioctl_fionbio(&read, true)?;
    Ok((read, write))
}
