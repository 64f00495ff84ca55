//! Cuts the bytes of a stream into messages, and replaces those that cannot be delivered. No I/O.

use std::collections::VecDeque;
use std::io;

use prost::Message;
use tokio_util::bytes::Bytes;
use tonic::Status;

use super::collector::{Encoding, PREFIX, Reader};
use super::rejected::{Reason, RejectedMessage};
use super::scanner::{Envelope, Scanner};
use crate::domain::message::REJECTED;
use crate::framework::DomainMessage;

/// The filter of one stream.
pub(super) struct MessageFilter {
    /// The most bytes of a message, without compression.
    limit: usize,
    encoding: Encoding,
    state: State,
    /// Whether no message has been completed: the registration is still to come.
    is_first: bool,
}

enum State {
    /// The prefix of a message is being read, of which some bytes are there.
    Prefix { bytes: [u8; PREFIX], read: usize },
    /// A message is being read, of which `left` bytes are missing.
    Message { reader: Box<Reader>, left: usize },
    /// The rest of a message is skipped.
    Skip {
        rejected: RejectedMessage,
        left: usize,
    },
}

const START: State = State::Prefix {
    bytes: [0; PREFIX],
    read: 0,
};

impl MessageFilter {
    pub(super) fn new(limit: usize, encoding: Encoding) -> Self {
        Self {
            limit,
            encoding,
            state: START,
            is_first: true,
        }
    }

    /// Whether a message is incomplete.
    pub(super) fn is_inside_message(&self) -> bool {
        !matches!(self.state, State::Prefix { read: 0, .. })
    }

    /// Reads the next bytes of the stream and adds to `output` what is passed on.
    ///
    /// # Errors
    /// The bytes are not gRPC, so that no further message can be found.
    pub(super) fn push(
        &mut self,
        mut chunk: Bytes,
        output: &mut VecDeque<Bytes>,
    ) -> Result<(), Status> {
        while !chunk.is_empty() {
            if !self.is_inside_message() {
                let passed = self.complete_messages(&chunk);
                if passed > 0 {
                    self.is_first = false;
                    output.push_back(chunk.split_to(passed));
                    continue;
                }
            }
            let read = self.read(&chunk, output)?;
            let _ = chunk.split_to(read);
        }
        Ok(())
    }

    /// How many bytes at the start of `chunk` are whole messages that are delivered as they are.
    /// These are most of them, and are not copied.
    fn complete_messages(&self, chunk: &[u8]) -> usize {
        let mut at = 0;
        while let Some((prefix, rest)) = chunk[at..].split_first_chunk::<PREFIX>() {
            let length = length(prefix);
            let is_plain = prefix[0] == 0 && length <= self.limit && length <= rest.len();
            if !is_plain || !is_text(&rest[..length]) {
                break;
            }
            at += PREFIX + length;
        }
        at
    }

    /// Reads bytes of one message, and returns how many.
    fn read(&mut self, chunk: &[u8], output: &mut VecDeque<Bytes>) -> Result<usize, Status> {
        let count = match &mut self.state {
            State::Prefix { bytes, read } => {
                let count = (PREFIX - *read).min(chunk.len());
                bytes[*read..*read + count].copy_from_slice(&chunk[..count]);
                *read += count;
                if *read == PREFIX {
                    let prefix = *bytes;
                    self.state = self.begin(prefix)?;
                }
                count
            }
            State::Message { reader, left } => {
                let count = (*left).min(chunk.len());
                *left -= count;
                if let Err(error) = reader.write(&chunk[..count]) {
                    let (rejected, left) = (undecodable(&error), *left);
                    self.state = State::Skip { rejected, left };
                }
                count
            }
            State::Skip { left, .. } => {
                let count = (*left).min(chunk.len());
                *left -= count;
                count
            }
        };
        match std::mem::replace(&mut self.state, START) {
            State::Message { reader, left: 0 } => {
                self.is_first = false;
                output.push_back(self.finish(*reader));
            }
            State::Skip { rejected, left: 0 } => {
                self.is_first = false;
                output.push_back(substitute(rejected, Envelope::default()));
            }
            unfinished => self.state = unfinished,
        }
        Ok(count)
    }

    /// The state after the prefix of a message.
    fn begin(&self, prefix: [u8; PREFIX]) -> Result<State, Status> {
        let left = length(&prefix);
        let compressed = match prefix[0] {
            0 => false,
            1 => true,
            flag => {
                return Err(Status::invalid_argument(format!(
                    "the stream is not gRPC: a message begins with the flag {flag}, which is neither 0 nor 1"
                )));
            }
        };
        // A registration is small, and who is not registered is not waited for.
        if self.is_first && left > self.limit {
            return Err(Status::resource_exhausted(format!(
                "the first message of the stream has {left} bytes, and the limit is {} bytes",
                self.limit
            )));
        }
        if !compressed {
            let reader = Box::new(Reader::plain(left, self.limit));
            return Ok(State::Message { reader, left });
        }
        Ok(match Reader::compressed(&self.encoding, self.limit) {
            Some(reader) => State::Message {
                reader: Box::new(reader),
                left,
            },
            None => State::Skip {
                rejected: unknown_encoding(&self.encoding),
                left,
            },
        })
    }

    /// The message that is passed on.
    fn finish(&self, reader: Reader) -> Bytes {
        let collector = match reader.finish() {
            Ok(collector) => collector,
            Err(error) => return substitute(undecodable(&error), Envelope::default()),
        };
        if let Some((size, scanner)) = collector.oversized() {
            let limit = self.limit;
            let rejected = RejectedMessage {
                reason: Reason::TooLarge,
                text: format!(
                    "has {size} bytes, and the limit is {limit} bytes (runtime.grpc.max_message)"
                ),
                type_: String::new(),
            };
            return substitute(rejected, scanner.envelope());
        }
        let content = collector.content();
        if is_text(content) {
            return collector.into_message().into();
        }
        match DomainMessage::decode(content) {
            // It has unknown fields, or fields that are split.
            Ok(_) => collector.into_message().into(),
            Err(error) => {
                let mut scanner = Scanner::default();
                scanner.feed(content);
                let rejected = RejectedMessage {
                    reason: Reason::Invalid,
                    text: format!("cannot be decoded: {error}"),
                    type_: String::new(),
                };
                substitute(rejected, scanner.envelope())
            }
        }
    }
}

fn undecodable(error: &io::Error) -> RejectedMessage {
    let (reason, text) = match error.kind() {
        io::ErrorKind::FileTooLarge => (Reason::TooLarge, format!("is too large: {error}")),
        _ => (Reason::Invalid, format!("cannot be decompressed: {error}")),
    };
    RejectedMessage {
        reason,
        text,
        type_: String::new(),
    }
}

fn unknown_encoding(encoding: &Encoding) -> RejectedMessage {
    let text = match encoding {
        Encoding::Unknown(name) => {
            format!(
                "is compressed with {name:?}, which is not supported: use gzip, zstd or deflate"
            )
        }
        _ => "is compressed, but the stream has no header grpc-encoding".to_owned(),
    };
    RejectedMessage {
        reason: Reason::UnknownEncoding,
        text,
        type_: String::new(),
    }
}

/// The message of type [`REJECTED`] in the place of another one.
fn substitute(rejected: RejectedMessage, envelope: Envelope) -> Bytes {
    let rejected = RejectedMessage {
        type_: envelope.type_,
        ..rejected
    };
    let message = DomainMessage {
        r#type: REJECTED.to_owned(),
        payload: serde_json::to_string(&rejected).unwrap_or_default(),
        request_id: envelope.request_id,
        ..DomainMessage::default()
    };
    let content = message.encode_to_vec();
    let length = u32::try_from(content.len()).unwrap_or(u32::MAX);
    let mut bytes = Vec::with_capacity(PREFIX + content.len());
    bytes.push(0);
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(&content);
    bytes.into()
}

fn length(prefix: &[u8; PREFIX]) -> usize {
    let [_, length @ ..] = *prefix;
    u32::from_be_bytes(length) as usize
}

/// The key of the field `more`, a number.
const MORE: u8 = 0x28;

/// Whether a message consists of the known fields, and its texts are UTF-8. This is much faster than
/// decoding it.
fn is_text(mut message: &[u8]) -> bool {
    while let Some((&key, rest)) = message.split_first() {
        if !matches!(key, 0x0a | 0x12 | 0x1a | 0x22 | MORE) {
            return false;
        }
        let mut rest = rest;
        if key == MORE {
            if prost::encoding::decode_varint(&mut rest).is_err() {
                return false;
            }
            message = rest;
            continue;
        }
        let Ok(length) = prost::encoding::decode_varint(&mut rest) else {
            return false;
        };
        let Some((text, rest)) = usize::try_from(length)
            .ok()
            .and_then(|length| rest.split_at_checked(length))
        else {
            return false;
        };
        if std::str::from_utf8(text).is_err() {
            return false;
        }
        message = rest;
    }
    true
}
