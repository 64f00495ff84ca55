//! Opens the port that domains register at.

use std::net::{SocketAddr, ToSocketAddrs};

use fulcrum_config::{App, Mode};
use fulcrum_rpc::{BindErrorKind, Listeners};
use fulcrum_spawn::process::{SocketOwner, find_listener};

use crate::exit::CliError;

/// The open port, and what people should know about it.
pub(crate) struct BoundPort {
    pub(crate) listeners: Listeners,
    /// Why it isn't the default one, and who has that.
    pub(crate) fallback_reason: Option<String>,
}

/// Listens where the configuration says. In `dev` a default port that is taken is no reason to
/// fail: a free one is used instead.
///
/// # Errors
/// The address can't be used; the text says by whom it is taken.
pub(crate) fn listen(app: &App, mode: Mode) -> Result<BoundPort, CliError> {
    let wanted = &app.runtime.grpc.listen;
    let address = wanted.to_string();
    let may_move = mode == Mode::Dev && !wanted.explicit;
    let listeners = Listeners::bind(&address, may_move).map_err(|error| {
        let taken = matches!(error.kind, BindErrorKind::InUse);
        let holder = taken.then(|| find_owner(&address)).flatten();
        CliError::failed(match holder {
            Some(holder) => format!(
                "{address}, where domains register, is taken by {}: stop it, or set \
                 runtime.grpc.listen to another address",
                describe_owner(&holder)
            ),
            None => format!(
                "fulcrum can't listen on {address}, where domains register: {error} \
                 (runtime.grpc.listen sets the address)"
            ),
        })
    })?;
    let moved = listeners.fallback_from().map(|(taken, _)| {
        let by =
            find_owner(taken).map_or_else(|| "another process".to_owned(), |h| describe_owner(&h));
        format!(
            "port {taken} is taken by {by}; domains register at {}",
            listeners.address()
        )
    });
    Ok(BoundPort {
        listeners,
        fallback_reason: moved,
    })
}

fn describe_owner(holder: &SocketOwner) -> String {
    format!("process {} ({})", holder.pid, holder.command)
}

fn find_owner(address: &str) -> Option<SocketOwner> {
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
