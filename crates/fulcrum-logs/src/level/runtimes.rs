//! What runtimes and a few tools with prefixes of their own print.

use crate::line::Level;

/// Longer than the prefixes of npm, in bytes.
const MAX_NPM_WORD: usize = 12;

/// `[Nest] 4242  - 11/24/2026, 8:00:00 PM     LOG [Router] …`; `rest` starts after `[Nest]`.
pub(super) fn level_of_nest(rest: &[u8]) -> Option<Level> {
    let mut words = rest
        .split(u8::is_ascii_whitespace)
        .filter(|word| word.first().is_some_and(u8::is_ascii_alphabetic))
        .filter(|word| !matches!(word, [b'A' | b'P', b'M', ..]));
    let word = words.next()?;
    let end = word.iter().position(|byte| !byte.is_ascii_alphabetic());
    match &word[..end.unwrap_or(word.len())] {
        b"LOG" => Some(Level::Info),
        word if word.iter().all(u8::is_ascii_uppercase) => Level::from_name(word),
        _ => None,
    }
}

/// `npm ERR! code ENOENT`, and `npm error code ENOENT` since npm 10; `rest` starts after `npm `.
pub(super) fn level_of_npm(rest: &[u8]) -> Option<Level> {
    let rest = rest.trim_ascii_start();
    let end = rest
        .iter()
        .take(MAX_NPM_WORD)
        .position(|byte| !byte.is_ascii_alphabetic());
    match &rest[..end.unwrap_or(rest.len().min(MAX_NPM_WORD))] {
        b"ERR" | b"error" => Some(Level::Error),
        b"WARN" | b"warn" => Some(Level::Warn),
        b"notice" | b"info" => Some(Level::Info),
        b"verb" | b"http" | b"timing" => Some(Level::Debug),
        b"sill" | b"silly" => Some(Level::Trace),
        _ => None,
    }
}

/// The severity of sd-daemon(3), which is that of syslog.
pub(super) fn level_of_syslog(digit: u8) -> Level {
    match digit {
        b'0'..=b'2' => Level::Fatal,
        b'3' => Level::Error,
        b'4' => Level::Warn,
        b'5' | b'6' => Level::Info,
        _ => Level::Debug,
    }
}

/// `I1129 12:00:00.123456 …` of glog, klog and absl; `I, [2026-…` of Ruby; `I 261129 12:00:00` in
/// the brackets of Tornado.
pub(super) fn level_of_letter(text: &[u8]) -> Option<Level> {
    let [letter, after @ ..] = text else {
        return None;
    };
    let is_prefix = match after {
        [a, b, c, d, b' ', hour, ..] => [a, b, c, d, hour].iter().all(|one| one.is_ascii_digit()),
        _ => false,
    } || after.starts_with(b", [")
        || matches!(after, [b' ', digit, later @ ..]
            if digit.is_ascii_digit() && later.contains(&b':'));
    if !is_prefix {
        return None;
    }
    match letter {
        b'D' => Some(Level::Debug),
        b'I' => Some(Level::Info),
        b'W' => Some(Level::Warn),
        b'E' => Some(Level::Error),
        b'F' | b'C' => Some(Level::Fatal),
        _ => None,
    }
}

/// What Node, Python, Rust and Java print on standard error: `head` is the line's start, `word` its
/// first word, `after` what follows the word.
pub(super) fn level_of_stderr(head: &[u8], word: &[u8], after: &[u8]) -> Option<Level> {
    let is_name = after.starts_with(b":") || after.starts_with(b" [");
    let is_error = is_name
        && (word.ends_with(b"Error")
            || word == b"DOMException"
            || word == b"UnhandledPromiseRejection");
    let is_crash = head.starts_with(b"Uncaught ")
        || head.starts_with(b"Traceback (most recent call last)")
        || head.starts_with(b"Exception in thread ")
        || (head.starts_with(b"thread '") && contains(head, b"panicked at"));
    if is_error || is_crash {
        return Some(Level::Error);
    }
    let is_warning = head.starts_with(b"(node:") && contains(head, b"Warning:");
    is_warning.then_some(Level::Warn)
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    memchr::memmem::find(text, part).is_some()
}
