//! The arguments that `dev`, `serve` and the background instance share.

use std::time::Duration;

use crate::args::duration;

/// How long `--wait` waits unless it is told.
const DEFAULT_WAIT: Duration = Duration::from_secs(60);

/// Which domains an instance starts, and what may be done for that.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct SelectionArgs {
    /// Start these domains only, and what they depend on
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    pub(crate) only: Vec<String>,
    /// Start nothing that the domains of --only depend on
    #[arg(long, requires = "only")]
    pub(crate) no_deps: bool,
    /// Don't install missing packages
    #[arg(long)]
    pub(crate) no_install: bool,
}

/// How an instance is started.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct StartArgs {
    #[command(flatten)]
    pub(crate) what: SelectionArgs,
    /// Leave the instance running in the background
    #[arg(short = 'D', long)]
    pub(crate) detach: bool,
    /// Don't take longer than --timeout until all domains are ready; with --detach, wait for it
    #[arg(long)]
    pub(crate) wait: bool,
    /// How long --wait waits; 0 is for ever [default: 60s]
    #[arg(long, value_name = "TIME", value_parser = duration::parse, requires = "wait")]
    pub(crate) timeout: Option<Duration>,
}

impl StartArgs {
    /// How long the domains may take to be ready; none without a limit.
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
    fn waiting_has_a_limit_unless_it_is_zero() {
        let start = |wait, timeout| {
            let what = SelectionArgs {
                only: vec![],
                no_deps: false,
                no_install: false,
            };
            StartArgs {
                what,
                detach: false,
                wait,
                timeout,
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
