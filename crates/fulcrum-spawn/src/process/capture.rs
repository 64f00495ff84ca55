//! Runs a command to its end and keeps the last part of its output.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::timeout;

use super::spawner::Spawner;
use crate::command::CommandSpec;
use crate::exit::ExitReport;
use crate::start_error::StartError;

/// How many bytes of each stream are retained at least, if there were as many.
const TAIL_BYTES: usize = 4096;

/// How long the pipes are read after the exit: processes that the command left behind may hold them
/// open.
const DRAIN_TIMEOUT: Duration = Duration::from_millis(100);

/// How a command exited, and the last part of its output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CapturedExit {
    /// The exit status.
    pub exit: ExitReport,
    /// The end of standard output, 8 KiB at most.
    pub stdout: Vec<u8>,
    /// The end of standard error, 8 KiB at most.
    pub stderr: Vec<u8>,
}

impl CapturedExit {
    /// The last line that is not blank, without control characters: of standard error, or of
    /// standard output if standard error has none.
    #[must_use]
    pub fn last_line(&self) -> Option<String> {
        last_line(&self.stderr).or_else(|| last_line(&self.stdout))
    }
}

/// Runs `spec` once and waits for its exit. Every process that it started is killed when this
/// returns, and when the future is dropped.
///
/// # Errors
/// The process could not be started.
pub async fn run_and_capture(
    spawner: &Spawner,
    spec: CommandSpec,
    label: String,
) -> Result<CapturedExit, StartError> {
    let process = spawner.spawn(spec, label).await?;
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let exit = match process.take_output() {
        Some((out, err)) => {
            let reading =
                async { tokio::join!(read_tail(out, &mut stdout), read_tail(err, &mut stderr)) };
            let exited = process.exited();
            tokio::pin!(reading, exited);
            let mut at_end = false;
            let exit = loop {
                tokio::select! {
                    exit = &mut exited => break exit,
                    // Both pipes are closed, and the process still runs.
                    _ = &mut reading, if !at_end => at_end = true,
                }
            };
            if !at_end {
                let _ = timeout(DRAIN_TIMEOUT, reading).await;
            }
            exit
        }
        None => process.exited().await,
    };
    Ok(CapturedExit {
        exit,
        stdout,
        stderr,
    })
}

/// Reads to the end and retains the last part.
async fn read_tail(mut pipe: impl AsyncRead + Unpin, tail: &mut Vec<u8>) {
    while let Ok(1..) = pipe.read_buf(tail).await {
        if tail.len() > 2 * TAIL_BYTES {
            tail.drain(..tail.len() - TAIL_BYTES);
        }
    }
}

fn last_line(output: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(output);
    let line = text
        .lines()
        .rev()
        .map(str::trim)
        .find(|line| !line.is_empty());
    line.map(|line| line.chars().filter(|c| !c.is_control()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_last_part_of_any_amount_of_output_is_retained() {
        let mut tail = Vec::new();
        let text = "x".repeat(100_000) + "\nfirst\nlast \u{1b}[0m\n\n";
        read_tail(text.as_bytes(), &mut tail).await;
        assert!(tail.len() <= 2 * TAIL_BYTES);
        assert_eq!(last_line(&tail).as_deref(), Some("last [0m"));
        assert_eq!(last_line(b"\n \n"), None);
    }
}
