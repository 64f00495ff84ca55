//! Finding a run's processes by the tag in their environment, and sending one a signal.

use std::fmt;
use std::fs;

use anyhow::Context;
use rustix::process::Pid;
pub(crate) use rustix::process::Signal;

/// A running process with the tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tagged {
    pub(crate) pid: i32,
    command: String,
}

impl fmt::Display for Tagged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.pid, self.command)
    }
}

/// The running processes whose environment has `name=value`. Processes of other users cannot be
/// read and don't count; a zombie has no environment.
///
/// # Errors
/// A system without /proc.
pub(crate) fn tagged(name: &str, value: &str) -> anyhow::Result<Vec<Tagged>> {
    let entry = format!("{name}={value}");
    let mut found = Vec::new();
    for process in fs::read_dir("/proc").context("cannot list /proc")? {
        let Ok(process) = process else { continue };
        let Some(pid) = process
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
        else {
            continue;
        };
        // A process may exit between the listing and the read.
        let Ok(environ) = fs::read(process.path().join("environ")) else {
            continue;
        };
        if environ
            .split(|byte| *byte == 0)
            .any(|variable| variable == entry.as_bytes())
        {
            let command = fs::read(process.path().join("cmdline")).unwrap_or_default();
            let command = String::from_utf8_lossy(&command).replace('\0', " ");
            found.push(Tagged {
                pid,
                command: command.trim_end().to_owned(),
            });
        }
    }
    Ok(found)
}

/// Sends a signal to one process.
///
/// # Errors
/// A process that does not exist, or belongs to another user.
pub(crate) fn send(pid: i32, signal: Signal) -> anyhow::Result<()> {
    let process = Pid::from_raw(pid).with_context(|| format!("{pid} is not a process id"))?;
    rustix::process::kill_process(process, signal)
        .with_context(|| format!("cannot send {signal:?} to process {pid}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::CommandRunner;
    use crate::wait::until;
    use std::time::Duration;

    #[test]
    fn a_tagged_process_is_found_until_it_exits() {
        let directory = tempfile::tempdir().unwrap();
        let value = directory.path().to_str().unwrap();
        let run = CommandRunner::new("sleep", ".")
            .arg("60")
            .env("XTASK_TAG_TEST", value);
        let mut child = run.start(&directory.path().join("log")).unwrap();
        let found = until("the tag is seen", Duration::from_secs(10), || {
            Ok(tagged("XTASK_TAG_TEST", value)?
                .pop()
                .filter(|found| found.command == "sleep 60"))
        })
        .unwrap();
        assert_eq!(found.pid, i32::try_from(child.id()).unwrap());
        assert_eq!(tagged("XTASK_TAG_TEST", &value[1..]).unwrap(), []);

        send(found.pid, Signal::KILL).unwrap();
        child.wait().unwrap();
        assert_eq!(tagged("XTASK_TAG_TEST", value).unwrap(), []);
    }
}
