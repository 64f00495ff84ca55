//! Cleans up after an instance that was killed, and describes what was found.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use super::run_record::PreviousRun;
use super::stale::{CleanupReport, StaleProcess, find_stale, kill_stale};
use crate::code::Code;

/// A message about the previous run, with its level. Log it once a subscriber is installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartupMessage {
    /// Its severity.
    pub level: tracing::Level,
    /// The text, one line.
    pub text: String,
}

impl StartupMessage {
    fn new(level: tracing::Level, text: impl Into<String>) -> Self {
        Self {
            level,
            text: text.into(),
        }
    }

    /// Whether something is left that could not be cleaned up.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.level == tracing::Level::ERROR
    }

    /// Logs it through `tracing`, at its level.
    pub fn log(&self) {
        match self.level {
            tracing::Level::ERROR => tracing::error!(code = %Code::StaleRun, "{self}"),
            tracing::Level::WARN => tracing::warn!(code = %Code::StaleRun, "{self}"),
            _ => tracing::info!("{self}"),
        }
    }
}

impl fmt::Display for StartupMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The previous instance is still running, so nothing was killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InstanceAlive {
    /// Its process id.
    pub pid: u32,
}

impl fmt::Display for InstanceAlive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the previous instance is still running (pid {})",
            self.pid
        )
    }
}

impl std::error::Error for InstanceAlive {}

/// Kills the processes that an earlier run has left, by its run record at `record`, and describes
/// what was done. To be called by the holder of the lock before it starts anything. Blocks the
/// calling thread for two seconds at most.
///
/// Stale processes are never taken over: a domain's pipes end with its instance.
///
/// # Errors
/// The earlier instance is still running: its lock file was removed.
pub fn clean_up_stale(record: &Path) -> Result<Vec<StartupMessage>, InstanceAlive> {
    let previous = match PreviousRun::read(record) {
        Ok(Some(previous)) => previous,
        Ok(None) => return Ok(Vec::new()),
        Err(error) => {
            let text = format!(
                "cannot clean up after the previous instance: cannot read its run record {}: {error}",
                record.display()
            );
            return Ok(vec![StartupMessage::new(tracing::Level::WARN, text)]);
        }
    };
    if previous.finished {
        return Ok(Vec::new());
    }
    if previous.instance_is_alive() {
        return Err(InstanceAlive {
            pid: previous.instance,
        });
    }
    let report = kill_stale(&previous);
    Ok(describe(&previous, &report))
}

/// What an earlier run has left, by its run record at `record`: the pid and the command line of each
/// process. None if the run was shut down cleanly, or its instance is alive. Harms nothing.
#[must_use]
pub fn find_stale_run(record: &Path) -> Option<Vec<(u32, String)>> {
    let previous = PreviousRun::read(record).ok()??;
    if previous.finished || previous.instance_is_alive() {
        return None;
    }
    let processes = find_stale(&previous).into_iter();
    Some(
        processes
            .map(|process| (process.pid, process.command))
            .collect(),
    )
}

fn describe(previous: &PreviousRun, report: &CleanupReport) -> Vec<StartupMessage> {
    let mut messages = Vec::new();
    let lead = format!(
        "previous instance (pid {}) did not shut down cleanly",
        previous.instance
    );
    if !report.ended.is_empty() {
        let processes = describe_processes(previous, &report.ended);
        let text = format!("{lead}; killed {processes}");
        messages.push(StartupMessage::new(tracing::Level::WARN, text));
    } else if previous.cleaned_up.is_some() && !previous.processes.is_empty() {
        let recorded = previous.processes.values();
        let names: BTreeSet<&str> = recorded.map(|process| &*process.domain).collect();
        let names = names.into_iter().collect::<Vec<_>>().join(", ");
        let text = format!("{lead}; its cleanup guard stopped its domains ({names})");
        messages.push(StartupMessage::new(tracing::Level::INFO, text));
    } else if !previous.processes.is_empty() && report.survived.is_empty() {
        let text = format!("{lead}; none of its processes is left");
        messages.push(StartupMessage::new(tracing::Level::INFO, text));
    }
    if !report.survived.is_empty() {
        let processes = describe_processes(previous, &report.survived);
        let text =
            format!("left by the previous instance and still running after SIGKILL: {processes}");
        messages.push(StartupMessage::new(tracing::Level::ERROR, text));
    }
    messages
}

/// `orders (pid 4713, generation 3) and 2 processes below it`
fn describe_processes(previous: &PreviousRun, processes: &[StaleProcess]) -> String {
    let is_leader = |pid| {
        let recorded = previous.processes.get(&pid);
        recorded.is_some_and(|process| process.generation > 0)
    };
    let (leaders, others): (Vec<_>, Vec<_>) =
        processes.iter().partition(|process| is_leader(process.pid));
    let mut parts: Vec<String> = leaders
        .iter()
        .filter_map(|process| previous.processes.get(&process.pid))
        .map(|process| {
            format!(
                "{} (pid {}, generation {})",
                process.domain, process.leader, process.generation
            )
        })
        .collect();
    match others.as_slice() {
        [] => {}
        [one] => parts.push(format!("pid {} ({})", one.pid, one.command)),
        several => {
            let relation = match leaders.as_slice() {
                [] => "of them",
                [_] => "below it",
                _ => "below them",
            };
            parts.push(format!("{} processes {relation}", several.len()));
        }
    }
    match parts.pop() {
        Some(last) if !parts.is_empty() => format!("{} and {last}", parts.join(", ")),
        last => last.unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::run_id::RunId;
    use super::super::run_record::RecordedProcess;
    use super::*;

    const LEAD: &str = "previous instance (pid 4711) did not shut down cleanly; ";

    fn previous(names: &[&str], cleaned_up: Option<u64>) -> PreviousRun {
        let processes = names.iter().zip(60..).map(|(name, leader)| {
            let process = RecordedProcess {
                leader,
                started: 1,
                domain: (*name).to_owned(),
                generation: 3,
            };
            (leader, process)
        });
        PreviousRun {
            run: RunId::parse(&"a".repeat(32)).expect("a run"),
            boot: "boot".to_owned(),
            instance: 4711,
            instance_started: 1,
            cgroup: None,
            processes: processes.collect::<BTreeMap<_, _>>(),
            instance_died_at: None,
            cleaned_up,
            finished: false,
        }
    }

    fn stale(pid: u32) -> StaleProcess {
        StaleProcess {
            pid,
            command: "sleep 60".to_owned(),
            leader: Some(60),
        }
    }

    fn texts(previous: &PreviousRun, ended: &[u32], survived: &[u32]) -> Vec<String> {
        let report = CleanupReport {
            ended: ended.iter().copied().map(stale).collect(),
            survived: survived.iter().copied().map(stale).collect(),
        };
        let messages = describe(previous, &report).into_iter();
        messages
            .map(|StartupMessage { text, .. }| {
                text.strip_prefix(LEAD).map_or(text.clone(), str::to_owned)
            })
            .collect()
    }

    #[test]
    fn killed_processes_are_listed_by_domain_and_count() {
        let one = previous(&["orders"], None);
        assert_eq!(
            texts(&one, &[60, 70, 71], &[]),
            ["killed orders (pid 60, generation 3) and 2 processes below it"]
        );
        assert_eq!(texts(&one, &[70], &[]), ["killed pid 70 (sleep 60)"]);
        let two = previous(&["orders", "users"], Some(1));
        assert_eq!(
            texts(&two, &[60, 61, 70], &[]),
            [
                "killed orders (pid 60, generation 3), users (pid 61, generation 3) and pid 70 (sleep 60)"
            ]
        );
    }

    #[test]
    fn cleanup_by_the_guard_and_survivors_are_reported() {
        let two = previous(&["orders", "users"], Some(1));
        assert_eq!(
            texts(&two, &[], &[]),
            ["its cleanup guard stopped its domains (orders, users)"]
        );
        assert_eq!(
            texts(&previous(&["orders"], None), &[], &[]),
            ["none of its processes is left"]
        );
        assert!(texts(&previous(&[], Some(0)), &[], &[]).is_empty());
        assert_eq!(
            texts(&previous(&["orders"], None), &[], &[60]),
            [
                "left by the previous instance and still running after SIGKILL: orders (pid 60, generation 3)"
            ]
        );
    }
}
