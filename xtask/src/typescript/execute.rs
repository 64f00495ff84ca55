//! Running a command to its end, with its output and a time limit.

use std::fs::File;
use std::io::{Read, Seek};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

use crate::wait::until;

/// How long a program may run.
pub(super) const LIMIT: Duration = Duration::from_secs(30);

/// What a program has printed.
#[derive(Debug, Clone, Default)]
pub(super) struct Printed {
    pub(super) success: bool,
    pub(super) stdout: String,
    /// Standard error, or why the program was not started.
    pub(super) stderr: String,
}

/// Runs a command in a process group of its own, which is killed at the limit.
///
/// # Errors
/// A program that cannot be started.
pub(super) fn execute(command: &mut Command, limit: Duration) -> anyhow::Result<Printed> {
    // Files rather than pipes: a process that it leaves running would hold a pipe open.
    let (mut stdout, mut stderr) = (tempfile::tempfile()?, tempfile::tempfile()?);
    command.stdin(Stdio::null());
    command.stdout(stdout.try_clone()?);
    command.stderr(stderr.try_clone()?);
    let mut child = command.process_group(0).spawn()?;
    let exited = until("it exits", limit, || Ok(child.try_wait()?));
    if exited.is_err() {
        kill_group(&mut child)?;
    }
    let mut printed = Printed {
        success: exited.as_ref().is_ok_and(std::process::ExitStatus::success),
        stdout: contents(&mut stdout)?,
        stderr: contents(&mut stderr)?,
    };
    if let Err(error) = exited {
        printed.stderr.push_str(&format!("\n{error}"));
    }
    Ok(printed)
}

/// Kills a child, which leads its own process group, and all processes of that group.
///
/// # Errors
/// A child that cannot be waited for.
pub(super) fn kill_group(child: &mut Child) -> anyhow::Result<()> {
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        // An error means that the group is gone.
        let _ = kill_process_group(group, Signal::KILL);
    }
    child.wait()?;
    Ok(())
}

fn contents(file: &mut File) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_is_kept_and_a_hanging_group_is_killed() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo out; echo err >&2; sleep 60 & wait"]);
        let printed = execute(&mut command, Duration::from_millis(300)).unwrap();
        assert_eq!(printed.stdout, "out\n");
        assert!(printed.stderr.contains("err") && printed.stderr.contains("timed out"));
        assert!(!printed.success);
    }
}
