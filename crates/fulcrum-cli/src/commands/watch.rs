//! The arguments for file watching and type checks.

use std::time::Duration;

use crate::args::duration;

/// The polling interval of a bare `--poll`, in milliseconds.
const DEFAULT_POLL_INTERVAL: &str = "500";

/// The shortest polling interval. A scan of many files takes about as long.
const MIN_POLL_INTERVAL: Duration = Duration::from_millis(10);

/// Whether and how files are watched, and whether their types are checked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::Args)]
pub(crate) struct WatchArgs {
    /// Reload domains when their files change [default: true]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(crate) watch: Option<bool>,
    /// Poll for file changes where notifications are unavailable (NFS, WSL, containers)
    #[arg(long, value_name = "MS", num_args = 0..=1, require_equals = true, default_missing_value = DEFAULT_POLL_INTERVAL, value_parser = interval)]
    pub(crate) poll: Option<Duration>,
    /// Check types in the background with the app's own tsc
    #[arg(long)]
    pub(crate) typecheck: bool,
}

/// Parses `300`, in milliseconds, or a duration with a unit.
fn interval(text: &str) -> Result<Duration, String> {
    let interval = match text.parse() {
        Ok(milliseconds) => Duration::from_millis(milliseconds),
        Err(_) => duration::parse(text)?,
    };
    if interval < MIN_POLL_INTERVAL {
        return Err("shorter than 10ms".to_owned());
    }
    Ok(interval)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_in_milliseconds() {
        assert_eq!(
            interval(DEFAULT_POLL_INTERVAL),
            Ok(Duration::from_millis(500))
        );
        assert_eq!(interval("300"), Ok(Duration::from_millis(300)));
        assert_eq!(interval("2s"), Ok(Duration::from_secs(2)));
        for text in ["0", "9", "fast", "-1"] {
            interval(text).expect_err(text);
        }
    }
}
