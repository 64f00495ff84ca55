//! A log line and its origin.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;

use crate::line_splitter::strip_cr;
use crate::trace_id::detect_trace_id;

/// The source of Fulcrum's own lines that concern no domain.
pub const FULCRUM_SOURCE: &str = "fulcrum";

/// Where a line was written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stream {
    /// File descriptor 1 of a domain.
    Stdout,
    /// File descriptor 2 of a domain.
    Stderr,
    /// Fulcrum's own lines, about a domain or about itself.
    Fulcrum,
}

impl Stream {
    /// The name: `stdout`, `stderr` or `fulcrum`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
            Self::Fulcrum => "fulcrum",
        }
    }
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Stream {
    type Err = ParseNameError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "stdout" => Ok(Self::Stdout),
            "stderr" => Ok(Self::Stderr),
            "fulcrum" => Ok(Self::Fulcrum),
            _ => Err(ParseNameError::new(
                "stream",
                name,
                "stdout, stderr, fulcrum",
            )),
        }
    }
}

/// The severity of a line. Ordered: `Trace` is the lowest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    /// Fine-grained steps.
    Trace,
    /// Details for developers.
    Debug,
    /// Normal operation.
    Info,
    /// A possible problem.
    Warn,
    /// A failure.
    Error,
    /// A failure that ends the process.
    Fatal,
}

impl Level {
    /// The name in lower case: `trace` … `fatal`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
            Self::Fatal => "fatal",
        }
    }

    /// Parses the names that loggers use for levels, in any case: besides those of
    /// [`as_str`](Self::as_str) also `warning`, `err`, `critical`, winston's `silly`, `verbose` and
    /// `http`, syslog's `notice`, `alert` and `emerg`, loguru's `success`, and words of three and
    /// four letters: `WRN`, `INF`, `DBG`, `TRC`, `FTL`; `ERRO`, `DEBG`, `TRCE`; `fail`, `dbug`.
    #[must_use]
    pub fn from_name(name: &[u8]) -> Option<Self> {
        // Longer than all names.
        let mut lower = [0; 12];
        let lower = lower.get_mut(..name.len())?;
        lower.copy_from_slice(name);
        lower.make_ascii_lowercase();
        Some(match &*lower {
            b"trace" | b"trce" | b"trc" | b"silly" => Self::Trace,
            b"debug" | b"debg" | b"dbug" | b"dbg" | b"verbose" | b"vrb" | b"http" => Self::Debug,
            b"info" | b"inf" | b"information" | b"notice" | b"success" => Self::Info,
            b"warn" | b"wrn" | b"warning" => Self::Warn,
            b"error" | b"erro" | b"err" | b"fail" => Self::Error,
            b"fatal" | b"ftl" | b"critical" | b"crit" | b"panic" | b"alert" | b"emerg"
            | b"emergency" => Self::Fatal,
            _ => return None,
        })
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Level {
    type Err = ParseNameError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::from_name(name.as_bytes()).ok_or_else(|| {
            ParseNameError::new("level", name, "trace, debug, info, warn, error, fatal")
        })
    }
}

/// A text that names no [`Stream`] or no [`Level`]. Its `Display` lists the valid names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseNameError {
    kind: &'static str,
    name: String,
    known: &'static str,
}

impl ParseNameError {
    fn new(kind: &'static str, name: &str, known: &'static str) -> Self {
        Self {
            kind,
            name: name.to_owned(),
            known,
        }
    }
}

impl fmt::Display for ParseNameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, name, known } = self;
        write!(f, "unknown {kind} `{name}`; use one of: {known}")
    }
}

impl std::error::Error for ParseNameError {}

/// The origin of a line: a generation of a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The domain's name, or [`FULCRUM_SOURCE`]. Shared, since every line has it.
    pub domain: Arc<str>,
    /// The generation; 0 where there is none.
    pub generation: u64,
    /// The process that the pipe was created for; Fulcrum's own pid for its own lines.
    pub pid: u32,
}

/// One line, as the hub delivers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// The position among all lines of the hub, from 1 on, without gaps.
    pub seq: u64,
    /// When the line was read; in the order of `seq` unless the wall clock was set back.
    pub time: SystemTime,
    /// The generation that wrote it.
    pub source: Source,
    /// The stream it was written to.
    pub stream: Stream,
    /// The level, where it is known.
    pub level: Option<Level>,
    /// The bytes as written, without the LF at the end; any bytes, not only UTF-8. Of a CRLF, the CR
    /// is included: see [`content`](Self::content).
    pub message: Bytes,
    /// The line has no end: it was split at [`MAX_LINE`](crate::MAX_LINE), nothing followed for a
    /// while, or the stream ended in the middle of it.
    pub partial: bool,
    /// The line continues the message of an earlier line of its stream, whose level it has. Found by
    /// a [`MessageGrouper`](crate::MessageGrouper).
    pub continues: bool,
    /// Of a line that continues a message, the trace id of the message's first line.
    pub message_trace: Option<Arc<str>>,
}

impl LogLine {
    /// The message without a line end.
    #[must_use]
    pub fn content(&self) -> &[u8] {
        match self.partial {
            true => &self.message,
            false => strip_cr(&self.message),
        }
    }

    /// The content as text, with bytes that are not UTF-8 replaced by U+FFFD.
    #[must_use]
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        let content = self.content();
        // Checks whole words at a time, unlike the other.
        match std::str::from_utf8(content) {
            Ok(text) => text.into(),
            Err(_) => String::from_utf8_lossy(content),
        }
    }

    /// Whether the line has at least a level; without one, every line does.
    pub(crate) fn has_level(&self, min: Option<Level>) -> bool {
        min.is_none_or(|min| self.level.is_some_and(|level| level >= min))
    }

    /// The trace id of the line, or of the message that it continues.
    #[must_use]
    pub fn trace_id(&self) -> Option<std::borrow::Cow<'_, str>> {
        let inherited = || {
            self.message_trace
                .as_deref()
                .map(std::borrow::Cow::Borrowed)
        };
        detect_trace_id(&self.message).or_else(inherited)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_parse_back() {
        for level in [
            Level::Trace,
            Level::Debug,
            Level::Info,
            Level::Warn,
            Level::Error,
            Level::Fatal,
        ] {
            assert_eq!(level.as_str().parse(), Ok(level));
        }
        for stream in [Stream::Stdout, Stream::Stderr, Stream::Fulcrum] {
            assert_eq!(stream.as_str().parse(), Ok(stream));
        }
        assert!(Level::Warn < Level::Error);
    }

    #[test]
    fn an_unknown_name_lists_the_valid_ones() {
        let error = "loud".parse::<Level>().unwrap_err().to_string();
        assert_eq!(
            error,
            "unknown level `loud`; use one of: trace, debug, info, warn, error, fatal"
        );
    }
}
