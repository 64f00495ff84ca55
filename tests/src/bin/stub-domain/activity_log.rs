//! The activity log, in the format of the Node fixtures (`tests/fixtures/activity-log.cjs`).

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::PathBuf;

use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};

use crate::flags::Flags;

/// The file in which a process records its events.
#[derive(Clone)]
pub(crate) struct ActivityLog {
    file: Option<PathBuf>,
    domain: String,
}

impl ActivityLog {
    /// The file and the domain's name from the environment. Flags set both where the environment was
    /// cleared.
    pub(crate) fn from_environment(flags: &Flags) -> Self {
        let variable = |name| std::env::var(name).ok();
        let file = flags
            .activity_log
            .clone()
            .or_else(|| variable("TEST_ACTIVITY_LOG"));
        let name = flags
            .name
            .clone()
            .filter(|_| flags.activity_log.is_some())
            .or_else(|| variable("FULCRUM_DOMAIN_NAME"));
        Self {
            file: file.map(PathBuf::from),
            domain: name.unwrap_or_default(),
        }
    }

    pub(crate) fn file(&self) -> Option<&PathBuf> {
        self.file.as_ref()
    }

    pub(crate) fn domain(&self) -> &str {
        &self.domain
    }

    /// Records an event with one write, because many processes share the file.
    pub(crate) fn record(&self, event: &str) {
        let Some(file) = &self.file else { return };
        let pid = std::process::id();
        let line = json!({
            "pid": pid,
            "domain": self.domain,
            "event": event,
            "ts": now(),
            "start": started(u64::from(pid)),
        });
        let line = format!("{line}\n");
        if let Ok(mut file) = OpenOptions::new().append(true).create(true).open(file) {
            // The file is gone once the test has finished.
            let _ = file.write_all(line.as_bytes());
        }
    }

    /// To be called first. Records an overlap for every earlier process of this domain that still
    /// runs. Pids are reused, so a process is identified by its start time too.
    pub(crate) fn record_spawn(&self) {
        self.record("spawned");
        let text = self.file.as_ref().and_then(|file| fs::read(file).ok());
        let text = String::from_utf8(text.unwrap_or_default()).unwrap_or_default();
        for line in text.lines().filter(|line| line.contains("\"spawned\"")) {
            let Ok(entry) = serde_json::from_str::<Value>(line) else {
                continue;
            };
            let pid = entry["pid"].as_u64().unwrap_or_default();
            let other =
                entry["domain"] == self.domain.as_str() && pid != u64::from(std::process::id());
            let Some(start) = started(pid).filter(|_| other) else {
                continue;
            };
            if entry["start"] == start {
                self.record("overlap");
            }
        }
    }
}

/// Microseconds of the machine's monotonic clock.
fn now() -> i64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec * 1_000_000 + now.tv_nsec / 1000
}

/// The start time of the process with this pid, in ticks since boot; none if it does not run. A
/// zombie does not.
fn started(pid: u64) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat[stat.rfind(')')? + 1..].split_ascii_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X") {
        return None;
    }
    // The state is field 3, the start time field 22.
    fields.nth(18)?.parse().ok()
}
