//! How others talk to Fulcrum: the domain stream, the control API, their transports.
//!
//! # Two services
//!
//! **Domains and their callers** come over TCP on the loopback ([`Listeners`],
//! [`serve_domains`]). Each domain process opens one stream and registers on it; a
//! [`Gatekeeper`] decides who may. [`Registry`] is the handle to what is registered: it
//! sends requests and pairs responses ([`Registry::call`]), announces a stop
//! ([`Registry::send_drain`]), and tells what happens ([`DomainEvent`]). Requests of domains
//! to the runtime go to a [`RuntimeHandler`]. `grpc.health.v1` and server reflection are on
//! the same port; nothing that controls Fulcrum is.
//!
//! **The fulcrum command** comes over a Unix-domain socket ([`serve_control`],
//! [`ControlClient`]); see [`control`] for how an instance is found and stays the only one.
//!
//! # How it works
//!
//! Each registered stream has one driver task. It turns all that can happen (a message, an
//! end, a request served) into one closed enum and handles it without waiting. What goes
//! *to* a domain doesn't pass through that task: a caller makes a place for the response in
//! the stream's table, puts the message into its bounded queue, and waits. Dropping the
//! call frees the place; the stream's end fails all that wait. A domain that reads nothing
//! fills its queue, which fails its callers at once and nobody else.
//!
//! Who holds a name ([`Admission::own`], generation) is decided by a pure function under a
//! short lock, and the events are emitted under it too, so that their order is the facts'
//! order.
//!
//! Connections are read up to the HTTP/2 preface before tonic sees them, and can be cut from
//! outside afterwards: strangers cost little, and shutting down ends in bounded time even
//! though domain streams are open for life.
//!
//! # What dropping does
//!
//! Dropping the future of [`serve_domains`] or [`serve_control`] closes the port or socket
//! and cuts its connections; dropping an [`InstanceLock`] lets another instance start;
//! dropping a [`ControlStream`] tells the instance that nobody listens. A [`Registry`] is a
//! handle: dropping one does nothing.
//!
//! # What it isn't for
//!
//! It doesn't know what a domain's life is, how processes start or end, what is configured,
//! or what terminals show. It interprets no payload but its own registrations, heartbeats,
//! and the `success` of responses.

mod domain;
mod generated;
mod transport;

pub mod control;
pub mod framework;

pub use control::{
    ConnectError, ControlClient, ControlError, ControlHandler, ControlListener, ControlServeError,
    ControlStream, InstanceLock, LockError, MessageStream, RuntimeDir, bind_control, serve_control,
};
pub use domain::*;
