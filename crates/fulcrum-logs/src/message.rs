//! Messages of several lines: a stack trace, an object that was printed.
//!
//! The store has lines. Which of them belong together is found when they are read, from their text,
//! origin and time alone, so that everybody who reads them finds the same.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;

use crate::level::detect_level;
use crate::line::{Level, LogLine, Stream};
use crate::sanitize::strip_colors;
use crate::trace_id::detect_trace_id;

/// A line continues another one only if it was read within this time after it.
pub(crate) const MESSAGE_WINDOW: Duration = Duration::from_millis(100);

/// Streams whose message is remembered; more of them write at once only in tests.
const MAX_OPEN: usize = 256;

/// Bytes at the start of a line that tell whether it continues a message.
const MAX_HEAD: usize = 256;

/// Finds which lines continue a message, and gives them the level and the trace id of its first line.
///
/// Lines of any number of sources are passed in order. A line continues the message before it, of the
/// same stream and generation and within 100 ms, if it is indented, closes brackets, or is a part of
/// a stack trace as Node, Python, Java, Rust and Go print it. An empty line belongs to no message,
/// and ends none.
#[derive(Debug, Default)]
pub struct MessageGrouper {
    open: Vec<OpenMessage>,
    /// The message that was continued or started last: most lines follow one of their own stream.
    last: usize,
    last_id: u64,
}

/// To which message a line belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MessageRef {
    /// The message; the numbers of a grouper are unique.
    pub(crate) id: u64,
    /// The message that ended because this one started.
    pub(crate) ended: Option<u64>,
    /// No line can follow in the same message.
    pub(crate) is_single: bool,
}

#[derive(Debug)]
struct OpenMessage {
    id: u64,
    domain: Arc<str>,
    generation: u64,
    stream: Stream,
    /// The time of its last line.
    time: SystemTime,
    level: Option<Level>,
    first_line: Bytes,
    /// The trace id, once a line has asked for it.
    trace_id: Option<Option<Arc<str>>>,
    part: Part,
}

/// Which lines without indentation are expected next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// None in particular.
    Text,
    /// `Traceback (most recent call last):` came.
    Traceback,
    /// The same, and frames: the exception follows.
    Frames,
    /// The exception came; another one may follow.
    Exception,
    /// `thread 'main' panicked at …:` came: its text follows.
    RustPanic,
    /// The text came; notes and a backtrace may follow.
    RustNotes,
    /// `panic: …` of Go came: stacks of goroutines follow.
    GoPanic,
}

impl MessageGrouper {
    /// Sets `continues`, and the level and trace id of a line that continues a message.
    pub fn assign(&mut self, line: &mut LogLine) {
        self.place(line);
    }

    /// The same; returns the message.
    pub(crate) fn place(&mut self, line: &mut LogLine) -> MessageRef {
        if line.stream == Stream::Fulcrum || line.content().iter().all(u8::is_ascii_whitespace) {
            return MessageRef {
                id: self.new_id(),
                ended: None,
                is_single: true,
            };
        }
        let Some(at) = self.find(line) else {
            let id = self.start(line, None);
            return MessageRef {
                id,
                ended: None,
                is_single: false,
            };
        };
        self.last = at;
        let open = &mut self.open[at];
        let is_in_time = line
            .time
            .duration_since(open.time)
            .is_ok_and(|pause| pause <= MESSAGE_WINDOW);
        // What was found by another reader with more lines stays.
        let is_continued = line.continues || (is_in_time && open.continue_with(line));
        if !is_continued {
            let ended = Some(open.id);
            let id = self.start(line, Some(at));
            return MessageRef {
                id,
                ended,
                is_single: false,
            };
        }
        open.time = line.time;
        line.continues = true;
        line.level = open.level.or(line.level);
        line.message_trace = open.trace_id();
        MessageRef {
            id: open.id,
            ended: None,
            is_single: false,
        }
    }

    /// The messages that no later line continues: all whose last line is older than `now` by more
    /// than the window.
    pub(crate) fn expired(&self, now: SystemTime) -> impl Iterator<Item = u64> + '_ {
        let is_over = move |open: &&OpenMessage| {
            now.duration_since(open.time)
                .is_ok_and(|pause| pause > MESSAGE_WINDOW)
        };
        self.open.iter().filter(is_over).map(|open| open.id)
    }

    fn find(&self, line: &LogLine) -> Option<usize> {
        let is_same = |open: &OpenMessage| {
            open.stream == line.stream
                && open.generation == line.source.generation
                && open.domain == line.source.domain
        };
        match self.open.get(self.last) {
            Some(open) if is_same(open) => Some(self.last),
            _ => self.open.iter().position(is_same),
        }
    }

    fn new_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// Starts a message, in place of the one at `at`.
    fn start(&mut self, line: &LogLine, at: Option<usize>) -> u64 {
        let id = self.new_id();
        let message = OpenMessage {
            id,
            domain: Arc::clone(&line.source.domain),
            generation: line.source.generation,
            stream: line.stream,
            time: line.time,
            level: line.level,
            first_line: line.message.clone(),
            trace_id: None,
            part: Part::of_first_line(line.content()),
        };
        match at {
            Some(at) => self.open[at] = message,
            None => {
                if self.open.len() == MAX_OPEN {
                    self.open.remove(0);
                }
                self.last = self.open.len();
                self.open.push(message);
            }
        }
        id
    }
}

impl Part {
    fn of_first_line(text: &[u8]) -> Self {
        // Fast path: few lines start with these letters.
        match text.first() {
            Some(b'T') if text.starts_with(b"Traceback (most recent") => Self::Traceback,
            Some(b't') if text.starts_with(b"thread '") && text.ends_with(b":") => Self::RustPanic,
            Some(b'p') if text.starts_with(b"panic: ") => Self::GoPanic,
            Some(b'f') if text.starts_with(b"fatal error: ") => Self::GoPanic,
            _ => Self::Text,
        }
    }
}

impl OpenMessage {
    /// Whether a line continues the message.
    fn continue_with(&mut self, line: &LogLine) -> bool {
        let content = line.content();
        let head = strip_colors(&content[..content.len().min(MAX_HEAD)]);
        let is_indented = match &*head {
            [b'\t', ..] | [b' ', b' ' | b'\t', ..] => true,
            [b' ', ..] => self.part != Part::Text,
            _ => false,
        };
        if is_indented {
            if self.part == Part::Traceback {
                self.part = Part::Frames;
            }
            // Some loggers align the level with spaces.
            return self.part != Part::Text || detect_level(content, line.stream).is_none();
        }
        is_closing(&head) || self.continue_with_part(&head)
    }

    /// Whether a line without indentation continues the message.
    fn continue_with_part(&mut self, head: &[u8]) -> bool {
        let is_failure = self.level.is_some_and(|level| level >= Level::Warn);
        match self.part {
            Part::Frames => {
                self.part = Part::Exception;
                return true;
            }
            Part::RustPanic => {
                self.part = Part::RustNotes;
                return true;
            }
            Part::RustNotes if starts_with(head, &["note: ", "stack backtrace:"]) => return true,
            Part::GoPanic
                if head.ends_with(b")")
                    || starts_with(
                        head,
                        &["goroutine ", "created by ", "[signal ", "exit status "],
                    ) =>
            {
                return true;
            }
            Part::Exception
                if starts_with(head, &["During handling of the", "The above exception was"]) =>
            {
                return true;
            }
            _ => {}
        }
        if head.starts_with(b"Traceback (most recent") {
            // Of `logging.exception`, or of the exception that caused another one.
            let is_part = is_failure || self.part == Part::Exception;
            self.part = Part::Traceback;
            return is_part;
        }
        starts_with(
            head,
            &["Caused by:", "[cause]:", "Suppressed:", "Caused by "],
        ) || (is_failure && starts_with(head, &["at ", "Require stack:", "- /", "... "]))
    }

    fn trace_id(&mut self) -> Option<Arc<str>> {
        let first_line = &self.first_line;
        let trace_id = self
            .trace_id
            .get_or_insert_with(|| detect_trace_id(first_line).map(|id| Arc::from(&*id)));
        trace_id.clone()
    }
}

fn starts_with(text: &[u8], words: &[&str]) -> bool {
    words.iter().any(|word| text.starts_with(word.as_bytes()))
}

/// Only closing brackets, as at the end of an object that was printed.
fn is_closing(text: &[u8]) -> bool {
    let text = text.trim_ascii_end();
    matches!(text, [b'}' | b']' | b')', rest @ ..]
        if rest.iter().all(|byte| b"}]),;".contains(byte)))
}

#[cfg(test)]
mod tests;
