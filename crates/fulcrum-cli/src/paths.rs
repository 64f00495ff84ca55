//! The directories that Fulcrum uses on this machine.

use std::path::{Path, PathBuf};

use fulcrum_rpc::RuntimeDir;
use fulcrum_spawn::prepare::CacheDir;

use crate::error_code::ErrorCode;
use crate::exit::CliError;

/// Where an app's instance has its lock and its socket.
///
/// # Errors
/// The app does not exist.
pub(crate) fn runtime_dir(app: &Path) -> Result<RuntimeDir, CliError> {
    let xdg = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let uid = rustix::process::getuid().as_raw();
    RuntimeDir::for_app(app, xdg.as_deref(), &std::env::temp_dir(), uid).map_err(|error| {
        CliError::new(
            ErrorCode::RuntimeDirectory,
            format!("cannot look for the instance: {error}"),
        )
    })
}

/// The cache directory: `$XDG_CACHE_HOME/fulcrum`, else `~/.cache/fulcrum`. Where that cannot be
/// written, or is not set, a directory in the temporary one, else in memory. Its contents can be
/// deleted at any time.
pub(crate) fn cache_dir() -> CacheDir {
    let set = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let base = set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")));
    let name = format!("fulcrum-cache-{}", rustix::process::getuid().as_raw());
    let fallbacks = [std::env::temp_dir(), PathBuf::from(IN_MEMORY)];
    CacheDir::choose(
        base.map(|base| base.join("fulcrum")),
        fallbacks.map(|dir| dir.join(&name)),
    )
}

/// A file system in memory, which containers have where everything else is read-only.
const IN_MEMORY: &str = "/dev/shm";
