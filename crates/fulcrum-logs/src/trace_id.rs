//! Detects the trace id of a line in the formats of tracing libraries for Node.

use std::borrow::Cow;
use std::sync::LazyLock;

use memchr::memmem::Finder;

use crate::json_scanner::JsonScanner;
use crate::sanitize::strip_colors;

/// The longest id, in bytes. Those of OpenTelemetry have 32 digits, a UUID 36 characters.
const MAX_ID_LEN: usize = 64;

/// A substring of all known keys that is rare in other words.
static KEY_SUBSTRING: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new(b"race"));

/// The trace id of a line, if it has one.
///
/// In lines that start with `{`, these keys are detected: `trace_id`, `traceId`, `trace.id`
/// (Elastic), `dd.trace_id` (Datadog), `otelTraceID` (older loggers of OpenTelemetry), `traceparent`
/// (W3C), `logging.googleapis.com/trace` (Google), and the objects `trace: {id}`, `otel: {trace_id}` and `dd: {trace_id}`. In other lines, the
/// same keys with `=`, as in logfmt. The first key with a valid id counts. Ids of OpenTelemetry and
/// W3C are 32 hexadecimal digits; others are up to 64 letters, digits, `-` and `_`. An id of zeros
/// means none. Color sequences are ignored.
///
/// A line without such a key costs one substring search.
#[must_use]
pub fn detect_trace_id(message: &[u8]) -> Option<Cow<'_, str>> {
    KEY_SUBSTRING.find(message)?;
    match strip_colors(message) {
        Cow::Borrowed(text) => id_in_line(text).map(Cow::Borrowed),
        Cow::Owned(text) => id_in_line(&text).map(|id| Cow::Owned(id.to_owned())),
    }
}

fn id_in_line(message: &[u8]) -> Option<&str> {
    let first = KEY_SUBSTRING.find(message)?;
    match message.trim_ascii_start() {
        [b'{', object @ ..] => id_in_json(object),
        _ => id_in_text(message, first),
    }
}

/// The format of the value of a key.
#[derive(Clone, Copy)]
enum IdFormat {
    /// 32 hexadecimal digits.
    Hex,
    /// Any token.
    Free,
    /// `00-TRACE-SPAN-FLAGS`.
    Parent,
    /// `projects/PROJECT/traces/TRACE`.
    Path,
}

fn format_of(key: &[u8]) -> Option<IdFormat> {
    match key {
        b"trace_id" | b"traceId" | b"traceID" | b"traceid" | b"trace.id" | b"dd.trace_id" => {
            Some(IdFormat::Free)
        }
        b"otelTraceID" | b"otel.trace_id" => Some(IdFormat::Hex),
        b"traceparent" => Some(IdFormat::Parent),
        b"logging.googleapis.com/trace" => Some(IdFormat::Path),
        _ => None,
    }
}

fn id_in_json(object: &[u8]) -> Option<&str> {
    let mut scan = JsonScanner::object(object);
    while let Some((key, value)) = scan.next_entry() {
        let found = match (format_of(key), key, value) {
            (Some(format), _, value) => id_of(format, unquoted(value)),
            (None, b"trace" | b"dd" | b"otel", [b'{', inner @ ..]) => id_in_object(inner),
            (None, _, _) => None,
        };
        if found.is_some() {
            return found;
        }
    }
    None
}

/// The same in an object about the trace: an `id` in it is the trace id.
fn id_in_object(object: &[u8]) -> Option<&str> {
    let mut scan = JsonScanner::object(object);
    while let Some((key, value)) = scan.next_entry() {
        let format = match key {
            b"id" => Some(IdFormat::Free),
            key => format_of(key),
        };
        if let Some(id) = format.and_then(|format| id_of(format, unquoted(value))) {
            return Some(id);
        }
    }
    None
}

fn unquoted(value: &[u8]) -> &[u8] {
    match value {
        [b'"', inside @ .., b'"'] => inside,
        bare => bare,
    }
}

/// `… trace_id=4bf9… …`; `first` is the first position of [`KEY_SUBSTRING`].
fn id_in_text(text: &[u8], first: usize) -> Option<&str> {
    let is_key = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.');
    let mut found = first;
    loop {
        let begin = text[..found]
            .iter()
            .rposition(|byte| !is_key(byte))
            .map_or(0, |before| before + 1);
        let length = text[begin..].iter().position(|byte| !is_key(byte))?;
        let (key, after) = text[begin..].split_at(length);
        if let ([b'=', value @ ..], Some(format)) = (after, format_of(key)) {
            let value = match value {
                [b'"' | b'\'', inside @ ..] => inside,
                bare => bare,
            };
            let end = value.iter().position(|byte| !is_token(*byte));
            if let Some(id) = id_of(format, &value[..end.unwrap_or(value.len())]) {
                return Some(id);
            }
        }
        let later = begin + length;
        found = later + KEY_SUBSTRING.find(&text[later..])?;
    }
}

fn id_of(format: IdFormat, value: &[u8]) -> Option<&str> {
    let id = match format {
        IdFormat::Hex => Some(value).filter(|id| is_hex(id, 32)),
        IdFormat::Free => Some(value).filter(|id| {
            (1..=MAX_ID_LEN).contains(&id.len())
                && id.iter().all(|byte| is_token(*byte))
                // What templates print without a trace.
                && !matches!(*id, b"null" | b"undefined" | b"none" | b"None" | b"true" | b"false" | b"-")
        }),
        IdFormat::Parent => parse_traceparent(value),
        IdFormat::Path => {
            let trace = value.rsplit(|byte| *byte == b'/').next()?;
            Some(trace).filter(|id| is_hex(id, 32))
        }
    }?;
    if id.iter().all(|byte| matches!(byte, b'0' | b'-')) {
        return None;
    }
    std::str::from_utf8(id).ok()
}

/// The id in a `traceparent`, by W3C Trace Context: version `ff` is invalid, and versions after 00
/// may have more fields after the flags.
fn parse_traceparent(value: &[u8]) -> Option<&[u8]> {
    let mut fields = value.split(|byte| *byte == b'-');
    let (version, trace, span, flags) = (
        fields.next()?,
        fields.next()?,
        fields.next()?,
        fields.next()?,
    );
    let is_lower = |field: &[u8]| !field.iter().any(u8::is_ascii_uppercase);
    let valid = is_hex(version, 2)
        && version != b"ff"
        && is_hex(trace, 32)
        && is_lower(trace)
        && is_hex(span, 16)
        && span.iter().any(|digit| *digit != b'0')
        && is_hex(flags, 2)
        && (version != b"00" || fields.next().is_none());
    valid.then_some(trace)
}

fn is_hex(text: &[u8], digits: usize) -> bool {
    text.len() == digits && text.iter().all(u8::is_ascii_hexdigit)
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    fn found(text: &str) -> Option<&str> {
        match detect_trace_id(text.as_bytes())? {
            Cow::Borrowed(id) => Some(id),
            Cow::Owned(id) => panic!("copied without need: {id}"),
        }
    }

    #[test]
    fn colors_do_not_hide_an_id() {
        let line = format!("\u{1b}[36mtrace_id\u{1b}[0m=\u{1b}[35m{ID}\u{1b}[0m x");
        assert_eq!(detect_trace_id(line.as_bytes()).as_deref(), Some(ID));
    }

    #[test]
    fn the_keys_of_all_libraries_are_found() {
        for line in [
            r#"{"level":30,"time":1,"trace_id":"ID","span_id":"00f067aa0ba902b7","msg":"x"}"#,
            r#"{"message":"trace_id","meta":{"trace_id":"no"},"traceId":"ID"}"#,
            r#"{"trace.id":"ID","@timestamp":"x"}"#,
            r#"{"dd.trace_id":"ID"}"#,
            r#"{"otelTraceID":"ID","otelSpanID":"x"}"#,
            r#"{"traceparent":"00-ID-00f067aa0ba902b7-01"}"#,
            r#"{"traceparent":"01-ID-00f067aa0ba902b7-01-later"}"#,
            r#"{"log.level":"info","trace":{"sampled":true,"id":"ID"},"msg":"x"}"#,
            r#"{"trace":{"trace_id":"ID"}}"#,
            r#"{"dd":{"service":"a","trace_id":"ID"}}"#,
            r#"{"trace":"on","trace_id":"ID"}"#,
            r#"  { "trace_id" : "ID" }"#,
            r#"{"severity":"INFO","logging.googleapis.com/trace":"projects/p-1/traces/ID"}"#,
            // An invalid id is skipped.
            r#"{"trace_id":"","traceId":"ID"}"#,
            "level=info trace_id=ID msg=x",
            "traceId=\"ID\"",
            "2026-11-24 info: [trace.id=ID] x",
            "[dd.service=a dd.trace_id=ID dd.span_id=1] x",
            "race at the trace: traceparent=00-ID-00f067aa0ba902b7-00",
            "otelTraceID=ID",
        ] {
            let line = line
                .replace("ID", ID)
                .replace(&format!("otelTrace{ID}"), "otelTraceID");
            let line = line.replace(&format!("otelSpan{ID}"), "otelSpanID");
            assert_eq!(found(&line), Some(ID), "{line}");
        }
        assert_eq!(
            found(r#"{"dd.trace_id":1234567890123456789}"#),
            Some("1234567890123456789")
        );
        assert_eq!(found(r#"{"traceId":"req-7_a"}"#), Some("req-7_a"));
    }

    #[test]
    fn invalid_ids_are_ignored() {
        for line in [
            "",
            "{",
            "race",
            "a stack trace follows",
            "trace_id",
            "trace_id=",
            "trace_id: 7",
            "my_trace_id=7",
            "trace_ids=7",
            r#"{"trace_id":null}"#,
            r#"{"trace_id":{"a":1}}"#,
            r#"{"trace_id":"undefined"}"#,
            r#"{"trace_id":"with space"}"#,
            r#"{"trace_id":"a\u0062"}"#,
            r#"{"trace_id":"00000000000000000000000000000000"}"#,
            r#"{"trace_id":"cut o"#,
            r#"{"otelTraceID":"7"}"#,
            r#"{"user":{"trace_id":"7"}}"#,
            r#"{"msg":"trace_id=7"}"#,
            r#"{"id":"7","trace":"full"}"#,
            r#"{"traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7"}"#,
            r#"{"traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x"}"#,
            r#"{"traceparent":"ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}"#,
            r#"{"traceparent":"00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01"}"#,
            r#"{"traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01"}"#,
            r#"{"traceparent":"00-00000000000000000000000000000000-00f067aa0ba902b7-01"}"#,
        ] {
            assert_eq!(found(line), None, "{line}");
        }
        assert_eq!(found(&format!("trace_id={}", "7".repeat(65))), None);
    }

    proptest! {
        /// Compared with a JSON parser: the id is found anywhere in any object.
        #[test]
        fn agrees_with_a_json_parser(
            keys in prop::collection::vec("[a-z\"\\\\{},:\\[\\]é]{0,6}", 0..5),
            values in prop::collection::vec("[ a-z0-9\"\\\\{},:\\[\\]é]{0,12}", 5),
            at in 0_usize..6,
            pretty in any::<bool>(),
        ) {
            let mut object = serde_json::Map::new();
            for (index, (key, value)) in keys.iter().zip(&values).enumerate() {
                if index == at {
                    object.insert("trace_id".into(), ID.into());
                }
                object.insert(key.clone(), serde_json::json!([{"trace_id": value}, value]));
            }
            let mut text = serde_json::to_string(&object).unwrap();
            if pretty {
                text = serde_json::to_string_pretty(&object).unwrap();
            }
            prop_assert_eq!(found(&text), object.get("trace_id").map(|_| ID), "{}", text);
        }

        #[test]
        fn an_id_never_needs_escapes(
            head in prop::sample::select(vec!["", "{\"trace_id\":\"", "trace_id=", "{\"trace\":{", "race"]),
            bytes in prop::collection::vec(any::<u8>(), 0..80),
        ) {
            let line = [head.as_bytes(), &bytes].concat();
            if let Some(id) = detect_trace_id(&line) {
                prop_assert!(id.bytes().all(is_token) && id.len() <= MAX_ID_LEN);
            }
        }
    }
}
