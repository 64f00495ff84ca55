//! The level in a JSON object.

use crate::json_scanner::JsonScanner;
use crate::line::Level;

/// The level in an object; `object` starts after its `{`. The end may be missing: the level usually
/// comes first.
pub(super) fn level_of_object(object: &[u8]) -> Option<Level> {
    let mut scan = JsonScanner::object(object);
    while let Some((key, value)) = scan.next_entry() {
        let level = match key {
            b"level" | b"Level" | b"lvl" | b"severity" | b"severityText" | b"severity_text"
            | b"log.level" | b"levelname" | b"levelName" | b"level_name" | b"logLevel"
            | b"logLevelName" | b"loglevel" | b"log_level" | b"LogLevel" | b"_logLevel" | b"@l" => {
                level_of_field(value)
            }
            // The Elastic Common Schema, tslog, Roarr, and loguru.
            b"log" | b"_meta" | b"context" | b"record" => match value {
                [b'{', inner @ ..] => level_of_object(inner),
                _ => None,
            },
            _ => None,
        };
        if level.is_some() {
            return level;
        }
    }
    None
}

/// A level, or an object about it: `{"name":"INFO","no":20}` by loguru, `{"levelStr":"INFO"}` by
/// log4js.
fn level_of_field(value: &[u8]) -> Option<Level> {
    let [b'{', object @ ..] = value else {
        return level_of_value(value);
    };
    let mut scan = JsonScanner::object(object);
    while let Some((key, value)) = scan.next_entry() {
        if matches!(key, b"name" | b"levelStr") {
            return level_of_value(value);
        }
    }
    None
}

/// A level by its name or number, with or without quotes.
pub(super) fn level_of_value(value: &[u8]) -> Option<Level> {
    let word = match value {
        [b'"', word @ .., b'"'] => word,
        bare => bare,
    };
    if !word.first()?.is_ascii_digit() {
        // `true` and `null` are no names of levels, so quotes need not be checked.
        return level_of_word(word);
    }
    // The scale of pino and bunyan; custom levels count as the next lower known one.
    let number: u32 = std::str::from_utf8(word).ok()?.parse().ok()?;
    match number {
        0..=9 => None,
        10..=19 => Some(Level::Trace),
        20..=29 => Some(Level::Debug),
        30..=39 => Some(Level::Info),
        40..=49 => Some(Level::Warn),
        50..=59 => Some(Level::Error),
        60.. => Some(Level::Fatal),
    }
}

/// A name as the value of a key: besides the known ones, `log` of Nest, and `ERROR+4` of Go's slog,
/// whose levels lie between two names.
fn level_of_word(word: &[u8]) -> Option<Level> {
    if word == b"log" {
        return Some(Level::Info);
    }
    let name_end = word.iter().position(|byte| matches!(byte, b'+' | b'-'));
    let (name, offset) = word.split_at(name_end.unwrap_or(word.len()));
    let is_offset =
        offset.is_empty() || (offset.len() > 1 && offset[1..].iter().all(u8::is_ascii_digit));
    let level = Level::from_name(name).filter(|_| is_offset)?;
    // slog has no trace level; below debug, it writes `DEBUG-4`.
    match (level, offset.first()) {
        (Level::Debug, Some(b'-')) => Some(Level::Trace),
        (level, _) => Some(level),
    }
}
