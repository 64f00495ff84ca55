//! Where Fulcrum keeps things on this machine.

use std::path::{Path, PathBuf};

use fulcrum_rpc::RuntimeDir;

use crate::exit::CliError;

/// The folder of an app's instance: its lock and its socket.
///
/// # Errors
/// It can't be made, or belongs to somebody else.
pub(crate) fn runtime_dir(app: &Path) -> Result<RuntimeDir, CliError> {
    let xdg = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let uid = rustix::process::getuid().as_raw();
    RuntimeDir::for_app(app, xdg.as_deref(), &std::env::temp_dir(), uid)
        .map_err(|error| CliError::failed(format!("the instance's folder can't be used: {error}")))
}

/// What can be made again at any time: `$XDG_CACHE_HOME/fulcrum`, else `~/.cache/fulcrum`, else a
/// folder in the temporary one.
pub(crate) fn cache_dir() -> PathBuf {
    let set = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    set("XDG_CACHE_HOME")
        .or_else(|| set("HOME").map(|home| home.join(".cache")))
        .map(|base| base.join("fulcrum"))
        .unwrap_or_else(|| {
            let uid = rustix::process::getuid().as_raw();
            std::env::temp_dir().join(format!("fulcrum-cache-{uid}"))
        })
}
