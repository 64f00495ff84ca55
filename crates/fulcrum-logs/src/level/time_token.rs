//! Recognizes the parts of times that loggers write before a level.

/// What a time at the start of a text may be written in, in bytes of one word.
const MAX_TOKEN: usize = 40;

/// Longer than the names of months, days and zones, in bytes.
const MAX_NAME: usize = 5;

/// The length of the word at the start of `text` if it is part of a time: a date, a time of day, a
/// month before a day, seconds since 1970 or since the start. Zones and `PM` count only after
/// another part (`timed`).
pub(super) fn time_length(text: &[u8], timed: bool) -> Option<usize> {
    let first = *text.first()?;
    // Fast path: most lines do not start with a time.
    if !first.is_ascii_digit() && !first.is_ascii_alphabetic() && first != b'+' {
        return None;
    }
    let is_named = first.is_ascii_alphabetic();
    let longest = text.len().min(if is_named { MAX_NAME } else { MAX_TOKEN });
    let length = text[..longest]
        .iter()
        .position(|byte| byte.is_ascii_whitespace() || matches!(byte, b'|' | b']' | b'['))
        .unwrap_or(longest);
    let (token, after) = text.split_at(length);
    let is_time = if is_named {
        is_named_part(token, after, timed)
    } else {
        is_numeric_part(token, timed)
    };
    is_time.then_some(length)
}

/// `Nov` before a day, `Sun,`; `PM` and `UTC` after a time.
fn is_named_part(token: &[u8], after: &[u8], timed: bool) -> bool {
    const NAMES: [&[u8; 3]; 19] = [
        b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov",
        b"Dec", b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun",
    ];
    if timed && matches!(token, b"AM" | b"PM" | b"UTC" | b"GMT") {
        return true;
    }
    let name = token.strip_suffix(b",").unwrap_or(token);
    let is_name = NAMES.iter().any(|known| known[..] == *name);
    let next = after.trim_ascii_start().first();
    is_name && next.is_some_and(|next| timed || next.is_ascii_digit() || next.is_ascii_uppercase())
}

/// `2026-11-29T12:00:00.123Z`, `12:00PM`, `0.000112s`, `1764417600.123`, `+0100`.
fn is_numeric_part(token: &[u8], timed: bool) -> bool {
    let token = token
        .strip_suffix(b"PM")
        .or_else(|| token.strip_suffix(b"AM"))
        .unwrap_or(token);
    let mut digits = 0;
    let mut has_separator = false;
    for byte in token {
        match byte {
            b'0'..=b'9' => digits += 1,
            b':' | b'-' | b'/' => has_separator = true,
            b'.' | b'T' | b'Z' | b'+' | b',' => {}
            // An uptime ends with its unit.
            b's' if token.ends_with(b"s") && token.contains(&b'.') => has_separator = true,
            _ => return false,
        }
    }
    let is_zone = timed && token.starts_with(b"+");
    digits > 0 && (has_separator || is_zone || digits >= 10)
}
