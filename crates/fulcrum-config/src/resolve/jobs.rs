//! `process.schedule` and `process.hooks` as typed settings.

use std::time::Duration;

use super::reader::{SET, SettingsReader};
use crate::process::HookSettings;
use crate::schedule::{CronExpression, MissedRuns, Overlap, Schedule};

/// The schedule, if there is an expression.
pub(super) fn schedule(settings: &SettingsReader<'_>) -> Option<Schedule> {
    // Checked when it was read.
    let cron = CronExpression::parse(settings.string("schedule.cron")?).ok()?;
    Some(Schedule {
        cron,
        time_zone: settings.string("schedule.timezone").map(str::to_owned),
        overlap: match settings.string("schedule.overlap") {
            Some("queue") => Overlap::Queue,
            Some("kill") => Overlap::Kill,
            _ => Overlap::Skip,
        },
        jitter: settings
            .duration("schedule.jitter")
            .unwrap_or(Duration::ZERO),
        missed: match settings.string("schedule.missed") {
            Some("run") => MissedRuns::Run,
            _ => MissedRuns::Skip,
        },
    })
}

pub(super) fn hooks(settings: &SettingsReader<'_>) -> HookSettings {
    HookSettings {
        before_start: settings.string_list("hooks.before_start"),
        after_ready: settings.string_list("hooks.after_ready"),
        on_failure: settings.string_list("hooks.on_failure"),
        after_exit: settings.string_list("hooks.after_exit"),
        timeout: settings.duration("hooks.timeout").expect(SET),
    }
}
