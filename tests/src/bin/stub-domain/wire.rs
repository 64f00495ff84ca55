//! Hand-made encoding of the protocol's two messages, whose fields are strings.

use bytes::Bytes;

/// Encodes a sent message: domain, type, payload, request id.
pub(crate) fn encode(domain: &str, type_: &str, payload: &str, id: &str) -> Bytes {
    let mut message = Vec::new();
    for (number, text) in (1_u8..).zip([domain, type_, payload, id]) {
        message.push((number << 3) | 2);
        write_varint(text.len(), &mut message);
        message.extend(text.as_bytes());
    }
    let length = u32::try_from(message.len()).expect("a message is short");
    // Not compressed, its length, the message.
    let mut frame = vec![0];
    frame.extend(length.to_be_bytes());
    frame.extend(message);
    frame.into()
}

fn write_varint(mut number: usize, into: &mut Vec<u8>) {
    while number > 127 {
        into.push((number & 127) as u8 | 128);
        number >>= 7;
    }
    into.push(number as u8);
}

/// The fields of a received message that the stub uses.
#[derive(Default)]
pub(crate) struct Message {
    pub(crate) type_: String,
    pub(crate) payload: String,
    pub(crate) id: String,
}

/// Removes the first complete message from the received bytes; `None` if there is none.
pub(crate) fn take_message(received: &mut Vec<u8>) -> Option<Message> {
    let length: [u8; 4] = received.get(1..5)?.try_into().ok()?;
    let end = 5 + usize::try_from(u32::from_be_bytes(length)).ok()?;
    let message = decode(received.get(5..end)?);
    received.drain(..end);
    Some(message)
}

fn decode(mut bytes: &[u8]) -> Message {
    let mut message = Message::default();
    while let Some(tag) = read_varint(&mut bytes) {
        let value = read_varint(&mut bytes).unwrap_or_default();
        if tag & 7 != 2 {
            continue;
        }
        let (text, rest) = bytes.split_at(value.min(bytes.len()));
        bytes = rest;
        let text = String::from_utf8_lossy(text).into_owned();
        match tag >> 3 {
            1 => message.type_ = text,
            2 => message.payload = text,
            3 => message.id = text,
            _ => {}
        }
    }
    message
}

fn read_varint(bytes: &mut &[u8]) -> Option<usize> {
    let mut value = 0;
    for shift in (0..63).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= usize::from(byte & 127) << shift;
        if *byte < 128 {
            return Some(value);
        }
    }
    None
}
