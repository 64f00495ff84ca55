//! What must hold for any bytes, as one function each: bodies of the cargo-fuzz targets beside
//! this file and of the property tests in `tests/any_bytes.rs`.
//!
//! They know nothing of how it is done: what is allowed is told here a second time.
//!
//! `cargo install cargo-fuzz`, then in `crates/fulcrum-logs`, for one of the functions:
//! `RUSTC_BOOTSTRAP=1 cargo fuzz run splitter -- -max_total_time=60`

use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use fulcrum_logs::store::{RetentionLimits, StoreQuery, StoreReader};
use fulcrum_logs::{
    Hub, HubConfig, Level, LineBatch, LineSplitter, Store, Stream, detect_level, detect_trace_id,
    sanitize,
};

/// The line splitter: nothing is lost or added, no piece is too long, none breaks a character that
/// fits, and it doesn't matter how the bytes came. The first two bytes choose the limit and the
/// chunks.
pub(crate) fn splitter(data: &[u8]) {
    let [limit, step, input @ ..] = data else {
        return;
    };
    let limit = 1 + usize::from(*limit);
    let whole = split(limit, [input]);

    // Sizes of chunks from 1 on, different ones for each step.
    let mut chunks = Vec::new();
    let (mut rest, mut size) = (input, usize::from(*step));
    while !rest.is_empty() {
        size = (size * 5 + 3) % 37;
        let (chunk, later) = rest.split_at((size + 1).min(rest.len()));
        chunks.push(chunk);
        rest = later;
    }
    assert_eq!(split(limit, chunks), whole, "chunks make a difference");

    let mut joined = Vec::new();
    for (bytes, partial) in &whole {
        assert!(bytes.len() <= limit, "a piece is longer than {limit}");
        joined.extend_from_slice(bytes);
        if !partial {
            joined.push(b'\n');
        }
    }
    // Line ends are the only bytes that a line loses, and CRLF is one.
    let mut expected = input.to_vec();
    let mut at = 0;
    while at + 1 < expected.len() {
        if expected[at..].starts_with(b"\r\n") {
            expected.remove(at);
        }
        at += 1;
    }
    assert_eq!(joined, expected, "bytes were lost or added");

    if limit >= 4 && std::str::from_utf8(input).is_ok() {
        for (bytes, _) in &whole {
            assert!(std::str::from_utf8(bytes).is_ok(), "a character was cut");
        }
    }
}

fn split<'a>(limit: usize, chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<(Vec<u8>, bool)> {
    let mut splitter = LineSplitter::new(limit);
    let mut runs = Vec::new();
    for chunk in chunks {
        splitter.push(chunk);
        runs.extend(std::iter::from_fn(|| splitter.next_batch()));
    }
    runs.extend(std::iter::from_fn(|| splitter.finish()));
    let pieces = runs.iter().flat_map(LineBatch::pieces);
    pieces
        .map(|piece| (piece.bytes.to_vec(), piece.partial))
        .collect()
}

/// The terminal sanitiser: valid UTF-8 without anything that drives a terminal but colours, which
/// are all gone where they aren't wanted; a second time changes nothing; and a colour that is left
/// on is told.
pub(crate) fn sanitizer(data: &[u8]) {
    let (plain, open) = sanitised(data, false);
    assert!(!open, "a colour is on where none came out");
    assert_harmless(&plain, &plain);

    let (coloured, open) = sanitised(data, true);
    let (rest, left_on) = without_colours(&coloured);
    assert_harmless(&rest, &coloured);
    assert_eq!(rest, plain, "colours change the text");
    assert_eq!(open, left_on, "of a colour that is left on: {coloured:?}");

    let again = sanitised(coloured.as_bytes(), true);
    assert_eq!(again, (coloured, open), "a second time changes something");
    let again = sanitised(plain.as_bytes(), false);
    assert_eq!(again, (plain, false), "a second time changes something");
}

fn sanitised(data: &[u8], colour: bool) -> (String, bool) {
    let mut out = Vec::new();
    let open = sanitize(data, colour, &mut out);
    (
        String::from_utf8(out).expect("what is shown is UTF-8"),
        open,
    )
}

fn assert_harmless(text: &str, whole: &str) {
    for char in text.chars() {
        let turns = matches!(u32::from(char), 0x2028..=0x202e | 0x2066..=0x2069);
        let drives = char.is_control() && char != '\t';
        assert!(!turns && !drives, "{char:?} came out in {whole:?}");
    }
}

/// The text without `ESC [ digits, semicolons, colons m`, and whether the last of those was
/// anything but zeros.
fn without_colours(text: &str) -> (String, bool) {
    let mut parts = text.split("\u{1b}[");
    let mut rest = parts.next().unwrap_or_default().to_owned();
    let mut left_on = false;
    for part in parts {
        let (parameters, later) = part.split_once('m').expect("a sequence ends with m");
        assert!(
            parameters
                .bytes()
                .all(|byte| b"0123456789;:".contains(&byte)),
            "{parameters:?} are no parameters of a colour"
        );
        left_on = parameters.bytes().any(|byte| !b"0;".contains(&byte));
        rest.push_str(later);
    }
    (rest, left_on)
}

/// Levels and trace ids: an id is a part of the line that needs no escapes anywhere.
pub(crate) fn level_and_trace(data: &[u8]) {
    for stream in [Stream::Stdout, Stream::Stderr, Stream::Fulcrum] {
        let _level = detect_level(data, stream);
    }
    if let Some(id) = detect_trace_id(data) {
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        assert!(
            (1..=64).contains(&id.len()) && id.bytes().all(is_token),
            "{id:?}"
        );
        let mut windows = data.windows(id.len());
        assert!(windows.any(|window| window == id.as_bytes()), "{id:?}");
    }
}

/// The reader of stored logs: whatever has become of a file, no line comes out that is longer than
/// it, none out of order within a record, and somebody who is still writing is believed. The bytes
/// are changes to a file as the store writes it: a place, what to do there, and with what.
pub(crate) fn store(data: &[u8]) {
    let mut file = written().to_vec();
    for change in data.chunks_exact(4) {
        let at = usize::from(u16::from_le_bytes([change[0], change[1]])) % (file.len() + 1);
        match change[2] % 4 {
            0 => file.insert(at, change[3]),
            1 => file.truncate(file.len().saturating_sub(usize::from(change[3]))),
            2 if at < file.len() => file[at] = change[3],
            _ => drop(file.drain(at..file.len().min(at + usize::from(change[3])))),
        }
    }
    let folder = tempfile::tempdir().expect("a folder");
    let own = folder.path().join("users");
    std::fs::create_dir(&own).expect("made");
    std::fs::write(own.join("00000000000000000001.log"), &file).expect("written");
    let archive = StoreReader::open(folder.path()).expect("readable");
    let read = |live| {
        let wanted = StoreQuery {
            has_writer: live,
            ..StoreQuery::default()
        };
        let found = archive.read(&wanted).expect("readable");
        found.map(|found| found.line).collect::<Vec<_>>()
    };
    let (all, whole) = (read(false), read(true));
    let bytes: usize = all.iter().map(|line| line.message.len()).sum();
    assert!(bytes <= file.len(), "more came out than is in it");
    assert!(whole.iter().all(|line| all.contains(line)));
    for n in [0, 1, 3] {
        let mut wanted = StoreQuery::default();
        wanted.query.tail = Some(n);
        let count = archive.count(&wanted).expect("readable");
        assert!(count <= all.len(), "{count} of {}", all.len());
    }
}

/// A file of a few records.
fn written() -> &'static [u8] {
    static FILE: OnceLock<Vec<u8>> = OnceLock::new();
    FILE.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let opened = Store::open(folder.path().to_owned(), RetentionLimits::default());
        let (store, _notices) = opened.expect("opened");
        let hub = Hub::with_store(HubConfig::default(), &store);
        for text in [
            "one",
            "two\nthree",
            "",
            "a longer line than those before it",
        ] {
            let now = SystemTime::UNIX_EPOCH;
            hub.publish_event("users", 1, Level::Info, text.to_owned(), now);
        }
        assert!(store.close(Duration::from_secs(10)), "written in time");
        let file = folder.path().join("users/00000000000000000001.log");
        std::fs::read(file).expect("there")
    })
}
