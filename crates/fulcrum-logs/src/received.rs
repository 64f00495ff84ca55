//! Log records that were received over OTLP, among the lines that were captured.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use memchr::memmem;

use crate::line::{Level, LogLine, Source, Stream};
use crate::sanitize::strip_colors;

/// How far the time of a record and that of the line which says the same may be apart: a line is
/// captured a moment after it was written.
const SAME_TIME: Duration = Duration::from_secs(2);

/// A log record that was received over OTLP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedLine {
    /// When it was written, by the clock of its program.
    pub time: SystemTime,
    /// The domain that wrote it, or the name of a service that is none.
    pub domain: Arc<str>,
    /// The level, where it is known.
    pub level: Option<Level>,
    /// The trace that it belongs to, if any.
    pub trace_id: Option<String>,
    /// The span that it belongs to, if any.
    pub span_id: Option<String>,
    /// The body. It may have several lines.
    pub text: String,
}

impl ReceivedLine {
    /// Whether a captured line says the same: it is of the same domain, within two seconds, and has
    /// the first line of the body in it, as it is or as JSON escapes it.
    #[must_use]
    pub fn is_said_by(&self, line: &LogLine) -> bool {
        let apart = match self.time.duration_since(line.time) {
            Ok(later) => later,
            Err(earlier) => earlier.duration(),
        };
        if line.source.domain != self.domain
            || line.stream == Stream::Fulcrum
            || apart > SAME_TIME
            || self.text.trim().is_empty()
        {
            return false;
        }
        let content = strip_colors(line.content());
        let first = self.text.trim().lines().next().unwrap_or_default();
        if has_words(&content, first.as_bytes()) {
            return true;
        }
        // In JSON, a body of several lines is one string.
        let escaped = serde_json::to_string(self.text.trim()).unwrap_or_default();
        let escaped = escaped.trim_matches('"');
        content.trim_ascii_start().starts_with(b"{") && has_words(&content, escaped.as_bytes())
    }

    /// As lines for a terminal: the first one is marked as received over OTLP, with its level.
    pub fn to_lines(&self) -> impl Iterator<Item = LogLine> {
        let level = self
            .level
            .map_or(String::new(), |level| format!(" {level}"));
        let text = self.text.trim_end();
        // Without a body, too, it is one line.
        let empty = text.is_empty().then_some("");
        let lines = text.lines().chain(empty);
        lines.enumerate().map(move |(number, text)| {
            let message = match number {
                0 => format!("[otlp{level}] {text}"),
                _ => format!("  {text}"),
            };
            LogLine {
                seq: 0,
                time: self.time,
                source: Source {
                    domain: Arc::clone(&self.domain),
                    generation: 0,
                    pid: 0,
                },
                stream: Stream::Stdout,
                level: self.level,
                message: Bytes::from(message),
                partial: false,
                continues: number > 0,
                message_trace: None,
            }
        })
    }
}

/// Takes the record that a captured line says, if there is one. A line says one record at most, so
/// that a body which was sent twice and printed once is there twice.
pub fn take_said(received: &mut Vec<ReceivedLine>, line: &LogLine) -> Option<ReceivedLine> {
    let found = received.iter().position(|one| one.is_said_by(line))?;
    Some(received.remove(found))
}

/// Whether a text has a part that does not begin or end within a word.
fn has_words(text: &[u8], part: &[u8]) -> bool {
    let is_word = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    memmem::find_iter(text, part).any(|at| {
        let before = at.checked_sub(1).and_then(|before| text.get(before));
        let after = text.get(at + part.len());
        let is_begin = !(is_word(before) && is_word(part.first()));
        is_begin && !(is_word(after) && is_word(part.last()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::line;

    fn received(text: &str, millis: u64) -> ReceivedLine {
        ReceivedLine {
            time: SystemTime::UNIX_EPOCH + Duration::from_millis(millis),
            domain: "users".into(),
            level: Some(Level::Warn),
            trace_id: None,
            span_id: None,
            text: text.to_owned(),
        }
    }

    #[test]
    fn a_record_that_was_printed_too_is_found_in_its_line() {
        let said = |text: &str, millis, printed: &str| {
            received(text, millis).is_said_by(&line("users", printed.as_bytes().to_vec()))
        };
        assert!(said("low disk", 1_500, "WARN low disk trace_id=4bf9"));
        assert!(said("low disk", 0, "\u{1b}[33mlow\u{1b}[0m disk"));
        assert!(said(
            "a \"b\"\nc",
            0,
            r#"{"msg":"a \"b\"\nc","trace_id":"4bf9"}"#
        ));
        assert!(said("Error: boom\n  at f", 0, "Error: boom"));
        assert!(!said("low disk", 2_500, "low disk"), "too late");
        assert!(!said("low", 0, "slow lower"), "a part of a word");
        assert!(!said("", 0, "anything"));
        let other = line("orders", "low disk");
        assert!(
            !received("low disk", 0).is_said_by(&other),
            "another domain"
        );
        let own = LogLine {
            stream: Stream::Fulcrum,
            ..line("users", "low disk")
        };
        assert!(
            !received("low disk", 0).is_said_by(&own),
            "a message of Fulcrum's"
        );
    }

    #[test]
    fn a_line_stands_for_one_record() {
        let mut all = vec![received("tick", 0), received("tick", 10)];
        assert_eq!(
            take_said(&mut all, &line("users", "tick")),
            Some(received("tick", 0))
        );
        assert_eq!(all, [received("tick", 10)]);
        assert_eq!(take_said(&mut all, &line("users", "tock")), None);
    }

    #[test]
    fn the_first_line_of_a_record_is_marked() {
        let texts = |text: &str| -> Vec<String> {
            let received = received(text, 0);
            let lines = received.to_lines();
            lines.map(|line| line.text().into_owned()).collect()
        };
        assert_eq!(texts("low disk"), ["[otlp warn] low disk"]);
        assert_eq!(texts("a\nb\n"), ["[otlp warn] a", "  b"]);
        assert_eq!(texts(""), ["[otlp warn] "]);
    }
}
