//! A message that is not delivered, and what is said of it.

use serde::{Deserialize, Serialize};
use tonic::Status;
use tonic::metadata::MetadataValue;

use crate::domain::message::REJECTED;
use crate::domain::message_response::{FailureCode, MessageResponse};
use crate::domain::registration::truncate;
use crate::framework::DomainMessage;

/// Why a message is not delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Reason {
    /// It exceeds the size limit.
    TooLarge,
    /// It is not a message, or not text.
    Invalid,
    /// It is compressed in a way that is not supported.
    UnknownEncoding,
}

/// A message that is not delivered. It is passed on as a message of type [`REJECTED`] with the same
/// request id and this as its payload. A client that sends such a message itself rejects its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RejectedMessage {
    pub(crate) reason: Reason,
    /// What is wrong, such as `has 20000000 bytes, …`: the end of a sentence about the message.
    pub(crate) text: String,
    /// The type of the message; empty if it was not found.
    pub(crate) type_: String,
}

impl RejectedMessage {
    /// Reads it from the message of type [`REJECTED`].
    pub(crate) fn parse(message: &DomainMessage) -> Self {
        // A client that sends such a message itself may send anything.
        serde_json::from_str(&message.payload).unwrap_or_else(|_| Self {
            reason: Reason::Invalid,
            text: format!("has the reserved type {REJECTED}"),
            type_: String::new(),
        })
    }

    /// The failure of the call, or of the domain's own request.
    pub(crate) fn failure(&self, domain: &str) -> MessageResponse {
        let what = match truncate(&self.type_).as_str() {
            "" => "a message".to_owned(),
            type_ => type_.to_owned(),
        };
        let code = match self.reason {
            Reason::TooLarge => FailureCode::TooLarge,
            Reason::Invalid | Reason::UnknownEncoding => FailureCode::Invalid,
        };
        MessageResponse::failure(code, format!("{what} of domain {domain:?} {}", self.text))
    }

    /// The end of a stream whose first message it is.
    pub(crate) fn status(&self) -> Status {
        let text = format!("the first message of the stream {}", self.text);
        match self.reason {
            Reason::TooLarge => Status::resource_exhausted(text),
            Reason::Invalid => Status::invalid_argument(text),
            Reason::UnknownEncoding => {
                let mut status = Status::unimplemented(text);
                let supported = MetadataValue::from_static("identity,gzip,deflate,zstd");
                status
                    .metadata_mut()
                    .insert("grpc-accept-encoding", supported);
                status
            }
        }
    }
}
