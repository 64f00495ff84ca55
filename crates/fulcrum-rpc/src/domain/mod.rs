//! The domain protocol: registration, requests in both directions, events.

mod authorization;
mod authorizer;
mod backpressure;
mod capabilities;
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
    RegistrationAuthorizer, RegistrationError, RegistrationGrant, RegistrationRequest, StopNotice,
};
pub use authorizer::{Authorizer, DomainProcess, IdentitySource, PeerIdentity, TokenPolicy};
pub use capabilities::{CAPABILITY_ASSETS, CAPABILITY_DRAIN, CAPABILITY_HEARTBEAT, TOKEN_METADATA};
pub use connection_activity::ConnectionActivity;
pub use event::{DomainEvent, HeartbeatPayload, StreamEnd};
pub use handler::{DomainRequest, RuntimeHandler, UnimplementedHandler};
pub use listeners::{BindError, BindErrorKind, Listeners};
pub use message_response::MessageResponse;
pub use registry::{Registry, ServerConfig};
pub use serve::{ServeError, serve_domains};
