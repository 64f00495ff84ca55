//! Detects the level of a line from the formats of common loggers for Node.

use crate::json_scanner::JsonScanner;
use crate::line::{Level, Stream};

/// Bytes of a line in which a level is searched. Further in, the word is part of the text.
const MAX_PREFIX: usize = 128;
/// Longer than all names of levels, in bytes.
const MAX_LEVEL_WORD: usize = 12;
/// Longer than the names of errors, in bytes. They count on standard error only.
const MAX_ERROR_NAME: usize = 40;

/// The level of a line, if it has one.
///
/// These formats are detected:
/// - JSON objects with `level`, `severity`, `lvl` or `log.level`, as pino and bunyan (numbers) or
///   winston (names) write them. Only lines that start with `{` are scanned, up to the level.
/// - logfmt with `level=` near the start.
/// - A name at the start, after a time at most: `ERROR …`, `[warn] …`, `info: …`.
/// - The prefixes of Nest and npm, and `<3>` of sd-daemon(3).
/// - On standard error, what Node prints: `TypeError: …`, `Uncaught …`,
///   `(node:1) DeprecationWarning: …`.
#[must_use]
pub fn detect_level(message: &[u8], stream: Stream) -> Option<Level> {
    match message.trim_ascii_start() {
        [b'{', object @ ..] => level_of_json(object),
        text => level_of_text(&text[..text.len().min(MAX_PREFIX)], stream),
    }
}

/// The level in an object; `object` starts after its `{`. The end may be missing: the level usually
/// comes first.
fn level_of_json(object: &[u8]) -> Option<Level> {
    let mut scan = JsonScanner::object(object);
    while let Some((key, value)) = scan.next_entry() {
        let level = match key {
            b"level" | b"severity" | b"severityText" | b"lvl" | b"log.level" => {
                level_of_value(value)
            }
            // The Elastic Common Schema, as nested objects.
            b"log" => match value {
                [b'{', log @ ..] => level_of_json(log),
                _ => None,
            },
            _ => None,
        };
        if level.is_some() {
            return level;
        }
    }
    None
}

fn level_of_value(value: &[u8]) -> Option<Level> {
    let word = match value {
        [b'"', word @ .., b'"'] => word,
        bare => bare,
    };
    if !word.first()?.is_ascii_digit() {
        // `true` and `null` are no names of levels, so quotes need not be checked.
        return Level::from_name(word);
    }
    // The scale of pino and bunyan; custom levels count as the next lower known one.
    let number: u32 = std::str::from_utf8(word).ok()?.parse().ok()?;
    match number {
        0..=9 => None,
        10..=19 => Some(Level::Trace),
        20..=29 => Some(Level::Debug),
        30..=39 => Some(Level::Info),
        40..=49 => Some(Level::Warn),
        50..=59 => Some(Level::Error),
        60.. => Some(Level::Fatal),
    }
}

fn level_of_text(head: &[u8], stream: Stream) -> Option<Level> {
    let mut rest = skip_decoration(head);
    match rest {
        [b'[', b'N', b'e', b's', b't', b']', nest @ ..] => return level_of_nest(nest),
        [b'n', b'p', b'm', b' ', npm @ ..] => return level_of_npm(npm),
        [b'<', digit @ b'0'..=b'7', b'>', ..] => return Some(level_of_syslog(*digit)),
        _ => {}
    }
    // A date and a time.
    let mut timed = false;
    for _ in 0..2 {
        match skip_time(rest) {
            Some(later) => {
                timed = true;
                // A tab separates columns.
                let tab = later.first() == Some(&b'\t');
                rest = skip_decoration(later);
                if tab && let Some(level) = level_of_column(rest) {
                    return Some(level);
                }
            }
            None => break,
        }
    }
    let (opened, text) = match rest {
        [b'[' | b'(' | b'<', inner @ ..] => (true, skip_decoration(inner)),
        _ => (false, rest),
    };
    let longest = match stream {
        Stream::Stderr => MAX_ERROR_NAME,
        Stream::Stdout | Stream::Fulcrum => MAX_LEVEL_WORD,
    };
    let length = text
        .iter()
        .take(longest)
        .position(|byte| !byte.is_ascii_alphanumeric())
        .unwrap_or(text.len().min(longest));
    let (word, after) = text.split_at(length);
    if !opened && !timed && after.first() == Some(&b'=') {
        return level_of_logfmt(text);
    }
    let after = skip_sgr(after);
    if let Some(level) = Level::from_name(word)
        && is_level_token(word, opened, after)
    {
        return Some(level);
    }
    (stream == Stream::Stderr)
        .then(|| level_of_node(head, word, after))
        .flatten()
}

/// `ERROR` is a level. `Error` at the start of a sentence is one only before a colon or in brackets.
fn is_level_token(word: &[u8], opened: bool, after: &[u8]) -> bool {
    match after {
        // A URL, `http://…`.
        [b':', b'/', ..] => false,
        [b':', ..] => true,
        [b']' | b')' | b'>', ..] if opened => true,
        [] | [b' ' | b'\t' | b']' | b'|' | b'-' | b'=' | b',' | b'(', ..] => {
            word.iter().all(u8::is_ascii_uppercase)
        }
        _ => false,
    }
}

/// zap and others separate time, level and the rest with tabs.
fn level_of_column(text: &[u8]) -> Option<Level> {
    let end = text
        .iter()
        .take(MAX_LEVEL_WORD + 1)
        .position(|byte| *byte == b'\t')?;
    Level::from_name(&text[..end])
}

/// `time=… level=info msg=…`: the level, if only keys and values come before it.
fn level_of_logfmt(head: &[u8]) -> Option<Level> {
    for token in head.split(u8::is_ascii_whitespace) {
        let end = token.iter().position(|byte| *byte == b'=')?;
        let (key, value) = (&token[..end], &token[end + 1..]);
        if matches!(key, b"level" | b"lvl" | b"severity") {
            return level_of_value(value);
        }
        // Quoted text may contain anything.
        if matches!(value, [b'"', text @ ..] if !text.ends_with(b"\"")) {
            return None;
        }
    }
    None
}

/// `[Nest] 4242  - 11/24/2026, 8:00:00 PM     LOG [Router] …`; `rest` starts after `[Nest]`.
fn level_of_nest(rest: &[u8]) -> Option<Level> {
    let mut words = rest
        .split(u8::is_ascii_whitespace)
        .map(skip_sgr)
        .filter(|word| word.first().is_some_and(u8::is_ascii_alphabetic))
        .filter(|word| !matches!(word, [b'A' | b'P', b'M', ..]));
    let word = words.next()?;
    let end = word.iter().position(|byte| !byte.is_ascii_alphabetic());
    match &word[..end.unwrap_or(word.len())] {
        b"LOG" => Some(Level::Info),
        word if word.iter().all(u8::is_ascii_uppercase) => Level::from_name(word),
        _ => None,
    }
}

/// `npm ERR! code ENOENT`, and `npm error code ENOENT` since npm 10; `rest` starts after `npm `.
fn level_of_npm(rest: &[u8]) -> Option<Level> {
    let rest = skip_decoration(rest);
    let end = rest
        .iter()
        .take(MAX_LEVEL_WORD)
        .position(|byte| !byte.is_ascii_alphabetic());
    match &rest[..end.unwrap_or(rest.len().min(MAX_LEVEL_WORD))] {
        b"ERR" | b"error" => Some(Level::Error),
        b"WARN" | b"warn" => Some(Level::Warn),
        b"notice" | b"info" => Some(Level::Info),
        b"verb" | b"http" | b"timing" => Some(Level::Debug),
        b"silly" => Some(Level::Trace),
        _ => None,
    }
}

/// The severity of sd-daemon(3), which is that of syslog.
fn level_of_syslog(digit: u8) -> Level {
    match digit {
        b'0'..=b'2' => Level::Fatal,
        b'3' => Level::Error,
        b'4' => Level::Warn,
        b'5' | b'6' => Level::Info,
        _ => Level::Debug,
    }
}

/// What Node prints on standard error.
fn level_of_node(head: &[u8], word: &[u8], after: &[u8]) -> Option<Level> {
    let is_name = after.starts_with(b":") || after.starts_with(b" [");
    let is_error = is_name
        && (word.ends_with(b"Error")
            || word == b"DOMException"
            || word == b"UnhandledPromiseRejection");
    if is_error || head.starts_with(b"Uncaught ") {
        return Some(Level::Error);
    }
    let is_warning =
        head.starts_with(b"(node:") && memchr::memmem::find(head, b"Warning:").is_some();
    is_warning.then_some(Level::Warn)
}

fn skip_decoration(mut text: &[u8]) -> &[u8] {
    loop {
        let later = skip_sgr(text.trim_ascii_start());
        if later.len() == text.len() {
            return text;
        }
        text = later;
    }
}

/// Skips color sequences: loggers color the level.
fn skip_sgr(mut text: &[u8]) -> &[u8] {
    while let Some(length) = crate::sanitize::sgr_length(text) {
        text = &text[length..];
    }
    text
}

fn skip_time(text: &[u8]) -> Option<&[u8]> {
    // Fast path: most lines do not start with a time.
    if !matches!(text.first()?, b'0'..=b'9' | b'[') {
        return None;
    }
    let end = text.iter().position(u8::is_ascii_whitespace)?;
    let (token, rest) = text.split_at(end);
    let is_time = token.iter().any(u8::is_ascii_digit)
        && token.iter().any(|byte| b":-/".contains(byte))
        && token
            .iter()
            .all(|byte| byte.is_ascii_digit() || b":.-/TZ+,[]".contains(byte));
    is_time.then_some(rest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn out(text: &str) -> Option<Level> {
        detect_level(text.as_bytes(), Stream::Stdout)
    }

    #[test]
    fn levels_of_json_loggers_are_found() {
        let pino = r#"{"level":50,"time":1531171074631,"pid":657,"msg":"boom"}"#;
        assert_eq!(out(pino), Some(Level::Error));
        let winston =
            r#"{"message":"a \"level\": \"error\"","meta":{"level":"fatal"},"level":"warn"}"#;
        assert_eq!(out(winston), Some(Level::Warn));
        let bunyan = r#"{"name":"myapp","hostname":"h","pid":40161,"level":30,"msg":"hi","v":0}"#;
        assert_eq!(out(bunyan), Some(Level::Info));
        assert_eq!(
            out(r#"{"severity":"WARNING","message":"x"}"#),
            Some(Level::Warn)
        );
        assert_eq!(out(r#"{"level":35}"#), Some(Level::Info));
        assert_eq!(out(r#"{"level":"40"}"#), Some(Level::Warn));
        let elastic = r#"{"@timestamp":"2026-11-24T12:00:00Z","log.level":"error","message":"x"}"#;
        assert_eq!(out(elastic), Some(Level::Error));
        assert_eq!(
            out(r#"{"log":{"logger":"a","level":"warn"},"message":"x"}"#),
            Some(Level::Warn)
        );
        assert_eq!(
            out(r#"{"level":"error","message":"cut off in the mid"#),
            Some(Level::Error)
        );
    }

    #[test]
    fn json_without_a_level_and_text_like_json_have_none() {
        for text in [
            "{}",
            "{",
            r#"{"level":null}"#,
            r#"{"level":{"level":50}}"#,
            r#"{"log":"level"}"#,
            r#"{"level":3}"#,
            r#"{"level":"loud"}"#,
            r#"{"user":{"level":50}}"#,
            r#"{"msg":"level\":50"}"#,
            r#"{"a":"\"#,
            "{ level: 50 }",
            r#"{"a" 1,"level":50}"#,
        ] {
            assert_eq!(out(text), None, "{text}");
        }
    }

    #[test]
    fn names_at_the_start_are_levels() {
        for (text, level) in [
            ("ERROR boom", Level::Error),
            ("[WARN] low", Level::Warn),
            ("[error] low", Level::Error),
            ("info: started", Level::Info),
            ("\u{1b}[32minfo\u{1b}[39m: started", Level::Info),
            ("DEBUG", Level::Debug),
            ("FATAL: gone", Level::Fatal),
            (
                "[12:00:00.123] \u{1b}[32mINFO\u{1b}[39m (123): hi",
                Level::Info,
            ),
            ("2026-11-23 12:00:00,123 WARNING - x", Level::Warn),
            ("2026-11-23T12:00:00.123Z [trace] x", Level::Trace),
            ("Error: boom", Level::Error),
            ("2026-11-23T12:00:00.123Z\tinfo\tserver\tup", Level::Info),
            ("<3>disk full", Level::Error),
            ("<6>up", Level::Info),
            ("npm ERR! code ENOENT", Level::Error),
            ("npm error code ENOENT", Level::Error),
            ("npm \u{1b}[33mwarn\u{1b}[39m deprecated", Level::Warn),
            (
                "[Nest] 4242  - 11/24/2026, 8:00:00 PM     LOG [Router] up",
                Level::Info,
            ),
            (
                "\u{1b}[32m[Nest] 7  - \u{1b}[39m11/24/2026, 8:00:00 PM \u{1b}[31m  ERROR\u{1b}[39m x",
                Level::Error,
            ),
            ("level=warn msg=\"low disk\"", Level::Warn),
            ("time=2026-11-24T12:00:00Z level=error msg=x", Level::Error),
            ("ts=1 caller=a.js:3 lvl=\"debug\"", Level::Debug),
        ] {
            assert_eq!(out(text), Some(level), "{text}");
        }
    }

    #[test]
    fn ordinary_sentences_have_no_level() {
        for text in [
            "",
            " ",
            "Error handling is on",
            "info about users",
            "INFORMATIONAL",
            "http://localhost:3000",
            "listening, no ERROR here",
            "    at foo (/app/domain.js:1:2)",
            "[users] ready",
            "2026-11-23",
            "a=b and level=error",
            "msg=\"no level=error here\"",
            "2026-11-23 info about\tusers",
            "npm install",
            "npm",
            "[Nest] ready",
            "<3",
            "<8>x",
        ] {
            assert_eq!(out(text), None, "{text}");
        }
    }

    #[test]
    fn errors_of_node_count_on_stderr_only() {
        for (text, level) in [
            ("TypeError: x is not a function", Level::Error),
            ("AssertionError [ERR_ASSERTION]: no", Level::Error),
            ("Uncaught 'boom'", Level::Error),
            ("DOMException [AbortError]: aborted", Level::Error),
            (
                "[UnhandledPromiseRejection: This error originated either",
                Level::Error,
            ),
            (
                "(node:1) [DEP0040] DeprecationWarning: punycode",
                Level::Warn,
            ),
        ] {
            assert_eq!(detect_level(text.as_bytes(), Stream::Stderr), Some(level));
            assert_eq!(detect_level(text.as_bytes(), Stream::Stdout), None);
        }
    }

    proptest! {
        /// Compared with a JSON parser: the level is found anywhere in any object.
        #[test]
        fn agrees_with_a_json_parser(
            keys in prop::collection::vec("[a-z\"\\\\{},:\\[\\]é]{0,6}", 0..5),
            values in prop::collection::vec("[ a-z0-9\"\\\\{},:\\[\\]é]{0,12}", 5),
            nested in any::<bool>(),
            at in 0_usize..6,
            level in 10_u32..70,
            pretty in any::<bool>(),
        ) {
            let mut object = serde_json::Map::new();
            for (index, (key, value)) in keys.iter().zip(&values).enumerate() {
                if index == at {
                    object.insert("level".into(), level.into());
                }
                let value = if nested {
                    serde_json::json!([{"level": value, "deep": [value, 1.5, null]}, true])
                } else {
                    serde_json::json!(value)
                };
                object.insert(key.clone(), value);
            }
            let has_level = object.get("level").and_then(serde_json::Value::as_u64).is_some();
            let mut text = serde_json::to_string(&object).unwrap();
            if pretty {
                text = serde_json::to_string_pretty(&object).unwrap();
            }
            let expected = has_level.then(|| level_of_value(level.to_string().as_bytes()).unwrap());
            prop_assert_eq!(out(&text), expected, "{}", text);
        }

        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200), json in any::<bool>()) {
            let mut line = if json { b"{\"".to_vec() } else { Vec::new() };
            line.extend(bytes);
            let _level = detect_level(&line, Stream::Stderr);
        }
    }
}
