//! The arguments of `dev` that the background instance has too, and `serve` has not.

use super::inspect::InspectArgs;
use super::watch::WatchArgs;

/// How files are watched, and which domains are debugged.
#[derive(Debug, Clone, Default, PartialEq, Eq, clap::Args)]
pub(crate) struct DevelopmentArgs {
    #[command(flatten)]
    pub(crate) watch: WatchArgs,
    #[command(flatten)]
    pub(crate) inspect: InspectArgs,
}
