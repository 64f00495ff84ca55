//! What is passed on to a collector.

mod client;
mod config;
mod connect;
mod forwarder;
mod grpc;
mod http;
mod outage;
mod request;
mod sender;

pub use client::{OtlpClient, SendError};
pub use config::{ExportConfig, ExportProtocol};
pub use forwarder::Forwarder;
pub(crate) use forwarder::Signal;
