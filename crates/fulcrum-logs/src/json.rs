//! Lines as JSON objects.

use std::borrow::Cow;
use std::io::Write as _;

use serde::Serialize;

use crate::error_code::error_code;
use crate::line::{LogLine, Stream};
use crate::received::ReceivedLine;
use crate::sanitize::{is_all, is_unsafe_char};
use crate::store::StoreGap;
use crate::time::Rfc3339Micros;

/// The fields in their order.
struct LineJson<'a> {
    seq: u64,
    time: Rfc3339Micros,
    domain: &'a str,
    generation: u64,
    pid: u32,
    stream: &'static str,
    level: Option<&'static str>,
    trace_id: Option<Cow<'a, str>>,
    span_id: Option<&'a str>,
    message: Cow<'a, str>,
    code: Option<String>,
    partial: bool,
    continues: bool,
    gap: Option<GapJson<'a>>,
}

impl<'a> LineJson<'a> {
    fn of(line: &'a LogLine, gap: Option<GapJson<'a>>) -> Self {
        Self {
            seq: line.seq,
            time: Rfc3339Micros(line.time),
            domain: &line.source.domain,
            generation: line.source.generation,
            pid: line.source.pid,
            stream: line.stream.as_str(),
            level: line.level.map(|level| level.as_str()),
            trace_id: line.trace_id(),
            span_id: None,
            code: code_of(line),
            message: line.text(),
            partial: line.partial,
            continues: line.continues,
            gap,
        }
    }

    fn to_text(&self) -> String {
        let mut json = Vec::with_capacity(self.message.len() + 192);
        self.append_to(&mut json);
        String::from_utf8(json).expect("JSON is UTF-8")
    }

    /// Appends the object. By hand, since each line of a flood is written so: nothing in the names of
    /// the fields is to be escaped, and most texts need no look at each byte.
    fn append_to(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"seq\":");
        append_json(&self.seq, out);
        out.extend_from_slice(b",\"time\":\"");
        write!(out, "{}", self.time).expect("writing to a Vec cannot fail");
        out.extend_from_slice(b"\",\"domain\":");
        append_text(self.domain, out);
        out.extend_from_slice(b",\"generation\":");
        append_json(&self.generation, out);
        out.extend_from_slice(b",\"pid\":");
        append_json(&self.pid, out);
        out.extend_from_slice(b",\"stream\":");
        append_text(self.stream, out);
        out.extend_from_slice(b",\"level\":");
        append_text_or_null(self.level, out);
        out.extend_from_slice(b",\"trace_id\":");
        append_text_or_null(self.trace_id.as_deref(), out);
        if let Some(span_id) = self.span_id {
            out.extend_from_slice(b",\"span_id\":");
            append_text(span_id, out);
        }
        out.extend_from_slice(b",\"message\":");
        append_text(&self.message, out);
        if let Some(code) = &self.code {
            out.extend_from_slice(b",\"code\":");
            append_text(code, out);
        }
        if self.partial {
            out.extend_from_slice(b",\"partial\":true");
        }
        if self.continues {
            out.extend_from_slice(b",\"continues\":true");
        }
        if let Some(gap) = &self.gap {
            out.extend_from_slice(b",\"gap\":");
            append_safe(gap, out);
        }
        out.push(b'}');
    }
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
    LineJson::of(line, None).to_text()
}

/// Appends the same to `out`, without memory of its own for a line.
pub fn to_json_into(line: &LogLine, out: &mut Vec<u8>) {
    LineJson::of(line, None).append_to(out);
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
    LineJson::of(&gap.to_line(), Some(fields)).to_text()
}

/// A record that was received over OTLP as one JSON object without a line end: the fields of
/// [`to_json`], of which `stream` is `otlp`, and `seq`, `generation` and `pid` are 0, and `span_id` if
/// it has one.
#[must_use]
pub fn received_to_json(received: &ReceivedLine) -> String {
    let fields = LineJson {
        seq: 0,
        time: Rfc3339Micros(received.time),
        domain: &received.domain,
        generation: 0,
        pid: 0,
        stream: "otlp",
        level: received.level.map(|level| level.as_str()),
        trace_id: received.trace_id.as_deref().map(Cow::Borrowed),
        span_id: received.span_id.as_deref(),
        message: Cow::Borrowed(&received.text),
        code: None,
        partial: false,
        continues: false,
        gap: None,
    };
    fields.to_text()
}

/// The code in a line of Fulcrum's own.
fn code_of(line: &LogLine) -> Option<String> {
    let is_own = line.stream == Stream::Fulcrum;
    is_own.then(|| error_code(&line.text()).map(str::to_owned))?
}

fn append_text_or_null(text: Option<&str>, out: &mut Vec<u8>) {
    match text {
        Some(text) => append_text(text, out),
        None => out.extend_from_slice(b"null"),
    }
}

/// Appends a string of JSON that is safe on a terminal.
fn append_text(text: &str, out: &mut Vec<u8>) {
    if is_plain(text.as_bytes()) {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    } else {
        append_safe(text, out);
    }
}

/// Whether a text stands in JSON as it is: printable ASCII without quotes and backslashes.
fn is_plain(text: &[u8]) -> bool {
    is_all(text, |byte| {
        matches!(byte, b' '..=b'~') & (*byte != b'"') & (*byte != b'\\')
    })
}

/// Appends any value as JSON that is safe on a terminal.
fn append_safe<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) {
    let start = out.len();
    append_json(value, out);
    escape_unsafe(out, start);
}

fn append_json<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) {
    serde_json::to_writer(out, value).expect("strings and numbers are valid JSON");
}

/// Escapes what JSON allows and a terminal does not, from `start` on. All of it is within strings.
fn escape_unsafe(out: &mut Vec<u8>, start: usize) {
    // JSON escapes the control characters of ASCII but DEL.
    if out[start..].iter().all(|byte| *byte < 0x7f) {
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
    fn a_received_record_has_the_fields_of_a_line() {
        let received = ReceivedLine {
            time: SystemTime::UNIX_EPOCH + Duration::from_micros(1_500_000),
            domain: Arc::from("users"),
            level: Some(Level::Info),
            trace_id: Some("4bf92f3577b34da6a3ce929d0e0e4736".to_owned()),
            span_id: Some("00f067aa0ba902b7".to_owned()),
            text: "a \u{7f}".to_owned(),
        };
        assert_eq!(
            received_to_json(&received),
            r#"{"seq":0,"time":"1970-01-01T00:00:01.500000Z","domain":"users","generation":0,"pid":0,"stream":"otlp","level":"info","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","span_id":"00f067aa0ba902b7","message":"a \u007f"}"#
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
