//! The arguments that `dev`, `serve` and the background instance share.

use std::time::Duration;

use clap::ValueEnum;

use crate::args::duration;

/// How long `--wait` waits by default.
const DEFAULT_WAIT: Duration = Duration::from_secs(60);

/// Which domains an instance starts, and whether packages may be installed.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct SelectionArgs {
    /// Start only these domains and their dependencies
    #[arg(long, value_name = "NAME,…", value_delimiter = ',', group = "selected")]
    pub(crate) only: Vec<String>,
    /// Do not start the dependencies of --only
    #[arg(long, requires = "selected")]
    pub(crate) no_deps: bool,
    /// Do not install missing packages
    #[arg(long)]
    pub(crate) no_install: bool,
}

/// How an instance in the foreground prints its log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LineFormat {
    /// For people
    Text,
    /// A JSON object a line
    Json,
}

/// How an instance is started.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct StartArgs {
    #[command(flatten)]
    pub(crate) selection: SelectionArgs,
    /// Run the instance in the background
    #[arg(short = 'D', long)]
    pub(crate) detach: bool,
    /// Wait until all domains are ready, up to --timeout
    #[arg(long)]
    pub(crate) wait: bool,
    /// Set the maximum wait (0 = no limit) [default: 60s]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, requires = "wait")]
    pub(crate) timeout: Option<Duration>,
    /// Choose the format of log lines [default: that of runtime.logs.format]
    #[arg(short, long, value_enum, conflicts_with = "detach")]
    pub(crate) output: Option<LineFormat>,
}

impl StartArgs {
    /// How long the domains may take to become ready; none if there is no limit.
    pub(crate) fn wait_timeout(&self) -> Option<Duration> {
        self.wait
            .then(|| self.timeout.unwrap_or(DEFAULT_WAIT))
            .filter(|limit| !limit.is_zero())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_has_a_limit_unless_it_is_zero() {
        let start = |wait, timeout| {
            let selection = SelectionArgs {
                only: vec![],
                no_deps: false,
                no_install: false,
            };
            StartArgs {
                selection,
                detach: false,
                wait,
                timeout,
                output: None,
            }
            .wait_timeout()
        };
        assert_eq!(start(false, None), None);
        assert_eq!(start(true, None), Some(DEFAULT_WAIT));
        assert_eq!(
            start(true, Some(Duration::from_secs(5))),
            Some(Duration::from_secs(5))
        );
        assert_eq!(start(true, Some(Duration::ZERO)), None);
    }
}
