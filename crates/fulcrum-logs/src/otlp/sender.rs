//! Sends batches to a receiver.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message as _;

use super::batch::ExportBatch;
use super::record::{attribute, record, text};
use super::transport::{DynTransport, OtlpTransport, TransportError};

/// Why lines did not arrive.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ExportError {
    /// The receiver rejected the lines and would reject them again: they are dropped.
    Rejected { lines: u64, reason: String },
    /// The receiver cannot be reached or is not ready: the lines are still in the batch.
    Unreachable { reason: String },
}

/// Makes requests of batches, and sends them.
pub(super) struct Sender {
    transport: Box<dyn DynTransport>,
    /// What each domain's resource has besides its name.
    resource: Vec<(String, String)>,
}

impl Sender {
    pub(super) fn new(transport: impl OtlpTransport, resource: Vec<(String, String)>) -> Self {
        Self {
            transport: Box::new(transport),
            resource,
        }
    }

    /// Sends a batch, a request for each domain. Lines that arrived are removed from it.
    ///
    /// # Errors
    /// [`ExportError`]. Lines after the failed request are still in the batch.
    pub(super) async fn send(&mut self, batch: &mut ExportBatch) -> Result<(), ExportError> {
        while let Some((domain, messages)) = batch.first() {
            let records = messages.iter().map(|message| record(&message.line));
            let request = self.request(domain, records.collect()).encode_to_vec();
            match self.transport.send_boxed(request).await {
                Ok(()) => {
                    batch.discard_first();
                }
                Err(TransportError::Rejected(reason)) => {
                    let lines = batch.discard_first();
                    return Err(ExportError::Rejected { lines, reason });
                }
                Err(TransportError::Unreachable(reason)) => {
                    return Err(ExportError::Unreachable { reason });
                }
            }
        }
        Ok(())
    }

    /// The request with the records of a domain, which is a service of its own.
    fn request(&self, domain: &str, log_records: Vec<LogRecord>) -> ExportLogsServiceRequest {
        let mut attributes = vec![attribute("service.name", text(domain))];
        let others = self.resource.iter();
        attributes.extend(others.map(|(name, value)| attribute(name, text(value))));
        ExportLogsServiceRequest {
            resource_logs: vec![ResourceLogs {
                resource: Some(Resource {
                    attributes,
                    ..Resource::default()
                }),
                scope_logs: vec![ScopeLogs {
                    scope: Some(InstrumentationScope {
                        name: "fulcrum".to_owned(),
                        version: env!("CARGO_PKG_VERSION").to_owned(),
                        ..InstrumentationScope::default()
                    }),
                    log_records,
                    ..ScopeLogs::default()
                }],
                ..ResourceLogs::default()
            }],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::line;

    /// A receiver that answers as it is told, and keeps what it accepts.
    struct Script {
        answers: Vec<Result<(), TransportError>>,
        accepted: std::sync::mpsc::Sender<ExportLogsServiceRequest>,
    }

    impl OtlpTransport for Script {
        async fn send(&mut self, request: Vec<u8>) -> Result<(), TransportError> {
            let answer = self.answers.pop().unwrap_or(Ok(()));
            if answer.is_ok() {
                let request = ExportLogsServiceRequest::decode(&request[..]);
                let _ = self.accepted.send(request.expect("a request"));
            }
            answer
        }
    }

    #[tokio::test]
    async fn each_domain_is_a_service_and_only_what_is_rejected_is_dropped() {
        let (accepted, requests) = std::sync::mpsc::channel();
        let rejected = TransportError::Rejected("no".into());
        let later = TransportError::Unreachable("later".into());
        let script = Script {
            answers: vec![Err(later), Err(rejected)],
            accepted,
        };
        let resource = vec![("deployment.environment.name".to_owned(), "test".to_owned())];
        let mut sender = Sender::new(script, resource);
        let mut batch = ExportBatch::default();
        batch.add(line("users", "first"));
        batch.add(line("orders", "second"));
        let lost = sender.send(&mut batch).await;
        let reason = "no".to_owned();
        assert_eq!(lost, Err(ExportError::Rejected { lines: 1, reason }));
        let reason = "later".to_owned();
        let failed = sender.send(&mut batch).await;
        assert_eq!(failed, Err(ExportError::Unreachable { reason }));
        assert_eq!(sender.send(&mut batch).await, Ok(()));
        assert!(batch.is_empty());
        let request = requests.try_recv().expect("accepted");
        let resource = request.resource_logs[0].resource.as_ref().expect("set");
        let names: Vec<&str> = resource.attributes.iter().map(|one| &*one.key).collect();
        assert_eq!(names, ["service.name", "deployment.environment.name"]);
        assert!(requests.try_recv().is_err());
    }
}
