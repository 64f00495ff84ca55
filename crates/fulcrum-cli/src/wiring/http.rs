//! Binds the address of metrics and health endpoints.

use std::io;

use fulcrum_config::{App, Mode};
use fulcrum_telemetry::http::HttpListener;

use super::listen::{describe_owner, find_owner};
use crate::error_code::ErrorCode;
use crate::exit::CliError;

/// Listens on the configured address, if there is one. In `dev`, a free port replaces the default port
/// if that is in use.
///
/// # Errors
/// The address is not available; the message names the process that holds it.
pub(super) fn listen(app: &App, mode: Mode) -> Result<Option<HttpListener>, CliError> {
    let Some(listen) = &app.runtime.http.listen else {
        return Ok(None);
    };
    let may_move = mode == Mode::Dev && !listen.explicit;
    let bound = HttpListener::bind(&listen.host, listen.port, may_move).map(Some);
    bound.map_err(|error| {
        let is_in_use = error.kind() == io::ErrorKind::AddrInUse;
        let owner = is_in_use.then(|| find_owner(&listen.to_string())).flatten();
        let owner = owner.map(|owner| format!("address in use by {}", describe_owner(&owner)));
        let reason = owner.unwrap_or_else(|| error.to_string());
        let text = format!(
            "cannot serve metrics and health at {listen}: {reason}\n  \
             hint: runtime.http.listen sets another address, or `off`"
        );
        CliError::new(ErrorCode::HttpPortUnavailable, text)
    })
}
