//! What a program has logged about its failure.

use fulcrum_logs::{Level, LogLine, detect_level, sanitize};
use serde_json::Value;

/// The text of a line as it is shown, without escape sequences.
pub(crate) fn plain_text(line: &LogLine) -> String {
    let text = line.text();
    let mut plain = Vec::with_capacity(text.len());
    sanitize(text.as_bytes(), false, &mut plain);
    String::from_utf8_lossy(&plain).into_owned()
}

/// The message of the last line of level error or fatal that names one, of several streams with the
/// plain text of each line. A JSON line is that of pino, winston, bunyan and others: its message, and
/// the error that it carries.
pub(crate) fn last_error<const N: usize>(streams: [(&[LogLine], &[String]); N]) -> Option<String> {
    let last = |(lines, texts): (&[LogLine], &'_ [String])| {
        let mut latest_first = lines.iter().zip(texts).rev();
        let found = latest_first.find(|(line, text)| is_error(line, text))?;
        Some((found.0.seq, found.1.clone()))
    };
    let (_, text) = streams
        .into_iter()
        .filter_map(last)
        .max_by_key(|(seq, _)| *seq)?;
    Some(message_of(&text).unwrap_or(text))
}

fn is_error(line: &LogLine, text: &str) -> bool {
    let level = line
        .level
        .or_else(|| detect_level(text.as_bytes(), line.stream));
    matches!(level, Some(Level::Error | Level::Fatal))
}

/// The message of a JSON line.
fn message_of(line: &str) -> Option<String> {
    let record: Value = serde_json::from_str(line.trim()).ok()?;
    let text = |value: &Value, key: &str| Some(value.get(key)?.as_str()?.to_owned());
    let message = text(&record, "msg").or_else(|| text(&record, "message"));
    let error = ["err", "error"].iter().find_map(|key| {
        let error = record.get(key)?;
        let name = text(error, "type").or_else(|| text(error, "name"));
        let message = text(error, "message").or_else(|| error.as_str().map(str::to_owned))?;
        Some(format!(
            "{}: {message}",
            name.unwrap_or_else(|| "Error".to_owned())
        ))
    });
    match (message, error) {
        (Some(message), Some(error)) if error.ends_with(&message) => Some(error),
        (Some(message), Some(error)) => Some(format!("{message} ({error})")),
        (message, error) => message.or(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_of_a_json_line_has_its_error() {
        let pino = r#"{"level":60,"err":{"type":"Error","message":"pino boom","stack":"Error: pino boom\n    at a"},"msg":"cannot start"}"#;
        assert_eq!(
            message_of(pino).as_deref(),
            Some("cannot start (Error: pino boom)")
        );
        let winston = r#"{"level":"error","message":"winston boom"}"#;
        assert_eq!(message_of(winston).as_deref(), Some("winston boom"));
        let same = r#"{"level":50,"err":{"type":"TypeError","message":"x"},"msg":"x"}"#;
        assert_eq!(message_of(same).as_deref(), Some("TypeError: x"));
        assert_eq!(message_of("no JSON"), None);
    }
}
