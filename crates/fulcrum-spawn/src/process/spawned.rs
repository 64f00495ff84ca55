//! A child as the spawner's thread returns it.

use std::os::fd::OwnedFd;

use rustix::process::Pid;

/// A started child, before its descriptors are registered with the tokio runtime.
pub(super) struct Spawned {
    pub(super) pid: Pid,
    pub(super) pidfd: OwnedFd,
    pub(super) stdin: OwnedFd,
    pub(super) output: SpawnedOutput,
}

/// The reading ends of a child's output.
pub(super) enum SpawnedOutput {
    Pipes { stdout: OwnedFd, stderr: OwnedFd },
    Terminal(OwnedFd),
}
