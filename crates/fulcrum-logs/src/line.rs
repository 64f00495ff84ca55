//! One line and where it came from.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;

use crate::line_splitter::strip_cr;

/// The name under which Fulcrum itself speaks when a line concerns no domain in particular.
pub const FULCRUM_SOURCE: &str = "fulcrum";

/// Which mouth a line came out of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stream {
    /// File descriptor 1 of a domain.
    Stdout,
    /// File descriptor 2 of a domain.
    Stderr,
    /// Fulcrum's own words, about a domain or about itself.
    Fulcrum,
}

impl Stream {
    /// The word of the contract: `stdout`, `stderr` or `fulcrum`.
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

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        match word {
            "stdout" => Ok(Self::Stdout),
            "stderr" => Ok(Self::Stderr),
            "fulcrum" => Ok(Self::Fulcrum),
            _ => Err(ParseNameError::new(
                "stream",
                word,
                "stdout, stderr, fulcrum",
            )),
        }
    }
}

/// How serious a line is, as its writer put it. Ordered: `Trace` is the least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    /// Every step.
    Trace,
    /// For the one who develops.
    Debug,
    /// What is to be expected.
    Info,
    /// Should be looked at.
    Warn,
    /// Something failed.
    Error,
    /// The process can't go on.
    Fatal,
}

impl Level {
    /// The word of the contract, in lower case: `trace` … `fatal`.
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

    /// Reads the words that loggers use for levels, in any case: besides our own also `warning`,
    /// `err`, `critical`, winston's `silly`, `verbose` and `http`, syslog's `notice`, `alert`,
    /// `emerg`.
    #[must_use]
    pub fn from_word(word: &[u8]) -> Option<Self> {
        const WORDS: [(&[u8], Level); 19] = [
            (b"trace", Level::Trace),
            (b"silly", Level::Trace),
            (b"debug", Level::Debug),
            (b"verbose", Level::Debug),
            (b"http", Level::Debug),
            (b"info", Level::Info),
            (b"information", Level::Info),
            (b"notice", Level::Info),
            (b"warn", Level::Warn),
            (b"warning", Level::Warn),
            (b"error", Level::Error),
            (b"err", Level::Error),
            (b"fatal", Level::Fatal),
            (b"critical", Level::Fatal),
            (b"crit", Level::Fatal),
            (b"panic", Level::Fatal),
            (b"alert", Level::Fatal),
            (b"emerg", Level::Fatal),
            (b"emergency", Level::Fatal),
        ];
        WORDS
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(word))
            .map(|(_, level)| *level)
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Level {
    type Err = ParseNameError;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::from_word(word.as_bytes()).ok_or_else(|| {
            ParseNameError::new("level", word, "trace, debug, info, warn, error, fatal")
        })
    }
}

/// A word that names no [`Stream`] or no [`Level`]; its text lists those that do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseNameError {
    kind: &'static str,
    word: String,
    known: &'static str,
}

impl ParseNameError {
    fn new(kind: &'static str, word: &str, known: &'static str) -> Self {
        Self {
            kind,
            word: word.to_owned(),
            known,
        }
    }
}

impl fmt::Display for ParseNameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, word, known } = self;
        write!(f, "unknown {kind} `{word}`; use one of: {known}")
    }
}

impl std::error::Error for ParseNameError {}

/// Who wrote a line: one life of one domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The domain's name, [`FULCRUM`] for what concerns none. Shared, since every line carries it.
    pub domain: Arc<str>,
    /// Number of the domain's life; 0 where there is none.
    pub generation: u64,
    /// The process at the writing end when the pipe was made; Fulcrum's own for its own words.
    pub pid: u32,
}

/// One line, as the hub hands it on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// Position in the instance's one order of lines; starts at 1, no number is left out.
    pub seq: u64,
    /// When Fulcrum read it, in the order of `seq` unless the wall clock was set back.
    pub time: SystemTime,
    /// Who wrote it.
    pub source: Source,
    /// Through which stream.
    pub stream: Stream,
    /// How serious, where it could be told.
    pub level: Option<Level>,
    /// The bytes as written, without the LF at their end; any bytes, not only UTF-8. Where the line
    /// ended with CRLF, the CR is there: see [`said`](Self::said).
    pub message: Bytes,
    /// The writer hasn't ended this line: it was cut at [`MAX_LINE`](crate::MAX_LINE), or the
    /// stream ended in the middle of it.
    pub partial: bool,
}

impl LogLine {
    /// The message without any line end.
    #[must_use]
    pub fn content(&self) -> &[u8] {
        match self.partial {
            true => &self.message,
            false => strip_cr(&self.message),
        }
    }

    /// The same as text, bytes that aren't UTF-8 replaced by U+FFFD.
    #[must_use]
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(self.content())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_the_contract_read_back() {
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
    fn an_unknown_word_lists_the_known_ones() {
        let told = "loud".parse::<Level>().unwrap_err().to_string();
        assert_eq!(
            told,
            "unknown level `loud`; use one of: trace, debug, info, warn, error, fatal"
        );
    }
}
