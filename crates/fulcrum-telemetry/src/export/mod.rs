//! What is passed on to a collector.

mod config;
mod connect;
mod forwarder;
mod grpc;
mod http;
mod outage;
mod sender;

pub use config::{ExportConfig, ExportProtocol};
pub use forwarder::{Forwarder, Signal};
