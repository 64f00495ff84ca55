//! A program as a probe: exit 0 is a yes.

use std::ffi::OsStr;
use std::time::Duration;

use fulcrum_health::truncate_line;
use fulcrum_spawn::prepare::plan_command;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::timeout;

use crate::process::untracked::TOKEN_VAR;
use crate::readiness::probes::ProbeTarget;

/// How much of what it says last is kept for the line that is told.
const TAIL_BYTES: usize = 4096;

/// How long its pipes are read on when it has ended: whom it has left behind may hold them.
const DRAIN_TIMEOUT: Duration = Duration::from_millis(100);

/// Runs it once, in the domain's folder and with its environment. When this is dropped, or done,
/// everybody whom it has started is ended.
pub(crate) async fn run(argv: &[String], life: &ProbeTarget) -> Result<(), String> {
    let name = argv.first().map_or("", String::as_str);
    let broken = |why: String| format!("exec {name}: {why}");
    let mut env = life.spec.env.clone();
    // Marked as a life of its own: with the domain's mark it would be taken for a part of it.
    let token = life
        .run
        .token()
        .map_err(|error| broken(error.to_string()))?;
    env.insert(TOKEN_VAR.into(), token.into());
    let path = env.get(OsStr::new("PATH")).cloned().unwrap_or_default();
    let (spec, _) = plan_command(argv, &life.spec.cwd, env, &path)
        .map_err(|failure| broken(failure.to_string()))?;
    let label = format!("{}.{}.probe", life.domain, life.news.generation());
    let process = life
        .spawner
        .spawn(spec, label)
        .await
        .map_err(|failure| broken(failure.to_string()))?;
    let mut said = [Vec::new(), Vec::new()];
    let [out, err] = &mut said;
    let exit = match process.take_output() {
        Some((stdout, stderr)) => {
            let reading = async { tokio::join!(read_tail(stdout, out), read_tail(stderr, err)) };
            let exited = process.exited();
            tokio::pin!(reading, exited);
            let mut read = false;
            let exit = loop {
                tokio::select! {
                    exit = &mut exited => break exit,
                    // It has closed both, and still runs.
                    _ = &mut reading, if !read => read = true,
                }
            };
            if !read {
                let _ = timeout(DRAIN_TIMEOUT, reading).await;
            }
            exit
        }
        None => process.exited().await,
    };
    if exit.code == Some(0) {
        return Ok(());
    }
    let [out, err] = said;
    let last = last_line(&err).or_else(|| last_line(&out));
    let last = last.map_or_else(String::new, |line| format!(": {}", truncate_line(&line)));
    Err(broken(format!("{exit}{last}")))
}

/// Reads to the end and keeps the last of it.
async fn read_tail(mut pipe: impl AsyncRead + Unpin, kept: &mut Vec<u8>) {
    while let Ok(1..) = pipe.read_buf(kept).await {
        if kept.len() > 2 * TAIL_BYTES {
            kept.drain(..kept.len() - TAIL_BYTES);
        }
    }
}

fn last_line(said: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(said);
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
    async fn of_any_number_of_words_the_last_are_kept() {
        let mut kept = Vec::new();
        let text = "x".repeat(100_000) + "\nfirst\nlast \u{1b}[0m\n\n";
        read_tail(text.as_bytes(), &mut kept).await;
        assert!(kept.len() <= 2 * TAIL_BYTES);
        assert_eq!(last_line(&kept).as_deref(), Some("last [0m"));
        assert_eq!(last_line(b"\n \n"), None);
    }
}
