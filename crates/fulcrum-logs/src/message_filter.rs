//! Selects messages: a message is selected as a whole.

use std::collections::{BTreeSet, VecDeque};
use std::time::SystemTime;

use regex::bytes::Regex;

use crate::line::{Level, LogLine};
use crate::message::MessageGrouper;
use crate::overwritten::last_state;
use crate::sanitize::strip_colors;

/// Lines whose message has not matched yet, at most; then the oldest are dropped.
const MAX_HELD_LINES: usize = 4096;

/// Selects the messages of at least a level of which a line matches a pattern.
///
/// Lines are passed in order and returned in order. A line is held while a later line of its message
/// may match, and so are the lines after it.
#[derive(Debug, Default)]
pub struct MessageFilter {
    level: Option<Level>,
    pattern: Option<Regex>,
    grouper: MessageGrouper,
    held: VecDeque<Held>,
    /// Messages of which a line has matched, and that may continue.
    matched: BTreeSet<u64>,
}

#[derive(Debug)]
struct Held {
    line: LogLine,
    run: u64,
    message: u64,
    is_selected: bool,
}

impl MessageFilter {
    /// A filter; the level of a message is that of its first line.
    #[must_use]
    pub fn new(level: Option<Level>, pattern: Option<Regex>) -> Self {
        Self {
            level,
            pattern,
            ..Self::default()
        }
    }

    /// Adds the next line, of a run; it is read at its `time`.
    pub fn push(&mut self, mut line: LogLine, run: u64) {
        let message = self.grouper.place(&mut line);
        if self.pattern.is_some() {
            if let Some(ended) = message.ended {
                self.end(ended);
            }
            if !self.held.is_empty() {
                self.expire(line.time);
            }
        }
        let is_selected = self.pattern.as_ref().is_none_or(|pattern| {
            self.matched.contains(&message.id)
                || pattern.is_match(&strip_colors(&last_state(line.content())))
        });
        if !line.has_level(self.level) || (message.is_single && !is_selected) {
            return;
        }
        if self.pattern.is_some() && is_selected && !message.is_single {
            self.select(message.id);
        }
        self.held.push_back(Held {
            line,
            run,
            message: message.id,
            is_selected,
        });
        if self.held.len() > MAX_HELD_LINES {
            self.held.retain(|held| held.is_selected);
        }
    }

    /// The next selected line and its run, if it is known.
    pub fn pop(&mut self) -> Option<(LogLine, u64)> {
        self.held.front().filter(|held| held.is_selected)?;
        let held = self.held.pop_front()?;
        Some((held.line, held.run))
    }

    /// Ends the messages that no line read at `now` or later can continue.
    pub fn expire(&mut self, now: SystemTime) {
        let expired: Vec<u64> = self.grouper.expired(now).collect();
        for id in expired {
            self.end(id);
        }
    }

    /// Ends all messages: no line follows, or none for a while.
    pub fn finish(&mut self) {
        self.held.retain(|held| held.is_selected);
    }

    fn select(&mut self, message: u64) {
        if self.matched.insert(message) {
            for held in &mut self.held {
                held.is_selected |= held.message == message;
            }
        }
    }

    fn end(&mut self, message: u64) {
        if !self.matched.remove(&message) {
            self.held
                .retain(|held| held.is_selected || held.message != message);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::level::detect_level;
    use crate::line::Stream;
    use crate::test_support::line;

    /// The numbers of the selected lines, each given as domain, time in milliseconds, and text.
    fn selected(level: Option<Level>, pattern: &str, lines: &[(&str, u64, &str)]) -> Vec<u64> {
        let pattern = (!pattern.is_empty()).then(|| Regex::new(pattern).expect("valid"));
        let mut filter = MessageFilter::new(level, pattern);
        let mut found = Vec::new();
        for (seq, (domain, millis, text)) in (1_u64..).zip(lines) {
            let line = LogLine {
                seq,
                time: SystemTime::UNIX_EPOCH + Duration::from_millis(*millis),
                stream: Stream::Stderr,
                level: detect_level(text.as_bytes(), Stream::Stderr),
                ..line(domain, text.as_bytes().to_vec())
            };
            filter.push(line, 1);
            found.extend(std::iter::from_fn(|| filter.pop()).map(|(line, _)| line.seq));
        }
        filter.finish();
        found.extend(std::iter::from_fn(|| filter.pop()).map(|(line, _)| line.seq));
        found
    }

    #[test]
    fn a_message_is_selected_as_a_whole_and_in_order() {
        let lines = [
            ("a", 0, "INFO up"),
            ("a", 0, "Error: boom"),
            ("b", 0, "INFO deep down"),
            ("a", 0, "    at deep (a.js:1:2)"),
            ("a", 0, "    at f (a.js:3:4)"),
            ("a", 0, "INFO next"),
            ("b", 0, "    deeper"),
        ];
        assert_eq!(selected(None, "at deep", &lines), [2, 4, 5]);
        assert_eq!(selected(Some(Level::Error), "", &lines), [2, 4, 5]);
        assert_eq!(selected(None, "deep", &lines), [2, 3, 4, 5, 7]);
        assert_eq!(
            selected(Some(Level::Info), "next|boom", &lines),
            [2, 4, 5, 6]
        );
        assert_eq!(selected(None, "nowhere", &lines), [] as [u64; 0]);
        assert_eq!(selected(None, "", &lines), [1, 2, 3, 4, 5, 6, 7]);
    }

    #[test]
    fn colors_do_not_hide_a_match() {
        let lines = [("a", 0, "\u{1b}[31mlow\u{1b}[0m disk"), ("a", 0, "[31m")];
        assert_eq!(selected(None, "^low disk$", &lines), [1]);
        assert_eq!(selected(None, "31m", &lines), [2]);
    }

    #[test]
    fn a_message_that_can_no_longer_match_holds_nothing_back() {
        let mut filter = MessageFilter::new(None, Some(Regex::new("x").expect("valid")));
        let line = |domain, millis, text: &'static str| LogLine {
            time: SystemTime::UNIX_EPOCH + Duration::from_millis(millis),
            ..line(domain, text)
        };
        filter.push(line("a", 0, "open"), 1);
        filter.push(line("b", 50, "x"), 1);
        assert!(filter.pop().is_none());
        filter.push(line("b", 101, "y"), 1);
        assert_eq!(
            filter
                .pop()
                .map(|(line, _)| line.text().into_owned())
                .as_deref(),
            Some("x")
        );
    }
}
