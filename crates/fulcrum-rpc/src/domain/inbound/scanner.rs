//! Finds type and request id in a message that is too large to be kept, or cannot be decoded.

/// The longest text that is kept, in bytes. A longer one is as if it were missing.
const MAX_TEXT: usize = 1024;

const DOMAIN: u64 = 1;
const TYPE: u64 = 2;
const PAYLOAD: u64 = 3;
const REQUEST_ID: u64 = 4;

/// What identifies a message that is not delivered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Envelope {
    /// The field `domain`; empty if it was not found.
    pub(crate) domain: String,
    /// The field `type`; empty if it was not found.
    pub(crate) type_: String,
    /// The field `request_id`; empty if it was not found.
    pub(crate) request_id: String,
}

/// Reads the fields of one message from its bytes, which may come in any pieces.
#[derive(Debug, Default)]
pub(crate) struct Scanner {
    state: State,
    domain: Vec<u8>,
    type_: Vec<u8>,
    request_id: Vec<u8>,
}

#[derive(Debug)]
enum State {
    /// A number is being read.
    Number {
        what: Number,
        value: u64,
        shift: u32,
    },
    /// The content of a field is being skipped, or kept.
    Content { field: u64, left: u64 },
    /// This is no message.
    Malformed,
}

#[derive(Clone, Copy, Debug)]
enum Number {
    /// Field number and wire type.
    Key,
    /// The length of this field.
    Length(u64),
    /// The value of a field, which is not used.
    Value,
}

const KEY: State = State::Number {
    what: Number::Key,
    value: 0,
    shift: 0,
};

impl Default for State {
    fn default() -> Self {
        KEY
    }
}

impl Scanner {
    /// Reads the next bytes.
    pub(super) fn feed(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            match self.state {
                State::Malformed => return,
                State::Content { field, left } => {
                    let count = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                    self.keep(field, &bytes[..count]);
                    bytes = &bytes[count..];
                    self.content(field, left - count as u64);
                }
                State::Number { what, value, shift } => {
                    let byte = bytes[0];
                    bytes = &bytes[1..];
                    if shift > 63 {
                        self.state = State::Malformed;
                        return;
                    }
                    let value = value | (u64::from(byte & 0x7f) << shift);
                    if byte >= 0x80 {
                        let shift = shift + 7;
                        self.state = State::Number { what, value, shift };
                    } else {
                        self.on_number(what, value);
                    }
                }
            }
        }
    }

    /// Whether the payload is being read: clients send it after domain and type.
    pub(super) fn is_inside_payload(&self) -> bool {
        matches!(self.state, State::Content { field: PAYLOAD, .. })
    }

    /// What was found.
    pub(super) fn envelope(&self) -> Envelope {
        let text = |bytes: &[u8]| match bytes.len() {
            0..=MAX_TEXT => std::str::from_utf8(bytes).unwrap_or_default().to_owned(),
            _ => String::new(),
        };
        Envelope {
            domain: text(&self.domain),
            type_: text(&self.type_),
            request_id: text(&self.request_id),
        }
    }

    fn on_number(&mut self, what: Number, value: u64) {
        match what {
            Number::Value => self.state = KEY,
            Number::Length(field) => {
                // The last one counts, as in protobuf.
                match field {
                    DOMAIN => self.domain.clear(),
                    TYPE => self.type_.clear(),
                    REQUEST_ID => self.request_id.clear(),
                    _ => {}
                }
                self.content(field, value);
            }
            Number::Key => {
                let field = value >> 3;
                let number = |what| State::Number {
                    what,
                    value: 0,
                    shift: 0,
                };
                match value & 7 {
                    0 => self.state = number(Number::Value),
                    1 => self.content(0, 8),
                    2 => self.state = number(Number::Length(field)),
                    5 => self.content(0, 4),
                    _ => self.state = State::Malformed,
                }
            }
        }
    }

    fn content(&mut self, field: u64, left: u64) {
        self.state = match left {
            0 => KEY,
            left => State::Content { field, left },
        };
    }

    fn keep(&mut self, field: u64, bytes: &[u8]) {
        let kept = match field {
            DOMAIN => &mut self.domain,
            TYPE => &mut self.type_,
            REQUEST_ID => &mut self.request_id,
            _ => return,
        };
        // One more than the limit shows that it was exceeded.
        let room = (MAX_TEXT + 1).saturating_sub(kept.len());
        kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use prost::Message;

    use super::*;
    use crate::framework::DomainMessage;

    fn scan(bytes: &[u8], step: usize) -> Envelope {
        let mut scanner = Scanner::default();
        bytes.chunks(step).for_each(|chunk| scanner.feed(chunk));
        scanner.envelope()
    }

    proptest! {
        #[test]
        fn the_envelope_is_found_however_the_bytes_are_split(
            type_ in ".{0,40}",
            payload in prop::collection::vec(any::<char>(), 0..2000),
            request_id in ".{0,40}",
            step in 1..700_usize,
        ) {
            let message = DomainMessage {
                domain: "users".into(),
                r#type: type_.clone(),
                payload: payload.into_iter().collect(),
                request_id: request_id.clone(),
                more: false,
            };
            prop_assert_eq!(scan(&message.encode_to_vec(), step), Envelope { domain: "users".into(), type_, request_id });
        }

        #[test]
        fn any_bytes_are_scanned(bytes in prop::collection::vec(any::<u8>(), 0..400), step in 1..50_usize) {
            scan(&bytes, step);
        }
    }

    #[test]
    fn a_long_id_and_one_that_is_not_text_count_as_missing() {
        let message = DomainMessage {
            request_id: "i".repeat(MAX_TEXT + 1),
            r#type: "t".repeat(MAX_TEXT),
            ..DomainMessage::default()
        };
        let envelope = scan(&message.encode_to_vec(), 100);
        assert_eq!(envelope.request_id, "");
        assert_eq!(envelope.type_.len(), MAX_TEXT);
        assert_eq!(scan(b"\x22\x02\xff\xfe", 1), Envelope::default());
    }
}
