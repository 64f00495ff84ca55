//! What the tests of several modules need.

use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;

use crate::line::{LogLine, Source, Stream};

/// A line on standard output of the first generation of a domain, without a level, at the epoch.
pub(crate) fn line(domain: &str, message: impl Into<Bytes>) -> LogLine {
    LogLine {
        seq: 1,
        time: SystemTime::UNIX_EPOCH,
        source: Source {
            domain: Arc::from(domain),
            generation: 1,
            pid: 1,
        },
        stream: Stream::Stdout,
        level: None,
        message: message.into(),
        partial: false,
        continues: false,
        message_trace: None,
    }
}
