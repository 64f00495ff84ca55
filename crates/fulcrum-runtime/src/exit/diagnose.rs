//! What is known of an end, gathered at the moment it is noticed: a moment later the port may be
//! free and the counter may have moved on.

use std::path::Path;
use std::sync::Arc;

use fulcrum_config::Domain;
use fulcrum_health::{Case, Diagnosis, diagnose, explain_exit};
use fulcrum_logs::{Hub, Stream};
use fulcrum_spawn::lifecycle::ExitReport;
use fulcrum_spawn::process::OomKill;

use crate::exit::port_conflict;
use crate::oom_monitor::OomWatch;
use crate::state::domain::Desks;

/// How many of the last lines are looked at for a known cause. V8's own last words are long.
pub(crate) const LOOKED_AT: usize = 100;

/// How many of them are kept to be shown.
const SHOWN: usize = 20;

/// The end of one life.
#[derive(Debug, Clone)]
pub(crate) struct Obituary {
    pub(crate) generation: u64,
    report: ExitReport,
    /// The last lines of its standard error, oldest first.
    pub(crate) stderr: Vec<String>,
    diagnosis: Option<Diagnosis>,
    oom: Option<OomKill>,
}

impl Obituary {
    /// Starting the domain again can't help.
    pub(crate) fn is_permanent(&self) -> bool {
        self.diagnosis.as_ref().is_some_and(|found| found.permanent)
    }

    /// The end in words, for a life that nobody had asked to end: how it was, what caused it, what
    /// cures it.
    pub(crate) fn words(&self, was_ready: bool) -> String {
        let mut text = explain_exit(self.report.code, self.report.signal);
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
            (Some(Diagnosis { cause, cure, .. }), _) if cure.is_empty() => {
                text.push_str(&format!(": {cause}"));
            }
            (Some(Diagnosis { cause, cure, .. }), _) => {
                text.push_str(&format!(": {cause} ({cure})"));
            }
            (None, Some(line)) if self.report.code.is_some_and(|code| code != 0) => {
                text.push_str(&format!("; last on stderr: {}", shortened(line.trim())));
            }
            (None, _) => {}
        }
        text
    }

    /// How a life took its end that Fulcrum had decided on, `killed` telling whether it had to
    /// send SIGKILL.
    pub(crate) fn how(&self, killed: bool) -> String {
        let text = explain_exit(self.report.code, self.report.signal);
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
pub(crate) fn shortened(line: &str) -> String {
    const LONGEST: usize = 200;
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

/// Finds out about the ends of one domain's lives.
#[derive(Debug, Clone)]
pub(crate) struct Coroner {
    domain: String,
    folder: String,
    app: String,
    hub: Hub,
    desks: Desks,
    oom: OomWatch,
}

impl Coroner {
    pub(crate) fn new(
        domain: &Domain,
        app: &Path,
        hub: &Hub,
        desks: &Desks,
        oom: &OomWatch,
    ) -> Self {
        Self {
            domain: domain.name.clone(),
            folder: domain.dir.display().to_string(),
            app: app.display().to_string(),
            hub: hub.clone(),
            desks: Arc::clone(desks),
            oom: oom.clone(),
        }
    }

    /// A life has begun.
    pub(crate) fn born(&self, pid: u32) {
        self.oom.announce(pid);
    }

    /// A life has ended, and its leader isn't reaped yet: puts what can be known on the domain's
    /// desk, where it is read once the end is told.
    pub(crate) async fn inquire(&self, pid: u32, generation: u64, report: ExitReport) {
        let oom = if report.signal == Some(9) {
            self.oom.claim(pid).await
        } else {
            self.oom.forget(pid);
            None
        };
        let lines = self
            .hub
            .last_lines(&self.domain, generation, Stream::Stderr, LOOKED_AT);
        let lines: Vec<String> = lines.iter().map(|line| line.text().into_owned()).collect();
        let mut diagnosis = diagnose(&Case {
            stderr: &lines,
            code: report.code,
            signal: report.signal,
            folder: &self.folder,
            app: &self.app,
        });
        if let Some(found) = &mut diagnosis
            && let Some(address) = found.taken.clone()
        {
            let (desks, domain) = (Arc::clone(&self.desks), self.domain.clone());
            // It reads /proc, which may block: not on a thread that others wait for.
            let looked =
                tokio::task::spawn_blocking(move || port_conflict::of(&address, &desks, &domain));
            if let Ok(Some((cause, cure))) = looked.await {
                (found.cause, found.cure) = (cause, cure);
            }
        }
        let stderr = lines[lines.len().saturating_sub(SHOWN)..].to_vec();
        let obituary = Obituary {
            generation,
            report,
            stderr,
            diagnosis,
            oom,
        };
        if let Some(desk) = self.desks.get(&self.domain) {
            desk.obituary.send_replace(Some(Arc::new(obituary)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn obituary(code: Option<i32>, signal: Option<i32>, stderr: &[&str]) -> Obituary {
        let stderr: Vec<String> = stderr.iter().map(|line| (*line).to_owned()).collect();
        Obituary {
            generation: 1,
            report: ExitReport { code, signal },
            diagnosis: diagnose(&Case {
                stderr: &stderr,
                code,
                signal,
                ..Case::default()
            }),
            stderr,
            oom: None,
        }
    }

    #[test]
    fn an_end_of_its_own_is_told_with_its_cause() {
        assert_eq!(
            obituary(Some(3), None, &["boom", ""]).words(false),
            "exit 3 before it registered; last on stderr: boom"
        );
        assert_eq!(obituary(Some(0), None, &["bye"]).words(true), "exit 0");
        let uncaught = [
            "/a/domain.js:7",
            "Error: boom",
            "    at f (/a/domain.js:7:9)",
            "Node.js v20",
        ];
        assert_eq!(
            obituary(Some(1), None, &uncaught).words(true),
            "exit 1: uncaught Error: boom at /a/domain.js:7:9"
        );
        assert!(obituary(Some(13), None, &[]).words(false).starts_with(
            "exit 13 (top-level await never settled) before it registered: it awaits "
        ));
    }

    #[test]
    fn who_sent_a_sigkill_is_told_or_said_to_be_unknown() {
        let mut killed = obituary(None, Some(9), &["unrelated"]);
        assert_eq!(killed.words(true), "killed by SIGKILL (9), sender unknown");
        assert_eq!(killed.how(true), "killed by SIGKILL (9), sent by Fulcrum");
        assert_eq!(killed.how(false), "killed by SIGKILL (9), sender unknown");
        killed.oom = Some(OomKill {
            count: 1,
            counter: "/sys/fs/cgroup/shop/memory.events".into(),
        });
        let by_kernel = "killed by SIGKILL (9), out of memory: killed by the kernel \
                         (oom_kill rose to 1 in /sys/fs/cgroup/shop/memory.events)";
        assert_eq!(killed.words(true), by_kernel);
        assert_eq!(killed.how(false), by_kernel);
        assert_eq!(
            obituary(None, Some(11), &[]).words(true),
            "killed by SIGSEGV (11)"
        );
        assert_eq!(
            obituary(None, Some(15), &[]).words(true),
            "killed by SIGTERM (15), sender unknown"
        );
    }
}
