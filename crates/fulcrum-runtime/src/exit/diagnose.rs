//! What is known of an end, gathered at the moment it is noticed: a moment later the port may be
//! free and the counter may have moved on.

use std::path::Path;
use std::sync::Arc;

use fulcrum_config::Domain;
use fulcrum_health::{Diagnosis, ExitContext, describe_exit, diagnose};
use fulcrum_logs::{Hub, Stream};
use fulcrum_spawn::lifecycle::ExitReport;
use fulcrum_spawn::process::{OomKill, OomMonitor};

use crate::exit::port_conflict;
use crate::state::domain::SharedDomainStates;

/// How many of the last lines are looked at for a known cause. V8's own last words are long.
pub(crate) const DIAGNOSED_LINES: usize = 100;

/// How many of them are kept to be shown.
const KEPT_LINES: usize = 20;

/// The end of one life.
#[derive(Debug, Clone)]
pub(crate) struct ExitRecord {
    pub(crate) generation: u64,
    report: ExitReport,
    /// The last lines of its standard error, oldest first.
    pub(crate) stderr: Vec<String>,
    diagnosis: Option<Diagnosis>,
    oom: Option<OomKill>,
}

impl ExitRecord {
    /// Starting the domain again can't help.
    pub(crate) fn is_permanent(&self) -> bool {
        self.diagnosis.as_ref().is_some_and(|found| found.permanent)
    }

    /// The end in words, for a life that nobody had asked to end: how it was, what caused it, what
    /// cures it.
    pub(crate) fn describe(&self, was_ready: bool) -> String {
        let mut text = describe_exit(self.report.code, self.report.signal);
        if !was_ready {
            text.push_str(" before it registered");
        }
        if let Some(kill) = &self.oom {
            text.push_str(&format!(", {}", killed_by_kernel(kill)));
        } else if self.report.signal.is_some_and(comes_from_outside) {
            text.push_str(", sender unknown");
        }
        match (
            &self.diagnosis,
            self.stderr
                .iter()
                .rev()
                .find(|line| !line.trim().is_empty()),
        ) {
            (
                Some(Diagnosis {
                    cause, hint: cure, ..
                }),
                _,
            ) if cure.is_empty() => {
                text.push_str(&format!(": {cause}"));
            }
            (
                Some(Diagnosis {
                    cause, hint: cure, ..
                }),
                _,
            ) => {
                text.push_str(&format!(": {cause} ({cure})"));
            }
            (None, Some(line)) if self.report.code.is_some_and(|code| code != 0) => {
                text.push_str(&format!("; last on stderr: {}", truncate_line(line.trim())));
            }
            (None, _) => {}
        }
        text
    }

    /// How a life took its end that Fulcrum had decided on, `killed` telling whether it had to
    /// send SIGKILL.
    pub(crate) fn describe_forced(&self, killed: bool) -> String {
        let text = describe_exit(self.report.code, self.report.signal);
        match (&self.oom, self.report.signal) {
            (_, Some(9)) if killed => format!("{text}, sent by Fulcrum"),
            (Some(kill), Some(9)) => format!("{text}, {}", killed_by_kernel(kill)),
            (None, Some(9)) => format!("{text}, sender unknown"),
            _ => text,
        }
    }
}

fn killed_by_kernel(kill: &OomKill) -> String {
    format!(
        "out of memory: killed by the kernel (oom_kill rose to {} in {})",
        kill.count,
        kill.counter.display()
    )
}

/// A signal that a process gets from another one, and not by its own doing.
fn comes_from_outside(signal: i32) -> bool {
    // HUP, INT, QUIT, KILL, USR1, USR2, TERM.
    matches!(signal, 1 | 2 | 3 | 9 | 10 | 12 | 15)
}

/// A line for a sentence.
pub(crate) fn truncate_line(line: &str) -> String {
    const LONGEST: usize = 200;
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

/// Diagnoses the exits of one domain.
#[derive(Debug, Clone)]
pub(crate) struct ExitDiagnoser {
    domain: String,
    domain_dir: String,
    app: String,
    hub: Hub,
    states: SharedDomainStates,
    oom: OomMonitor,
}

impl ExitDiagnoser {
    pub(crate) fn new(
        domain: &Domain,
        app: &Path,
        hub: &Hub,
        states: &SharedDomainStates,
        oom: &OomMonitor,
    ) -> Self {
        Self {
            domain: domain.name.clone(),
            domain_dir: domain.dir.display().to_string(),
            app: app.display().to_string(),
            hub: hub.clone(),
            states: Arc::clone(states),
            oom: oom.clone(),
        }
    }

    /// Follows the OOM counters of a process that was just spawned.
    pub(crate) fn track(&self, pid: u32) {
        self.oom.track(pid);
    }

    /// Diagnoses an exit whose leader is not reaped yet, and stores the exit record in the
    /// domain's state, where it is read once the exit is reported.
    pub(crate) async fn diagnose(&self, pid: u32, generation: u64, report: ExitReport) {
        let oom = if report.signal == Some(9) {
            self.oom.take_kill(pid).await
        } else {
            self.oom.untrack(pid);
            None
        };
        let lines = self
            .hub
            .last_lines(&self.domain, generation, Stream::Stderr, DIAGNOSED_LINES);
        let lines: Vec<String> = lines.iter().map(|line| line.text().into_owned()).collect();
        let mut diagnosis = diagnose(&ExitContext {
            stderr: &lines,
            code: report.code,
            signal: report.signal,
            domain_dir: &self.domain_dir,
            app: &self.app,
        });
        if let Some(diagnosis) = &mut diagnosis
            && let Some(address) = diagnosis.address_in_use.clone()
        {
            let (states, domain) = (Arc::clone(&self.states), self.domain.clone());
            // Reads /proc, which may block.
            let conflict = tokio::task::spawn_blocking(move || {
                port_conflict::diagnose(&address, &states, &domain)
            });
            if let Ok(Some((cause, hint))) = conflict.await {
                (diagnosis.cause, diagnosis.hint) = (cause, hint);
            }
        }
        let stderr = lines[lines.len().saturating_sub(KEPT_LINES)..].to_vec();
        let record = ExitRecord {
            generation,
            report,
            stderr,
            diagnosis,
            oom,
        };
        if let Some(state) = self.states.get(&self.domain) {
            state.last_exit.send_replace(Some(Arc::new(record)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn obituary(code: Option<i32>, signal: Option<i32>, stderr: &[&str]) -> ExitRecord {
        let stderr: Vec<String> = stderr.iter().map(|line| (*line).to_owned()).collect();
        ExitRecord {
            generation: 1,
            report: ExitReport { code, signal },
            diagnosis: diagnose(&ExitContext {
                stderr: &stderr,
                code,
                signal,
                ..ExitContext::default()
            }),
            stderr,
            oom: None,
        }
    }

    #[test]
    fn an_end_of_its_own_is_told_with_its_cause() {
        assert_eq!(
            obituary(Some(3), None, &["boom", ""]).describe(false),
            "exit 3 before it registered; last on stderr: boom"
        );
        assert_eq!(obituary(Some(0), None, &["bye"]).describe(true), "exit 0");
        let uncaught = [
            "/a/domain.js:7",
            "Error: boom",
            "    at f (/a/domain.js:7:9)",
            "Node.js v20",
        ];
        assert_eq!(
            obituary(Some(1), None, &uncaught).describe(true),
            "exit 1: uncaught Error: boom at /a/domain.js:7:9"
        );
        assert!(obituary(Some(13), None, &[]).describe(false).starts_with(
            "exit 13 (top-level await never settled) before it registered: it awaits "
        ));
    }

    #[test]
    fn who_sent_a_sigkill_is_told_or_said_to_be_unknown() {
        let mut killed = obituary(None, Some(9), &["unrelated"]);
        assert_eq!(
            killed.describe(true),
            "killed by SIGKILL (9), sender unknown"
        );
        assert_eq!(
            killed.describe_forced(true),
            "killed by SIGKILL (9), sent by Fulcrum"
        );
        assert_eq!(
            killed.describe_forced(false),
            "killed by SIGKILL (9), sender unknown"
        );
        killed.oom = Some(OomKill {
            count: 1,
            counter: "/sys/fs/cgroup/shop/memory.events".into(),
        });
        let by_kernel = "killed by SIGKILL (9), out of memory: killed by the kernel \
                         (oom_kill rose to 1 in /sys/fs/cgroup/shop/memory.events)";
        assert_eq!(killed.describe(true), by_kernel);
        assert_eq!(killed.describe_forced(false), by_kernel);
        assert_eq!(
            obituary(None, Some(11), &[]).describe(true),
            "killed by SIGSEGV (11)"
        );
        assert_eq!(
            obituary(None, Some(15), &[]).describe(true),
            "killed by SIGTERM (15), sender unknown"
        );
    }
}
