//! Lines to a receiver: what goes into one request, and what its answer means.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use fulcrum_config::OtlpExportSettings;
use fulcrum_logs::LogLine;
use opentelemetry::logs::{Logger, LoggerProvider};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_otlp::tonic_types::metadata::MetadataMap;
use opentelemetry_otlp::{LogExporter, RetryPolicy, WithExportConfig, WithTonicConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkError;
use opentelemetry_sdk::logs::{
    LogBatch, LogExporter as _, SdkLogRecord, SdkLogger, SdkLoggerProvider,
};
use tokio::time::timeout;

use crate::otlp::record::to_log_record;

/// What one load holds at most: lines, and bytes of text. Receivers take requests up to 4 MiB
/// unless they are told otherwise.
const LOAD: (usize, usize) = (1024, 1024 * 1024);

/// How long a receiver may take for one request, connecting to it included.
const ANSWER: Duration = Duration::from_secs(10);

/// Lines on their way, each domain's together and in their order.
#[derive(Default)]
pub(crate) struct ExportBatch {
    groups: VecDeque<(Arc<str>, Vec<LogLine>)>,
    lines: usize,
    bytes: usize,
}

impl ExportBatch {
    pub(crate) fn add(&mut self, line: LogLine) {
        self.lines += 1;
        self.bytes += line.message.len();
        let domain = &line.source.domain;
        match self.groups.iter_mut().find(|(name, _)| name == domain) {
            Some((_, lines)) => lines.push(line),
            None => self.groups.push_back((Arc::clone(domain), vec![line])),
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.lines >= LOAD.0 || self.bytes >= LOAD.1
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// Drops the lines; gives how many there were.
    pub(crate) fn discard(&mut self) -> u64 {
        std::mem::take(self).lines as u64
    }

    /// Drops the first domain's lines; gives how many there were.
    fn drop_first(&mut self) -> u64 {
        let Some((_, lines)) = self.groups.pop_front() else {
            return 0;
        };
        self.lines -= lines.len();
        self.bytes -= lines.iter().map(|line| line.message.len()).sum::<usize>();
        lines.len() as u64
    }
}

/// Why lines didn't arrive.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ExportError {
    /// The receiver doesn't want them, and wouldn't the next time: they are dropped.
    Rejected { lines: u64, why: String },
    /// It couldn't be asked, or can't answer now: they are still in the load.
    Unreachable { why: String },
}

/// The connection to a receiver.
pub(crate) struct Sender {
    exporter: LogExporter,
    /// Makes records, which nothing else can; none is ever emitted through it.
    record_factory: SdkLogger,
    scope: InstrumentationScope,
}

impl Sender {
    /// Connects when the first lines are sent, and again whenever that is needed. Headers of
    /// `OTEL_EXPORTER_OTLP_HEADERS` are sent besides, where that is set.
    ///
    /// # Errors
    /// In words: what the exporter can't be made with.
    pub(crate) fn new(settings: &OtlpExportSettings) -> Result<Self, String> {
        let mut metadata = MetadataMap::new();
        for (name, value) in &settings.headers {
            let entry = metadata.entry(name.as_str());
            let (Ok(entry), Ok(value)) = (entry, value.parse()) else {
                return Err(format!("the header `{name}` can't be sent"));
            };
            entry.or_insert(value);
        }
        let exporter = LogExporter::builder()
            .with_tonic()
            .with_endpoint(&settings.otlp)
            .with_metadata(metadata)
            .with_timeout(ANSWER)
            // Attempts are ours: theirs don't know of the end of the instance.
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

    /// Sends a load, a request for each domain. What arrived is taken out of it.
    ///
    /// # Errors
    /// See [`Failure`]. What comes after the failed request is still in the load.
    pub(crate) async fn send(&mut self, load: &mut ExportBatch) -> Result<(), ExportError> {
        while let Some((domain, lines)) = load.groups.front() {
            let records: Vec<SdkLogRecord> = lines
                .iter()
                .map(|line| {
                    let mut record = self.record_factory.create_log_record();
                    to_log_record(&mut record, line);
                    record
                })
                .collect();
            let batch: Vec<_> = records.iter().map(|record| (record, &self.scope)).collect();
            let name = KeyValue::new("service.name", domain.to_string());
            let resource = Resource::builder_empty().with_attribute(name).build();
            self.exporter.set_resource(&resource);
            match timeout(ANSWER, self.exporter.export(LogBatch::new(&batch))).await {
                Ok(Ok(())) => {
                    load.drop_first();
                }
                Ok(Err(error)) => {
                    let answer = ExportStatus::of(&error);
                    let why = answer.describe();
                    return Err(if answer.is_final() {
                        let lines = load.drop_first();
                        ExportError::Rejected { lines, why }
                    } else {
                        ExportError::Unreachable { why }
                    });
                }
                Err(_) => {
                    let why = format!("no answer within {} s", ANSWER.as_secs());
                    return Err(ExportError::Unreachable { why });
                }
            }
        }
        Ok(())
    }
}

/// What the exporter's error says: gRPC's code, and the cause if it arose on this side.
struct ExportStatus {
    code: String,
    cause: Option<String>,
}

impl ExportStatus {
    /// The exporter hands on texts only: `… failed with gRPC code: Unavailable: tcp connect error`.
    fn of(error: &OTelSdkError) -> Self {
        let text = match error {
            OTelSdkError::InternalFailure(text) => text.clone(),
            other => other.to_string(),
        };
        let told = text.split_once("gRPC code: ").map(|(_, told)| told);
        match told.map(|told| told.split_once(": ").unwrap_or((told, ""))) {
            Some((code, "")) => Self {
                code: code.to_owned(),
                cause: None,
            },
            Some((code, cause)) => Self {
                code: code.to_owned(),
                cause: Some(cause.to_owned()),
            },
            None => Self {
                code: String::new(),
                cause: Some(text),
            },
        }
    }

    /// Whether the same lines would be refused again, by OTLP's table of codes. What arose on this
    /// side is about the connection and not about the lines, whatever its code.
    fn is_final(&self) -> bool {
        let may_pass = [
            "Cancelled",
            "DeadlineExceeded",
            "Aborted",
            "OutOfRange",
            "Unavailable",
            "DataLoss",
        ];
        self.cause.is_none() && !may_pass.contains(&self.code.as_str())
    }

    fn describe(&self) -> String {
        let Some(cause) = &self.cause else {
            return format!("it answers {}", self.code);
        };
        // Each layer between us and the socket repeats what the one below it says.
        let mut parts: Vec<&str> = cause.split(": ").collect();
        parts.dedup();
        parts.join(": ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(text: &str) -> ExportStatus {
        ExportStatus::of(&OTelSdkError::InternalFailure(text.to_owned()))
    }

    #[test]
    fn a_refusal_is_told_from_a_receiver_that_is_away() {
        let refused = answer("TonicLogsClient export failed with gRPC code: Unauthenticated");
        assert!(refused.is_final());
        assert_eq!(refused.describe(), "it answers Unauthenticated");
        let busy = answer("TonicLogsClient export failed with gRPC code: Unavailable");
        assert!(!busy.is_final());
        let away = answer(
            "TonicLogsClient export failed with gRPC code: Unknown: tcp error: tcp error: refused",
        );
        assert!(!away.is_final());
        assert_eq!(away.describe(), "tcp error: refused");
        let strange = answer("something new");
        assert!(!strange.is_final());
        assert_eq!(strange.describe(), "something new");
    }
}
