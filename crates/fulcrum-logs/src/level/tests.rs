//! Formats of loggers and what only looks like them.

use proptest::prelude::*;

use super::detect_level;
use super::json::level_of_value;
use crate::line::{Level, Stream};

fn out(text: &str) -> Option<Level> {
    detect_level(text.as_bytes(), Stream::Stdout)
}

#[test]
fn levels_of_json_loggers_are_found() {
    let pino = r#"{"level":50,"time":1531171074631,"pid":657,"msg":"boom"}"#;
    assert_eq!(out(pino), Some(Level::Error));
    let winston = r#"{"message":"a \"level\": \"error\"","meta":{"level":"fatal"},"level":"warn"}"#;
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
fn colored_times_and_levels_do_not_hide_the_level() {
    for (text, level) in [
        (
            "\u{1b}[90m12:00:00\u{1b}[0m \u{1b}[31mERR\u{1b}[0m boom",
            Level::Error,
        ),
        (
            "\u{1b}[2m2026-11-29T12:00:00.1Z\u{1b}[0m \u{1b}[33m WARN\u{1b}[0m \u{1b}[2mapp\u{1b}[0m: x",
            Level::Warn,
        ),
        (
            "2026-11-29 12:00:00 [\u{1b}[32m\u{1b}[1minfo     \u{1b}[0m] x",
            Level::Info,
        ),
        ("[\u{1b}[31merror\u{1b}[39m] x", Level::Error),
        ("\u{1b}[32minfo\u{1b}[0m it worked", Level::Info),
        (
            "\u{1b}[41m\u{1b}[30m ERROR \u{1b}[39m\u{1b}[49m boom",
            Level::Error,
        ),
        ("\u{1b}[35mdebug\u{1b}[0m cache", Level::Debug),
    ] {
        assert_eq!(out(text), Some(level), "{text:?}");
    }
    assert_eq!(out("\u{1b}[1minfo about users\u{1b}[0m"), None);
}

#[test]
fn a_name_between_time_and_level_does_not_hide_the_level() {
    for (text, level) in [
        (
            "2026-11-29 12:00:00,123 - app.db - ERROR - boom",
            Level::Error,
        ),
        ("2026-11-29 12:00:00,123 root WARNING low", Level::Warn),
        ("WARNING:root:low", Level::Warn),
        ("2026-11-29T12:00:00.123Z [api] error: boom", Level::Error),
        ("[api] warn: low", Level::Warn),
        (
            "2026-11-29 12:00:00.123 | INFO     | __main__:<module>:1 - up",
            Level::Info,
        ),
        (
            "2026-11-29 12:00:00.123 | SUCCESS  | __main__:f:1 - up",
            Level::Info,
        ),
        ("2026-11-29 12:00:00 [critical ] boom   key=1", Level::Fatal),
        (
            "[2026-11-29 12:00:00 +0000] [4242] [INFO] Listening",
            Level::Info,
        ),
        (
            "[2026-11-29 12:00:00,123: ERROR/MainProcess] boom",
            Level::Error,
        ),
        ("[2026-11-29T12:00:00Z DEBUG app::db] x", Level::Debug),
        (
            "2026-11-29T12:00:00.123456Z  WARN app::db: low",
            Level::Warn,
        ),
        (" WARN app::db: low", Level::Warn),
        ("   0.000112s ERROR app: boom", Level::Error),
        (
            "2026-11-29T12:00:00.000Z ERROR 1 --- [main] c.e.D : boom",
            Level::Error,
        ),
        ("Nov 29 12:00:00.000 WARN low, k: v", Level::Warn),
        ("12:00PM INF up", Level::Info),
        ("[12:00:00 WRN] low", Level::Warn),
        ("ERROR[0042] boom", Level::Error),
        ("I1129 12:00:00.123456 4242 main.py:10] up", Level::Info),
        (
            "E, [2026-11-29T12:00:00.123 #1] ERROR -- : boom",
            Level::Error,
        ),
        ("[W 261129 12:00:00 web:2271] 404 GET /", Level::Warn),
        ("2026-11-29T12:00:00+0000 [stderr#error] boom", Level::Error),
        ("app - CRITICAL - boom", Level::Fatal),
        ("web-1  | ERROR boom", Level::Error),
        ("[app] \u{203a} \u{2716}  error     boom", Level::Error),
        ("\u{2714}  success   done", Level::Info),
        ("\u{26a0} low disk", Level::Warn),
        ("fail: Microsoft.Hosting.Lifetime[14]", Level::Error),
        ("2026-11-29 12:00:00 +0100 dbug: x", Level::Debug),
        ("2026-11-29T12:00:00Z level=warn msg=x", Level::Warn),
        (
            "time=2026-11-29T12:00:00Z level=ERROR+4 msg=x",
            Level::Error,
        ),
        (
            "time=2026-11-29T12:00:00Z level=DEBUG-4 msg=x",
            Level::Trace,
        ),
        ("10:00:00 AM error: boom", Level::Error),
        ("ERROR", Level::Error),
    ] {
        assert_eq!(out(text), Some(level), "{text:?}");
    }
}

#[test]
fn keys_of_json_loggers_of_other_languages_are_found() {
    for (text, level) in [
        (
            r#"{"asctime":"x","levelname":"WARNING","message":"x"}"#,
            Level::Warn,
        ),
        (
            r#"{"0":"x","_meta":{"runtime":"node","logLevelId":5,"logLevelName":"ERROR"}}"#,
            Level::Error,
        ),
        (r#"{"context":{"logLevel":40},"message":"x"}"#, Level::Warn),
        (r#"{"level":"log","pid":1,"message":"x"}"#, Level::Info),
        (r#"{"time":"x","level":"ERROR+4","msg":"x"}"#, Level::Error),
        (
            r#"{"text":"x","record":{"level":{"icon":"x","name":"INFO","no":20}}}"#,
            Level::Info,
        ),
        (r#"{"msg":"x","level":"ERRO","ts":"x"}"#, Level::Error),
        (r#"{"msg":"x","level":"TRCE"}"#, Level::Trace),
        (r#"{"@t":"x","@mt":"x","@l":"Warning"}"#, Level::Warn),
        (
            r#"{"startTime":"x","level":{"level":40000,"levelStr":"ERROR"}}"#,
            Level::Error,
        ),
    ] {
        assert_eq!(out(text), Some(level), "{text}");
    }
}

#[test]
fn a_host_and_a_process_id_before_the_level_do_not_hide_it() {
    let line = "2026-11-29 05:54:18 vm app.db[11114] DEBUG ready";
    assert_eq!(out(line), Some(Level::Debug));
    assert_eq!(out("app.db[11114] DEBUG ready"), None);
}

#[test]
fn a_colored_symbol_is_a_level_where_consola_has_no_other_mark() {
    for (symbol, level) in [("→", Level::Trace), ("⚙", Level::Debug), ("✔", Level::Info)] {
        let colored = format!("\u{1b}[90m{symbol}\u{1b}[39m ready");
        assert_eq!(out(&colored), Some(level), "{symbol}");
        assert_eq!(out(&format!("{symbol} ready")), None, "{symbol}");
    }
}

#[test]
fn what_only_looks_like_a_level_is_none() {
    for text in [
        "  error: null,",
        "  level: 'error',",
        "    warn: [Function: warn],",
        "\terror: 'x'",
        "  1:1  error  'x' is not defined  no-undef",
        "HTTP 500 returned",
        "HTTP/1.1 200 OK",
        "DEBUG=app:* node server.js",
        "Sunny with WARNING signs",
        "2026-11-29 Received ERROR of the server",
        "GET /error: 500",
        "\u{2714} error handling works",
        "12 errors",
    ] {
        assert_eq!(out(text), None, "{text}");
    }
    assert_eq!(detect_level(b"    Error: inner", Stream::Stderr), None);
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
