//! What is known of an end, gathered at the moment it is noticed: a moment later the port may be
//! free and the counter may have moved on.

use std::path::Path;
use std::sync::Arc;

use fulcrum_config::Domain;
use fulcrum_health::{DIAGNOSED_LINES, ExitContext, ExitRecord, OomKill, diagnose};
use fulcrum_logs::{Hub, Stream};
use fulcrum_spawn::lifecycle::ExitReport;
use fulcrum_spawn::process::OomMonitor;

use crate::exit::port_conflict;
use crate::state::domain::SharedDomainStates;

/// How many of them are kept to be shown.
const KEPT_LINES: usize = 20;

/// Finds out about the ends of one domain's lives.
#[derive(Debug, Clone)]
pub(crate) struct ExitDiagnoser {
    domain: String,
    folder: String,
    app: String,
    hub: Hub,
    desks: SharedDomainStates,
    oom: OomMonitor,
}

impl ExitDiagnoser {
    pub(crate) fn new(
        domain: &Domain,
        app: &Path,
        hub: &Hub,
        desks: &SharedDomainStates,
        oom: &OomMonitor,
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
    pub(crate) fn track(&self, pid: u32) {
        self.oom.track(pid);
    }

    /// A life has ended, and its leader isn't reaped yet: puts what can be known on the domain's
    /// desk, where it is read once the end is told.
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
            domain_dir: &self.folder,
            app: &self.app,
        });
        if let Some(found) = &mut diagnosis
            && let Some(address) = found.address_in_use.clone()
        {
            let (desks, domain) = (Arc::clone(&self.desks), self.domain.clone());
            // It reads /proc, which may block: not on a thread that others wait for.
            let looked = tokio::task::spawn_blocking(move || {
                port_conflict::diagnose(&address, &desks, &domain)
            });
            if let Ok(Some((cause, cure))) = looked.await {
                (found.cause, found.hint) = (cause, cure);
            }
        }
        let stderr = lines[lines.len().saturating_sub(KEPT_LINES)..].to_vec();
        let obituary = ExitRecord {
            generation,
            code: report.code,
            signal: report.signal,
            stderr,
            diagnosis,
            oom_kill: oom.map(|kill| OomKill {
                count: kill.count,
                counter: kill.counter,
            }),
        };
        if let Some(desk) = self.desks.get(&self.domain) {
            desk.last_exit.send_replace(Some(Arc::new(obituary)));
        }
    }
}
