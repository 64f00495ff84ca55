//! Sends batches to a receiver.

use std::time::Duration;

use opentelemetry::logs::{Logger, LoggerProvider};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_otlp::tonic_types::metadata::MetadataMap;
use opentelemetry_otlp::{LogExporter, RetryPolicy, WithExportConfig, WithTonicConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::{
    LogBatch, LogExporter as _, SdkLogRecord, SdkLogger, SdkLoggerProvider,
};
use tokio::time::timeout;

use super::batch::ExportBatch;
use super::config::OtlpConfig;
use super::record::fill_record;
use super::status::ExportStatus;

/// How long one request may take, connecting included.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Why lines did not arrive.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ExportError {
    /// The receiver rejected the lines and would reject them again: they are dropped.
    Rejected { lines: u64, reason: String },
    /// The receiver cannot be reached or is not ready: the lines are still in the batch.
    Unreachable { reason: String },
}

/// The connection to a receiver.
pub(super) struct Sender {
    exporter: LogExporter,
    /// Only a logger can create records; none is emitted through it.
    record_factory: SdkLogger,
    scope: InstrumentationScope,
}

impl Sender {
    /// Connects when the first lines are sent, and again whenever needed. The exporter adds the
    /// headers of the environment variable `OTEL_EXPORTER_OTLP_HEADERS`.
    ///
    /// # Errors
    /// Why the exporter cannot be created, for people.
    pub(super) fn new(config: &OtlpConfig) -> Result<Self, String> {
        let mut metadata = MetadataMap::new();
        for (name, value) in &config.headers {
            let entry = metadata.entry(name.as_str());
            let (Ok(entry), Ok(value)) = (entry, value.parse()) else {
                return Err(format!("invalid header `{name}`"));
            };
            entry.or_insert(value);
        }
        let exporter = LogExporter::builder()
            .with_tonic()
            .with_endpoint(&config.endpoint)
            .with_metadata(metadata)
            .with_timeout(REQUEST_TIMEOUT)
            // This crate retries: the exporter's retries would not stop at a shutdown.
            .with_retry_policy(RetryPolicy::disabled())
            .build()
            .map_err(|error| error.to_string())?;
        let provider = SdkLoggerProvider::builder()
            .with_resource(Resource::builder_empty().build())
            .build();
        Ok(Self {
            exporter,
            record_factory: provider.logger("fulcrum"),
            scope: InstrumentationScope::builder("fulcrum")
                .with_version(env!("CARGO_PKG_VERSION"))
                .build(),
        })
    }

    /// Sends a batch, a request for each domain. Lines that arrived are removed from it.
    ///
    /// # Errors
    /// [`ExportError`]. Lines after the failed request are still in the batch.
    pub(super) async fn send(&mut self, batch: &mut ExportBatch) -> Result<(), ExportError> {
        while let Some((domain, messages)) = batch.first() {
            let records: Vec<SdkLogRecord> = messages
                .iter()
                .map(|message| {
                    let mut record = self.record_factory.create_log_record();
                    fill_record(&mut record, &message.line);
                    record
                })
                .collect();
            let records: Vec<_> = records.iter().map(|record| (record, &self.scope)).collect();
            let name = KeyValue::new("service.name", domain.to_string());
            let resource = Resource::builder_empty().with_attribute(name).build();
            self.exporter.set_resource(&resource);
            match timeout(
                REQUEST_TIMEOUT,
                self.exporter.export(LogBatch::new(&records)),
            )
            .await
            {
                Ok(Ok(())) => {
                    batch.discard_first();
                }
                Ok(Err(error)) => {
                    let status = ExportStatus::from_error(&error);
                    let reason = status.describe();
                    return Err(if status.is_final() {
                        let lines = batch.discard_first();
                        ExportError::Rejected { lines, reason }
                    } else {
                        ExportError::Unreachable { reason }
                    });
                }
                Err(_) => {
                    let reason = format!("no response within {} s", REQUEST_TIMEOUT.as_secs());
                    return Err(ExportError::Unreachable { reason });
                }
            }
        }
        Ok(())
    }
}
