//! Binds the address where domains register.

use std::net::{SocketAddr, ToSocketAddrs};

use fulcrum_config::{App, Mode};
use fulcrum_rpc::{BindErrorKind, Listeners};
use fulcrum_spawn::process::{SocketOwner, find_listener};

use crate::error_code::ErrorCode;
use crate::exit::CliError;

/// The bound address, and what users should know about it.
pub(crate) struct BoundPort {
    pub(crate) listeners: Listeners,
    /// Why it is not the default one, and which process holds that.
    pub(crate) fallback_reason: Option<String>,
}

/// Listens on the configured address. In `dev`, a free port replaces a default port in use.
///
/// # Errors
/// The address is not available; the message names the process that holds it.
pub(crate) fn listen(app: &App, mode: Mode) -> Result<BoundPort, CliError> {
    let wanted = &app.runtime.grpc.listen;
    let address = wanted.to_string();
    let may_move = mode == Mode::Dev && !wanted.explicit;
    let listeners = Listeners::bind(&address, may_move).map_err(|error| {
        let in_use = matches!(error.kind, BindErrorKind::InUse);
        let owner = in_use.then(|| find_owner(&address)).flatten();
        CliError::new(
            ErrorCode::PortUnavailable,
            match owner {
                Some(owner) => format!(
                    "cannot listen on {address}: address in use by {}\n  \
                 hint: stop it or change runtime.grpc.listen",
                    describe_owner(&owner)
                ),
                None => format!(
                    "cannot listen on {address}: {error}\n  \
                 hint: runtime.grpc.listen sets the address where domains register"
                ),
            },
        )
    })?;
    let fallback_reason = listeners.fallback_from().map(|(default, _)| {
        let owner = find_owner(default);
        let owner = owner.map_or_else(|| "another process".to_owned(), |o| describe_owner(&o));
        format!(
            "port {default} is in use by {owner}; domains register at {}",
            listeners.address()
        )
    });
    Ok(BoundPort {
        listeners,
        fallback_reason,
    })
}

pub(super) fn describe_owner(owner: &SocketOwner) -> String {
    format!("pid {} ({})", owner.pid, owner.command)
}

/// The process that listens on an address.
pub(super) fn find_owner(address: &str) -> Option<SocketOwner> {
    let addresses: Vec<SocketAddr> = address.to_socket_addrs().ok()?.collect();
    let loopback = |port| {
        [
            SocketAddr::from(([127, 0, 0, 1], port)),
            SocketAddr::from((std::net::Ipv6Addr::LOCALHOST, port)),
        ]
    };
    let port = addresses.first()?.port();
    addresses
        .into_iter()
        .chain(loopback(port))
        .find_map(find_listener)
}
