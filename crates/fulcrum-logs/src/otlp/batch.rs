//! Lines that wait to be sent together.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::BytesMut;

use crate::line::LogLine;

/// Lines in one batch.
const MAX_LINES: usize = 1024;

/// Bytes of text in one batch. Receivers accept requests of up to 4 MiB by default.
const MAX_BYTES: usize = 1024 * 1024;

/// Bytes of a message of several lines; the rest becomes another record.
const MAX_MESSAGE: usize = 256 * 1024;

/// A message to send: the first line, with the text of all of them.
pub(super) struct Message {
    pub(super) line: LogLine,
    /// How many lines it has.
    lines: usize,
    /// The bytes of these lines.
    bytes: usize,
}

/// Messages to send, grouped by domain, each domain's in order.
#[derive(Default)]
pub(super) struct ExportBatch {
    groups: VecDeque<(Arc<str>, Vec<Message>)>,
    lines: usize,
    bytes: usize,
}

impl ExportBatch {
    pub(super) fn add(&mut self, line: LogLine) {
        self.lines += 1;
        self.bytes += line.message.len();
        let domain = &line.source.domain;
        let Some((_, messages)) = self.groups.iter_mut().find(|(name, _)| name == domain) else {
            let domain = Arc::clone(domain);
            let message = Message::new(line);
            self.groups.push_back((domain, vec![message]));
            return;
        };
        // The other stream may have written in between.
        let is_same = |other: &LogLine| other.source == line.source && other.stream == line.stream;
        let last = messages.iter_mut().rfind(|other| is_same(&other.line));
        match last.filter(|last| last.continues_with(&line)) {
            Some(last) => last.append(&line),
            None => messages.push(Message::new(line)),
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.lines >= MAX_LINES || self.bytes >= MAX_BYTES
    }

    pub(super) fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// Drops all lines and returns their number.
    pub(super) fn discard(&mut self) -> u64 {
        std::mem::take(self).lines as u64
    }

    /// The first domain and its messages.
    pub(super) fn first(&self) -> Option<(&str, &[Message])> {
        let (domain, messages) = self.groups.front()?;
        Some((domain, messages))
    }

    /// Drops the first domain's lines and returns their number.
    pub(super) fn discard_first(&mut self) -> u64 {
        let Some((_, messages)) = self.groups.pop_front() else {
            return 0;
        };
        let lines: usize = messages.iter().map(|message| message.lines).sum();
        let bytes = messages.iter().map(|message| message.bytes);
        self.bytes -= bytes.sum::<usize>();
        self.lines -= lines;
        lines as u64
    }
}

impl Message {
    fn new(line: LogLine) -> Self {
        Self {
            lines: 1,
            bytes: line.message.len(),
            line,
        }
    }

    fn continues_with(&self, line: &LogLine) -> bool {
        line.continues && self.line.message.len() + line.message.len() < MAX_MESSAGE
    }

    fn append(&mut self, line: &LogLine) {
        let length = self.line.content().len();
        // Its own memory after the first time: what is there is not copied for each line.
        let mut text = BytesMut::from(std::mem::take(&mut self.line.message));
        text.truncate(length);
        text.extend_from_slice(b"\n");
        text.extend_from_slice(line.content());
        self.line.message = text.freeze();
        self.line.partial = line.partial;
        self.lines += 1;
        self.bytes += line.message.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line::{Level, Stream};
    use crate::test_support;

    fn line(stream: Stream, text: &'static str, continues: bool) -> LogLine {
        LogLine {
            stream,
            level: Some(Level::Error),
            continues,
            ..test_support::line("users", text)
        }
    }

    #[test]
    fn a_message_of_several_lines_is_one_record_whose_lines_count() {
        let mut batch = ExportBatch::default();
        batch.add(line(Stream::Stderr, "Error: boom\r", false));
        batch.add(line(Stream::Stdout, "in between", false));
        batch.add(line(Stream::Stderr, "    at f", true));
        batch.add(line(Stream::Stderr, "next", false));
        let messages = batch.first().expect("lines").1;
        let texts: Vec<_> = messages
            .iter()
            .map(|message| message.line.text().into_owned())
            .collect();
        assert_eq!(texts, ["Error: boom\n    at f", "in between", "next"]);
        assert_eq!(batch.discard_first(), 4);
        assert!(batch.is_empty());
        assert_eq!((batch.lines, batch.bytes), (0, 0));
    }
}
