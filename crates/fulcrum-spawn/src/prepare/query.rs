//! Runs a program for the text that it prints, such as its version.

use std::io::{self, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// Runs a command to its end, for at most this long; returns its standard output.
///
/// # Errors
/// It cannot be started, is killed by a signal before it prints, or takes too long
/// ([`io::ErrorKind::TimedOut`]), in which case it is killed.
pub(super) fn capture_stdout(mut command: Command, timeout: Duration) -> io::Result<String> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0);
    let mut child = spawn(&mut command)?;
    let mut stdout = child.stdout.take().expect("stdout is piped");
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut text = Vec::new();
        // The result of a script is short; longer output is something else.
        let read = stdout.by_ref().take(1024 * 1024).read_to_end(&mut text);
        // The receiver is gone if the timeout has passed.
        let _ = sender.send(read.map(|_| String::from_utf8_lossy(&text).into_owned()));
    });
    let output = receiver.recv_timeout(timeout);
    // After an answer Node exits by itself.
    if output.is_err()
        && let Some(group) = i32::try_from(child.id())
            .ok()
            .and_then(rustix::process::Pid::from_raw)
    {
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    let status = child.wait()?;
    let output = output.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    if output.trim().is_empty()
        && let Some(signal) = status.signal()
    {
        return Err(io::Error::other(format!(
            "it was killed by signal {signal}"
        )));
    }
    Ok(output)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the kernel has no notification for the end of ETXTBSY"
)]
/// Spawns, and retries while the executable is being replaced (`ETXTBSY`).
fn spawn(command: &mut Command) -> io::Result<std::process::Child> {
    let mut tries = 0;
    loop {
        match command.spawn() {
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy && tries < 50 => {
                tries += 1;
                std::thread::sleep(Duration::from_millis(10));
            }
            other => return other,
        }
    }
}
