//! What preparation needs besides the domain itself.

use std::ffi::OsString;
use std::path::PathBuf;

use super::sdk::Sdk;

/// The cache and the files that preparation uses, the same for all domains.
#[derive(Debug, Clone)]
pub struct PrepareContext {
    /// Fulcrum's cache directory, such as `$XDG_CACHE_HOME/fulcrum`; created with mode 0700. All of
    /// its contents may be deleted at any time.
    pub cache: PathBuf,
    /// The package `@fulcrum/domain` that domains use.
    pub sdk: Sdk,
    /// The command that answers a request of a bootstrap, which is its last argument, as
    /// [`answer_typescript_request`](crate::prepare::answer_typescript_request) does, such as
    /// `[<fulcrum>, "__typescript"]`. The bootstrap runs it for files that the scan did not find.
    pub helper_command: Vec<OsString>,
    /// `$NVM_DIR`, if set: another directory of installed Node versions.
    pub nvm_dir: Option<PathBuf>,
}

impl PrepareContext {
    /// A context with the embedded SDK and without `$NVM_DIR`.
    #[must_use]
    pub fn new(cache: impl Into<PathBuf>, helper_command: Vec<OsString>) -> Self {
        Self {
            cache: cache.into(),
            sdk: Sdk::embedded(),
            helper_command,
            nvm_dir: None,
        }
    }
}
