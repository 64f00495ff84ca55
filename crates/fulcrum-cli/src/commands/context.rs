//! The context of a command: the app and the output.

use std::path::{Path, PathBuf};

use fulcrum_rpc::ControlClient;

use crate::client;
use crate::exit::CliError;
use crate::output::Output;

/// The app of a command, and its output.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    /// The value of `--app`.
    pub(crate) app: Option<PathBuf>,
    /// Where the command prints.
    pub(crate) output: Output,
}

impl Context {
    /// The value of `--app`.
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
