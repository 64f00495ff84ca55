//! What preparing needs besides the domain itself, and what it has to say.

use std::ffi::OsString;
use std::path::PathBuf;

use super::sdk::Sdk;

/// Where Fulcrum keeps what it can make again, and the means to make it.
#[derive(Debug, Clone)]
pub struct PrepareContext {
    /// Fulcrum's cache folder, such as `$XDG_CACHE_HOME/fulcrum`; created with mode 0700. Everything
    /// in it may be deleted at any time.
    pub cache: PathBuf,
    /// The files of `@fulcrum/domain` that domains are given.
    pub sdk: Sdk,
    /// The command that strips one file named after it and prints `{"code","format"}` as JSON, such
    /// as `[<fulcrum>, "__strip"]`. The bootstrap runs it for files that the scan couldn't foresee.
    pub strip_command: Vec<OsString>,
    /// `$NVM_DIR`, where set: another place where installed versions of Node are looked for.
    pub nvm_dir: Option<PathBuf>,
}

impl PrepareContext {
    /// A toolbox with the shipped SDK that keeps its things under `cache`.
    #[must_use]
    pub fn new(cache: impl Into<PathBuf>, strip_command: Vec<OsString>) -> Self {
        Self {
            cache: cache.into(),
            sdk: Sdk::embedded(),
            strip_command,
            nvm_dir: None,
        }
    }
}
