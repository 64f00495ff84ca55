//! The domain side: who may register, what domains and callers say to each other.

mod authorization;
mod backpressure;
mod connection_activity;
mod event;
mod handler;
mod health;
mod listeners;
#[cfg(test)]
mod malformed_input_tests;
mod message;
mod message_response;
mod pending;
mod registered_stream;
mod registration;
mod registration_flow;
mod registration_table;
mod registry;
mod serve;
mod service;
mod stream;
#[cfg(test)]
mod tests;

pub use authorization::{
    RegistrationAuthorizer, RegistrationError, RegistrationGrant, RegistrationRequest,
};
pub use connection_activity::ConnectionActivity;
pub use event::{DomainEvent, HeartbeatPayload, StreamEnd};
pub use handler::{DomainRequest, RuntimeHandler, UnimplementedHandler};
pub use listeners::{BindError, BindErrorKind, Listeners};
pub use message_response::MessageResponse;
pub use registry::{Registry, ServerConfig};
pub use serve::{ServeError, serve_domains};

/// The metadata key in which a domain presents its token.
pub const TOKEN_METADATA: &str = "x-fulcrum-token";

/// The capability of domains that send heartbeats.
pub const CAPABILITY_HEARTBEAT: &str = "heartbeat";

/// The capability of domains that want to be told before they are stopped.
pub const CAPABILITY_DRAIN: &str = "drain";

/// The capability of domains that want to know which of their files that aren't code change.
pub const CAPABILITY_ASSETS: &str = "assets";
