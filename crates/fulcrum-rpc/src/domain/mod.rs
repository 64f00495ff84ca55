//! The domain side: who may register, what domains and callers say to each other.

mod activity;
mod admission;
mod answer;
mod congestion;
mod connection;
mod event;
mod handler;
mod health;
#[cfg(test)]
mod hostile;
mod listeners;
mod message;
mod pending;
mod registration;
mod registry;
mod roster;
mod seating;
mod serve;
mod service;
mod stream;
#[cfg(test)]
mod tests;

pub use activity::Activity;
pub use admission::{Admission, Claim, Gatekeeper, Refusal};
pub use answer::Answer;
pub use event::{Beat, DomainEvent, StreamEnd};
pub use handler::{DomainRequest, RuntimeHandler, Unserved};
pub use listeners::{BindError, BindErrorKind, Listeners};
pub use registry::{Registry, Settings};
pub use serve::{ServeError, serve_domains};

/// The metadata key in which a domain presents its token.
pub const TOKEN_METADATA: &str = "x-fulcrum-token";

/// The capability of domains that send heartbeats.
pub const CAPABILITY_HEARTBEAT: &str = "heartbeat";

/// The capability of domains that want to be told before they are stopped.
pub const CAPABILITY_DRAIN: &str = "drain";

/// The capability of domains that want to know which of their files that aren't code change.
pub const CAPABILITY_ASSETS: &str = "assets";
