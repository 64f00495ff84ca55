//! What the preparation of commands needs from this program.

use std::path::PathBuf;

use fulcrum_spawn::prepare::PrepareContext;

use crate::error_code::ErrorCode;
use crate::exit::CliError;
use crate::paths;

/// What commands are prepared with, and a warning about the cache directory.
pub(crate) fn context() -> Result<(PrepareContext, Option<String>), CliError> {
    let program = std::env::current_exe().map_err(|error| {
        CliError::new(
            ErrorCode::CannotStart,
            format!("cannot find the fulcrum program: {error}"),
        )
    })?;
    let helper = vec![program.into_os_string(), "__typescript".into()];
    let cache = paths::cache_dir();
    let mut context = PrepareContext::new(cache.path, helper);
    context.nvm_dir = std::env::var_os("NVM_DIR").map(PathBuf::from);
    Ok((context, cache.warning))
}
