//! Lines for programs: one JSON object each.

use std::fmt::Write as _;

use crate::sanitize::is_unsafe_char;
use crate::time::rfc3339_micros;
use crate::{LogLine, detect_trace_id};

/// The line as one JSON object without a line end, by the contract of `domains logs -o json`:
/// `seq`, `time` (RFC 3339, UTC, microseconds), `domain`, `generation`, `pid`, `stream`, `level`
/// (null if unknown), `trace_id` (null if the message tells none), `message`, and `partial` where
/// it is true.
///
/// Bytes that aren't UTF-8 are replaced by U+FFFD. Control characters are escaped, also those that
/// JSON would allow, and so are those that turn the direction of text: the line is harmless on a
/// terminal too.
#[must_use]
pub fn to_json(line: &LogLine) -> String {
    let mut out = String::with_capacity(line.message.len() + 160);
    let quoted = |word: &str| format!("\"{word}\"");
    let null = || "null".to_owned();
    let level = line.level.map_or_else(null, |level| quoted(level.as_str()));
    // Such an id has no character that JSON would have to escape.
    let trace_id = detect_trace_id(&line.message).map_or_else(null, quoted);
    write!(
        out,
        "{{\"seq\":{},\"time\":\"{}\",\"domain\":{},\"generation\":{},\"pid\":{},\
         \"stream\":\"{}\",\"level\":{level},\"trace_id\":{trace_id},\"message\":{}",
        line.seq,
        rfc3339_micros(line.time),
        string(&line.source.domain),
        line.source.generation,
        line.source.pid,
        line.stream,
        string(&line.text()),
    )
    .expect("a String takes every write");
    if line.partial {
        out.push_str(",\"partial\":true");
    }
    out.push('}');
    out
}

fn string(text: &str) -> String {
    let json = serde_json::Value::from(text).to_string();
    if !json.contains(is_unsafe_char) {
        return json;
    }
    let mut safe = String::with_capacity(json.len() + 16);
    for char in json.chars() {
        if is_unsafe_char(char) {
            write!(safe, "\\u{:04x}", u32::from(char)).expect("a String takes every write");
        } else {
            safe.push(char);
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::{Duration, SystemTime};

    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;
    use crate::{Level, Source, Stream};

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
        }
    }

    #[test]
    fn has_the_fields_of_the_contract() {
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

    proptest! {
        #[test]
        fn any_bytes_make_one_harmless_line_of_valid_json(
            message in prop::collection::vec(prop_oneof![any::<u8>(), 0x7f..=0x9f_u8, Just(0xc2)], 0..80),
            turned in any::<bool>(),
        ) {
            let message = if turned { [&message, "\u{202e}".as_bytes()].concat() } else { message };
            let json = to_json(&line(message.clone()));
            prop_assert!(!json.chars().any(is_unsafe_char));
            let read: serde_json::Value = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(read["message"].as_str(), Some(&*String::from_utf8_lossy(&message)));
        }
    }
}
