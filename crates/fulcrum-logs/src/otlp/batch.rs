//! Lines that wait to be sent together.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::line::LogLine;

/// Lines in one batch.
const MAX_LINES: usize = 1024;

/// Bytes of text in one batch. Receivers accept requests of up to 4 MiB by default.
const MAX_BYTES: usize = 1024 * 1024;

/// Lines to send, grouped by domain, each domain's in order.
#[derive(Default)]
pub(super) struct ExportBatch {
    groups: VecDeque<(Arc<str>, Vec<LogLine>)>,
    lines: usize,
    bytes: usize,
}

impl ExportBatch {
    pub(super) fn add(&mut self, line: LogLine) {
        self.lines += 1;
        self.bytes += line.message.len();
        let domain = &line.source.domain;
        match self.groups.iter_mut().find(|(name, _)| name == domain) {
            Some((_, lines)) => lines.push(line),
            None => self.groups.push_back((Arc::clone(domain), vec![line])),
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

    /// The first domain and its lines.
    pub(super) fn first(&self) -> Option<(&str, &[LogLine])> {
        let (domain, lines) = self.groups.front()?;
        Some((domain, lines))
    }

    /// Drops the first domain's lines and returns their number.
    pub(super) fn discard_first(&mut self) -> u64 {
        let Some((_, lines)) = self.groups.pop_front() else {
            return 0;
        };
        self.lines -= lines.len();
        self.bytes -= lines.iter().map(|line| line.message.len()).sum::<usize>();
        lines.len() as u64
    }
}
