//! Lines as JSON objects.

use std::borrow::Cow;
use std::fmt;
use std::io::Write as _;

use serde::{Serialize, Serializer};

use crate::error_code::error_code;
use crate::line::{LogLine, Stream};
use crate::sanitize::is_unsafe_char;
use crate::store::StoreGap;
use crate::time::Rfc3339Micros;

/// The fields in their order.
#[derive(Serialize)]
struct LineJson<'a> {
    seq: u64,
    #[serde(serialize_with = "as_text")]
    time: Rfc3339Micros,
    domain: &'a str,
    generation: u64,
    pid: u32,
    stream: &'static str,
    level: Option<&'static str>,
    trace_id: Option<Cow<'a, str>>,
    message: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    partial: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    continues: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    gap: Option<GapJson<'a>>,
}

/// Lines that are missing.
#[derive(Serialize)]
struct GapJson<'a> {
    first_seq: u64,
    /// Null if nothing of the domain follows.
    last_seq: Option<u64>,
    file: Cow<'a, str>,
}

/// The line as one JSON object without a line end, as `domains logs -o json` prints it: `seq`, `time`
/// (RFC 3339, UTC, microseconds), `domain`, `generation`, `pid`, `stream`, `level` (null if unknown),
/// `trace_id` (null if the message has none), `message`, `code` of Fulcrum's own warnings and errors, and
/// `partial` and `continues`
/// where they are true: the line has no end; the line continues the message of an earlier one, whose
/// level and trace id it has.
///
/// Bytes that are not UTF-8 are replaced by U+FFFD. Control characters are escaped, also those that
/// JSON allows, and so are characters that change the direction of text: the line is safe on a
/// terminal.
#[must_use]
pub fn to_json(line: &LogLine) -> String {
    into_text(line, None)
}

/// Appends the same to `out`, without memory of its own for a line.
pub fn to_json_into(line: &LogLine, out: &mut Vec<u8>) {
    append(line, None, out);
}

/// A gap as one JSON object: that of [`StoreGap::to_line`], with `gap`: `first_seq`, `last_seq` (null
/// if it is unknown) and `file`.
#[must_use]
pub fn gap_to_json(gap: &StoreGap) -> String {
    let fields = GapJson {
        first_seq: gap.first_seq,
        last_seq: gap.last_seq,
        file: gap.file.to_string_lossy(),
    };
    into_text(&gap.to_line(), Some(fields))
}

fn into_text(line: &LogLine, gap: Option<GapJson<'_>>) -> String {
    let mut json = Vec::with_capacity(line.message.len() + 192);
    append(line, gap, &mut json);
    String::from_utf8(json).expect("JSON is UTF-8")
}

fn append(line: &LogLine, gap: Option<GapJson<'_>>, out: &mut Vec<u8>) {
    let start = out.len();
    let fields = LineJson {
        seq: line.seq,
        time: Rfc3339Micros(line.time),
        domain: &line.source.domain,
        generation: line.source.generation,
        pid: line.source.pid,
        stream: line.stream.as_str(),
        level: line.level.map(|level| level.as_str()),
        trace_id: line.trace_id(),
        code: code_of(line),
        message: line.text(),
        partial: line.partial,
        continues: line.continues,
        gap,
    };
    serde_json::to_writer(&mut *out, &fields).expect("strings and numbers are valid JSON");
    escape_unsafe(out, start);
}

/// The code in a line of Fulcrum's own.
fn code_of(line: &LogLine) -> Option<String> {
    let is_own = line.stream == Stream::Fulcrum;
    is_own.then(|| error_code(&line.text()).map(str::to_owned))?
}

/// Written into the JSON text directly.
fn as_text<S: Serializer>(value: &impl fmt::Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// Escapes what JSON allows and a terminal does not, from `start` on. All of it is within strings.
fn escape_unsafe(out: &mut Vec<u8>, start: usize) {
    // Fast path: JSON escapes the control characters of ASCII but DEL.
    let is_plain = |byte: &u8| *byte < 0x7f;
    let (blocks, rest) = out[start..].as_chunks::<32>();
    // Without an early exit in a block, which the compiler vectorizes.
    let is_plain_block =
        |block: &[u8; 32]| block.iter().fold(true, |all, byte| all & is_plain(byte));
    if blocks.iter().all(is_plain_block) && rest.iter().all(is_plain) {
        return;
    }
    let json = std::str::from_utf8(&out[start..]).expect("JSON is UTF-8");
    if !json.contains(is_unsafe_char) {
        return;
    }
    let json = json.to_owned();
    out.truncate(start);
    for char in json.chars() {
        if is_unsafe_char(char) {
            write!(out, "\\u{:04x}", u32::from(char)).expect("writing to a Vec cannot fail");
        } else {
            out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::{Duration, SystemTime};

    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;
    use crate::line::{Level, Source};

    fn line(message: impl Into<Bytes>) -> LogLine {
        LogLine {
            seq: 7,
            time: SystemTime::UNIX_EPOCH + Duration::from_micros(1_500_000),
            source: Source {
                domain: Arc::from("users"),
                generation: 3,
                pid: 42,
            },
            stream: Stream::Stderr,
            level: Some(Level::Warn),
            message: message.into(),
            partial: true,
            continues: false,
            message_trace: None,
        }
    }

    #[test]
    fn all_documented_fields_are_present() {
        assert_eq!(
            to_json(&line("a \"b\"")),
            r#"{"seq":7,"time":"1970-01-01T00:00:01.500000Z","domain":"users","generation":3,"pid":42,"stream":"stderr","level":"warn","trace_id":null,"message":"a \"b\"","partial":true}"#
        );
        let plain = to_json(&LogLine {
            level: None,
            partial: false,
            ..line("")
        });
        let traced = to_json(&line("x trace_id=4bf92f3577b34da6a3ce929d0e0e4736"));
        assert!(
            traced.contains(
                r#""level":"warn","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","message":"#
            ),
            "{traced}"
        );
        assert!(
            plain.ends_with(r#""level":null,"trace_id":null,"message":""}"#),
            "{plain}"
        );
    }

    #[test]
    fn what_stands_before_a_line_stays() {
        for message in ["plain", "\u{7f}é\u{202e}"] {
            let mut out = "\u{7f}before".as_bytes().to_vec();
            to_json_into(&line(message), &mut out);
            let expected = format!("\u{7f}before{}", to_json(&line(message)));
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_make_one_safe_line_of_valid_json(
            message in prop::collection::vec(prop_oneof![any::<u8>(), 0x7f..=0x9f_u8, Just(0xc2)], 0..80),
            bidi in any::<bool>(),
        ) {
            let message = if bidi { [&message, "\u{202e}".as_bytes()].concat() } else { message };
            let json = to_json(&line(message.clone()));
            prop_assert!(!json.chars().any(is_unsafe_char));
            let read: serde_json::Value = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(read["message"].as_str(), Some(&*String::from_utf8_lossy(&message)));
        }
    }
}
