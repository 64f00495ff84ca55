//! Exports log lines to a receiver of OpenTelemetry logs (OTLP over gRPC).

mod batch;
mod config;
mod export;
mod outage;
mod record;
mod sender;
mod status;

pub use config::OtlpConfig;
pub use export::OtlpExport;
