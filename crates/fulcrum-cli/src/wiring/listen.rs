//! Opens the port that domains register at.

use std::net::{SocketAddr, ToSocketAddrs};

use fulcrum_config::{App, Mode};
use fulcrum_rpc::{BindErrorKind, Listeners};
use fulcrum_spawn::process::{Holder, listener_on};

use crate::exit::Stop;

/// The open port, and what people should know about it.
pub(crate) struct Port {
    pub(crate) listeners: Listeners,
    /// Why it isn't the default one, and who has that.
    pub(crate) moved: Option<String>,
}

/// Listens where the configuration says. In `dev` a default port that is taken is no reason to
/// fail: a free one is used instead.
///
/// # Errors
/// The address can't be used; the text says by whom it is taken.
pub(crate) fn listen(app: &App, mode: Mode) -> Result<Port, Stop> {
    let wanted = &app.runtime.grpc.listen;
    let address = wanted.to_string();
    let may_move = mode == Mode::Dev && !wanted.explicit;
    let listeners = Listeners::bind(&address, may_move).map_err(|error| {
        let taken = matches!(error.kind, BindErrorKind::InUse);
        let holder = taken.then(|| holder(&address)).flatten();
        Stop::failed(match holder {
            Some(holder) => format!(
                "{address}, where domains register, is taken by {}: stop it, or set \
                 runtime.grpc.listen to another address",
                named(&holder)
            ),
            None => format!(
                "fulcrum can't listen on {address}, where domains register: {error} \
                 (runtime.grpc.listen sets the address)"
            ),
        })
    })?;
    let moved = listeners.fell_back().map(|(taken, _)| {
        let by = holder(taken).map_or_else(|| "another process".to_owned(), |h| named(&h));
        format!(
            "port {taken} is taken by {by}; domains register at {}",
            listeners.address()
        )
    });
    Ok(Port { listeners, moved })
}

fn named(holder: &Holder) -> String {
    format!("process {} ({})", holder.pid, holder.command)
}

fn holder(address: &str) -> Option<Holder> {
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
        .find_map(listener_on)
}
