//! The level in a line of text.

use super::json::level_of_value;
use super::plain_head::PlainHead;
use super::runtimes::{
    level_of_letter, level_of_nest, level_of_npm, level_of_stderr, level_of_syslog,
};
use super::time_token::time_length;
use crate::line::{Level, Stream};

/// Longer than all names of levels, in bytes.
const MAX_LEVEL_WORD: usize = 12;
/// Longer than the names of errors, in bytes.
const MAX_WORD: usize = 40;
/// Times, process ids and names before a level, at most.
const MAX_FIELDS: usize = 8;
/// Longer than the names of loggers, in bytes.
const MAX_LOGGER_NAME: usize = 64;
/// A symbol before a message, in bytes.
const MAX_SYMBOL: usize = 8;

pub(super) fn level_of_text(head: &PlainHead<'_>, stream: Stream) -> Option<Level> {
    let text = head.text();
    let indent = text.len() - text.trim_ascii_start().len();
    match &text[indent..] {
        [b'[', b'N', b'e', b's', b't', b']', nest @ ..] => return level_of_nest(nest),
        [b'n', b'p', b'm', b' ', npm @ ..] => return level_of_npm(npm),
        [b'<', digit @ b'0'..=b'7', b'>', ..] => return Some(level_of_syslog(*digit)),
        rest => {
            if let Some(level) = level_of_letter(rest) {
                return Some(level);
            }
        }
    }
    let mut scan = Scan {
        head,
        text,
        at: indent,
        indented: indent > 0,
        timed: false,
        named: false,
        symbol: None,
        before: Separator::Space,
    };
    if indent == 0
        && stream == Stream::Stderr
        && let Some(level) = scan.level_of_crash()
    {
        return Some(level);
    }
    for _ in 0..MAX_FIELDS {
        match scan.next_field() {
            Field::Level(level) => return Some(level),
            Field::Prefix => {}
            Field::Text => break,
        }
    }
    scan.symbol.flatten()
}

/// What stands between two fields.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Separator {
    Space,
    Tab,
    Bar,
    Dash,
    Arrow,
}

/// A part of the line before the message.
enum Field {
    Level(Level),
    /// A time, a process id, the name of a logger.
    Prefix,
    /// The message: no level can follow.
    Text,
}

struct Scan<'a> {
    head: &'a PlainHead<'a>,
    text: &'a [u8],
    at: usize,
    indented: bool,
    /// A time came before.
    timed: bool,
    /// A plain word that may be a logger's name came before.
    named: bool,
    /// A symbol came before, with its level where it means one.
    symbol: Option<Option<Level>>,
    before: Separator,
}

impl<'a> Scan<'a> {
    fn rest(&self) -> &'a [u8] {
        &self.text[self.at..]
    }

    fn level_of_crash(&self) -> Option<Level> {
        // `[UnhandledPromiseRejection: …`
        let text = self.text.strip_prefix(b"[").unwrap_or(self.text);
        let (word, after) = split_word(text);
        level_of_stderr(self.text, word, after)
    }

    fn next_field(&mut self) -> Field {
        self.before = self.skip_separators();
        if let Some(length) = time_length(self.rest(), self.timed) {
            self.timed = true;
            self.at += length;
            return Field::Prefix;
        }
        match self.rest() {
            [] => Field::Text,
            [open @ (b'[' | b'(' | b'<'), ..] => self.bracket(*open),
            [byte, ..] if byte.is_ascii_alphanumeric() || *byte == b'_' => self.word(),
            [byte, ..] if !byte.is_ascii() => self.symbol(),
            _ => Field::Text,
        }
    }

    /// Skips white space and one separator.
    fn skip_separators(&mut self) -> Separator {
        let mut found = Separator::Space;
        loop {
            let (length, separator) = match self.rest() {
                [b'\t', ..] if found == Separator::Space => (1, Separator::Tab),
                [byte, ..] if byte.is_ascii_whitespace() => (1, found),
                [b'|', ..] => (1, Separator::Bar),
                [b'-' | b':', b' ', ..] => (1, Separator::Dash),
                [b'-', b'-', b'-', b' ', ..] => (3, Separator::Dash),
                [0xe2, 0x80, 0x93 | 0x94, b' ', ..] => (3, Separator::Dash),
                [b'>', b' ', ..] => (1, Separator::Arrow),
                // `›` and `»`.
                [0xe2, 0x80, 0xba, ..] => (3, Separator::Arrow),
                [0xc2, 0xbb, ..] => (2, Separator::Arrow),
                _ => return found,
            };
            self.at += length;
            found = separator;
        }
    }

    /// `[info     ]`, `[2026-11-29T12:00:00Z ERROR app]`, `[4242]`, `[router]`.
    fn bracket(&mut self, open: u8) -> Field {
        let close = match open {
            b'[' => b']',
            b'(' => b')',
            _ => b'>',
        };
        let inner = &self.rest()[1..];
        let Some(end) = memchr::memchr(close, inner) else {
            return Field::Text;
        };
        let inner = &inner[..end];
        let (level, timed) = level_in_brackets(inner);
        self.timed |= timed;
        self.at += end + 2;
        level.map_or(Field::Prefix, Field::Level)
    }

    fn word(&mut self) -> Field {
        let (word, after) = split_word(self.rest());
        if let Some(level) = Level::from_name(word)
            && self.is_level(word, after)
        {
            return Field::Level(level);
        }
        let token = self.token();
        if token.contains(&b'=') {
            // Without a level among the first pairs, there is none.
            return level_of_logfmt(self.rest()).map_or(Field::Text, Field::Level);
        }
        if !self.is_logger_name(token) {
            return Field::Text;
        }
        self.at += token.len();
        Field::Prefix
    }

    /// Whether a level's name is meant as one. `ERROR` is; `Error` at the start of a sentence is one
    /// only before a colon, between the same separators, or with a color of its own.
    fn is_level(&self, word: &[u8], after: &[u8]) -> bool {
        let next = after.trim_ascii_start();
        let between_separators = match self.before {
            Separator::Bar => next.starts_with(b"|"),
            Separator::Dash => after.starts_with(b" ") && next.starts_with(b"- "),
            Separator::Tab => after.starts_with(b"\t"),
            Separator::Space | Separator::Arrow => false,
        };
        let is_colored =
            self.head.changes_color_at(self.at) && self.head.changes_color_at(self.at + word.len());
        // signale aligns its messages.
        let is_column = self.symbol.is_some() && (after.starts_with(b"  ") || after.is_empty());
        if between_separators || is_colored || is_column {
            return true;
        }
        match after {
            // A URL, `http://…`.
            [b':', b'/', ..] => false,
            // `  error: null,` is a property.
            [b':', ..] => !self.indented || self.timed,
            [] | [b' ' | b'\t' | b']' | b'|' | b'-' | b',' | b'(' | b'[', ..] => {
                // `HTTP` begins the message of an access log.
                word.iter().all(u8::is_ascii_uppercase) && word != b"HTTP"
            }
            _ => false,
        }
    }

    /// The word up to white space or a bar.
    fn token(&self) -> &'a [u8] {
        let rest = self.rest();
        let end = rest
            .iter()
            .position(|byte| byte.is_ascii_whitespace() || *byte == b'|');
        &rest[..end.unwrap_or(rest.len())]
    }

    /// Whether a word before the level may be the name of a logger, a number of a process, or the
    /// like. After a time, one word in lower case may be; else only what a separator follows.
    fn is_logger_name(&mut self, token: &[u8]) -> bool {
        let is_name_byte = |byte: &u8| byte.is_ascii_alphanumeric() || b"._:/@#$~-".contains(byte);
        let name = without_pid(token);
        if token.len() > MAX_LOGGER_NAME || !name.iter().all(is_name_byte) {
            return false;
        }
        let later = self.text[self.at + token.len()..].trim_ascii_start();
        let has_separator = later.starts_with(b"|")
            || later.starts_with(b"- ")
            || later.starts_with(b"> ")
            || later.starts_with("›".as_bytes());
        if has_separator {
            return true;
        }
        let is_plain = token.iter().all(u8::is_ascii_alphabetic);
        if !is_plain {
            return self.timed;
        }
        let is_first = !std::mem::replace(&mut self.named, true);
        self.timed && is_first && token[0].is_ascii_lowercase()
    }

    /// `✖`, `⚠`: signale and others write one before the level, or instead of it.
    fn symbol(&mut self) -> Field {
        let token = self.token();
        if token.len() > MAX_SYMBOL || token.iter().any(u8::is_ascii) || self.symbol.is_some() {
            return Field::Text;
        }
        let is_colored = self.head.changes_color_at(self.at)
            && self.head.changes_color_at(self.at + token.len());
        let level = match token {
            [0xe2, 0x84, 0xb9, ..] => Some(Level::Info),
            [0xe2, 0x9a, 0xa0, ..] => Some(Level::Warn),
            [0xe2, 0x9c, 0x96, ..] | [0xe2, 0xa8, 0xaf, ..] => Some(Level::Error),
            // consola has no other mark of these levels: `✔`, `⚙`, `→`. In a text they are none.
            [0xe2, 0x9c, 0x94, ..] if is_colored => Some(Level::Info),
            [0xe2, 0x9a, 0x99, ..] if is_colored => Some(Level::Debug),
            [0xe2, 0x86, 0x92, ..] if is_colored => Some(Level::Trace),
            _ => None,
        };
        self.at += token.len();
        self.symbol = Some(level);
        Field::Prefix
    }
}

/// `app.db[4242]`: the name before a process id.
fn without_pid(token: &[u8]) -> &[u8] {
    let Some(inner) = token.strip_suffix(b"]") else {
        return token;
    };
    match memchr::memrchr(b'[', inner) {
        Some(at) if inner[at + 1..].iter().all(u8::is_ascii_digit) => &inner[..at],
        _ => token,
    }
}

/// The letters and digits at the start of a text, and what follows.
fn split_word(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text
        .iter()
        .take(MAX_WORD)
        .position(|byte| !byte.is_ascii_alphanumeric());
    text.split_at(end.unwrap_or(text.len().min(MAX_WORD)))
}

/// The level between brackets, and whether there is a time.
fn level_in_brackets(inner: &[u8]) -> (Option<Level>, bool) {
    let mut rest = inner.trim_ascii();
    if let Some(level) = level_of_letter(rest) {
        return (Some(level), true);
    }
    let mut timed = false;
    while let Some(length) = time_length(rest, timed) {
        timed = true;
        rest = rest[length..].trim_ascii_start();
        // `[12:00:00,123: INFO/MainProcess]`
        rest = rest.strip_prefix(b": ").unwrap_or(rest);
    }
    // `[stdout#error]`
    let whole = rest.rsplit(|byte| *byte == b'#').next().unwrap_or(rest);
    if whole.len() <= MAX_LEVEL_WORD
        && let Some(level) = Level::from_name(whole)
    {
        return (Some(level), timed);
    }
    let (word, after) = split_word(rest);
    let is_level = word.iter().all(u8::is_ascii_uppercase)
        && matches!(after, [b' ' | b'/' | b':' | b',' | b'|' | b'\t', ..]);
    (Level::from_name(word).filter(|_| is_level), timed)
}

/// `time=… level=info msg=…`: the level, if only keys and values come before it.
fn level_of_logfmt(head: &[u8]) -> Option<Level> {
    for token in head.split(u8::is_ascii_whitespace) {
        let end = token.iter().position(|byte| *byte == b'=')?;
        let (key, value) = (&token[..end], &token[end + 1..]);
        if matches!(key, b"level" | b"lvl" | b"severity" | b"loglevel") {
            return level_of_value(value);
        }
        // Quoted text may contain anything.
        if matches!(value, [b'"', text @ ..] if !text.ends_with(b"\"")) {
            return None;
        }
    }
    None
}
