//! The domain protocol: registration, requests in both directions, events.

mod authorization;
mod authorizer;
mod call_failure;
mod call_observer;
mod call_stream;
#[cfg(test)]
mod call_stream_tests;
mod caller_deadline;
mod calls;
mod capabilities;
mod connection_activity;
mod event;
mod handler;
mod health;
mod inbound;
mod listeners;
mod lock;
#[cfg(test)]
mod malformed_input_tests;
mod message;
mod message_response;
mod outlook;
mod peer_process;
mod pending_calls;
mod registered_stream;
mod registration;
mod registration_flow;
mod registration_table;
mod registry;
mod request_ids;
#[cfg(test)]
mod restart_tests;
mod routing;
mod serve;
mod service;
mod stall;
mod stream;
#[cfg(test)]
mod tests;
mod token_binding;
mod topic_table;
mod topics;
mod web;
mod web_origins;

pub use authorization::{
    RegistrationAuthorizer, RegistrationError, RegistrationGrant, RegistrationRequest, StopNotice,
};
pub use authorizer::{Authorizer, IdentitySource, PeerIdentity, TokenPolicy};
pub use call_observer::{
    CallObserver, CallOutcome, CallTrace, FinishedCall, SharedObserver, TraceHeaders,
};
pub use call_stream::CallStream;
pub use calls::CallOptions;
pub use capabilities::{
    CAPABILITY_ASSETS, CAPABILITY_CANCEL, CAPABILITY_DEADLINE, CAPABILITY_DRAIN,
    CAPABILITY_HEARTBEAT, CAPABILITY_LARGE_MESSAGES, CAPABILITY_SPAN_TABLES, CAPABILITY_STREAM,
    CAPABILITY_TRACE, TOKEN_METADATA, WAIT_METADATA,
};
pub use connection_activity::ConnectionActivity;
pub use event::{DomainEvent, HeartbeatPayload, StreamEnd};
pub use handler::{DomainRequest, RuntimeHandler, UnimplementedHandler};
pub use listeners::{BindError, BindErrorKind, Listeners};
pub use message_response::{FailureCode, MessageResponse};
pub use outlook::Outlook;
pub use peer_process::{DomainProcess, PeerProcess};
pub use registry::{Registry, ServerConfig};
pub use routing::PendingCalls;
pub use serve::{ServeError, serve_domains};
pub use web_origins::WebOrigins;
