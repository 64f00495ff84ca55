//! Diagnoses an exit at the moment it is noticed. A moment later the port may be free again, and
//! the OOM counter may have changed.

use std::path::Path;
use std::sync::Arc;

use fulcrum_config::{Domain, Program};
use fulcrum_health::{DIAGNOSED_LINES, ExitContext, ExitRecord, OomKill, ProgramKind, diagnose};
use fulcrum_logs::{Hub, LogLine, Stream};
use fulcrum_spawn::lifecycle::ExitReport;
use fulcrum_spawn::process::OomMonitor;

use crate::exit::logged::{self, plain_text};
use crate::exit::port_conflict;
use crate::state::domain::SharedDomainStates;

/// How many of the last lines of stderr an exit record keeps.
const KEPT_LINES: usize = 20;

/// Diagnoses the exits of one domain.
#[derive(Debug, Clone)]
pub(crate) struct ExitDiagnoser {
    domain: String,
    kind: ProgramKind,
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
            kind: kind_of(&domain.program),
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
        let last = |stream| {
            self.hub
                .last_lines(&self.domain, generation, stream, DIAGNOSED_LINES)
        };
        let (stderr, stdout) = (last(Stream::Stderr), last(Stream::Stdout));
        let plain = |lines: &[LogLine]| -> Vec<String> { lines.iter().map(plain_text).collect() };
        let (stderr_texts, stdout_texts) = (plain(&stderr), plain(&stdout));
        let logged_error =
            logged::last_error([(&stderr[..], &stderr_texts[..]), (&stdout, &stdout_texts)]);
        let mut diagnosis = diagnose(&ExitContext {
            stderr: &stderr_texts,
            stdout: &stdout_texts,
            logged_error: logged_error.as_deref(),
            kind: self.kind,
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
        let kept = stderr_texts.len().saturating_sub(KEPT_LINES);
        let stderr = stderr_texts[kept..].to_vec();
        let record = ExitRecord {
            generation,
            code: report.code,
            signal: report.signal,
            kind: self.kind,
            stderr,
            diagnosis,
            oom_kill: oom.map(|kill| OomKill {
                count: kill.count,
                counter: kill.counter,
            }),
        };
        if let Some(state) = self.states.get(&self.domain) {
            state.last_exit.send_replace(Some(Arc::new(record)));
        }
    }
}

fn kind_of(program: &Program) -> ProgramKind {
    match program {
        Program::Node { .. } => ProgramKind::Node,
        Program::Command(words) => words
            .first()
            .map_or(ProgramKind::Other, |word| ProgramKind::of_command(word)),
        Program::NoProcess => ProgramKind::Other,
    }
}
