//! What every command has at hand.

use std::path::{Path, PathBuf};

use fulcrum_rpc::ControlClient;

use crate::client;
use crate::exit::CliError;
use crate::output::Output;

/// What every command knows.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    /// The app, as it was named on the command line.
    pub(crate) app: Option<PathBuf>,
    /// Where it writes.
    pub(crate) output: Output,
}

impl Context {
    /// The app, as it was named.
    pub(crate) fn app(&self) -> Option<&Path> {
        self.app.as_deref()
    }

    /// A connection to the app's instance.
    ///
    /// # Errors
    /// Those of [`client::connect`].
    pub(crate) async fn connect(&self) -> Result<ControlClient, CliError> {
        client::connect(self.app()).await
    }
}
