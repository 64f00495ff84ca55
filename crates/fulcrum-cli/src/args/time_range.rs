//! The arguments that select a range of time.

use std::time::SystemTime;

use fulcrum_logs::{TimePoint, TimeRange};

use crate::error_code::ErrorCode;
use crate::exit::CliError;

/// `--since` and `--until`.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub(crate) struct TimeRangeArgs {
    /// Print only what is since this time: 5m, 15:00, yesterday, "2026-11-28 15:00" (local time),
    /// or 2026-11-28T15:00:00Z
    #[arg(long, value_name = "TIME|DURATION")]
    since: Option<TimePoint>,
    /// Print only what is before this time
    #[arg(long, value_name = "TIME|DURATION")]
    until: Option<TimePoint>,
}

impl TimeRangeArgs {
    /// The range, by the present time.
    ///
    /// # Errors
    /// It can contain nothing.
    #[expect(
        clippy::disallowed_methods,
        reason = "`--since 5m` is relative to the current time"
    )]
    pub(crate) fn resolve(self) -> Result<TimeRange, CliError> {
        TimeRange::resolve(self.since, self.until, SystemTime::now())
            .map_err(|error| CliError::new(ErrorCode::EmptyTimeRange, error.to_string()))
    }
}
