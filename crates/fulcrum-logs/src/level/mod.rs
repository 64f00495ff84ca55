//! Detects the level of a line from the formats of common loggers.

mod json;
mod plain_head;
mod runtimes;
#[cfg(test)]
mod tests;
mod text;
mod time_token;

use self::plain_head::PlainHead;
use crate::line::{Level, Stream};
use crate::overwritten::last_state;

/// The level of a line, if it has one.
///
/// Color sequences are ignored, except that a word with a color of its own is a level where another
/// word in lower case is part of a sentence. These formats are detected:
/// - JSON objects with `level`, `severity`, `levelname`, `logLevel` and others, as pino and bunyan
///   (numbers) or winston (names) write them, also in `log`, `_meta`, `context` or `record`. Only
///   lines that start with `{` are scanned, up to the level.
/// - logfmt with `level=` near the start.
/// - A name near the start, after times, process ids, and the names of loggers: `ERROR …`,
///   `[warn] …`, `info: …`, `2026-11-29 12:00:00,123 - app.db - ERROR - …`.
/// - The prefixes of Nest, npm, glog and Ruby's logger, and `<3>` of sd-daemon(3).
/// - On standard error, what runtimes print: `TypeError: …`, `Uncaught …`, `Traceback (most …`,
///   `(node:1) DeprecationWarning: …`, `thread 'main' panicked at …`.
///
/// An indented `error: null,` is a property and no level.
#[must_use]
pub fn detect_level(message: &[u8], stream: Stream) -> Option<Level> {
    let message = &*last_state(message);
    if let [b'{', object @ ..] = message.trim_ascii_start() {
        return json::level_of_object(object);
    }
    text::level_of_text(&PlainHead::new(message), stream)
}
