//! Exports log lines to a receiver of OpenTelemetry logs (OTLP), by a transport of the caller.

mod batch;
mod config;
mod export;
mod outage;
mod record;
mod sender;
mod transport;

pub use config::OtlpConfig;
pub use export::OtlpExport;
pub use transport::{OtlpTransport, TransportError};
