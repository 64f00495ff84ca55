//! Properties that hold for any bytes, one function each: used by the cargo-fuzz targets and by the
//! property tests in `tests/fuzz_smoke.rs`.
//!
//! They do not share code with the implementation: the allowed output is specified here again.
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

/// The line splitter: no byte is lost or added, no slice is too long, no character that fits is
/// split, and the sizes of reads do not matter. The first two bytes determine the limit and the
/// reads.
pub(crate) fn splitter(data: &[u8]) {
    let [limit, step, input @ ..] = data else {
        return;
    };
    let limit = 1 + usize::from(*limit);
    let whole = split(limit, [input]);

    // Reads of 1 to 37 bytes.
    let mut chunks = Vec::new();
    let (mut rest, mut size) = (input, usize::from(*step));
    while !rest.is_empty() {
        size = (size * 5 + 3) % 37;
        let (chunk, later) = rest.split_at((size + 1).min(rest.len()));
        chunks.push(chunk);
        rest = later;
    }
    assert_eq!(split(limit, chunks), whole, "the sizes of reads matter");

    let mut joined = Vec::new();
    for (bytes, partial) in &whole {
        assert!(bytes.len() <= limit, "a slice is longer than {limit}");
        joined.extend_from_slice(bytes);
        if !partial {
            joined.push(b'\n');
        }
    }
    // A line loses its end only, and CRLF is one end.
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
            assert!(std::str::from_utf8(bytes).is_ok(), "a character was split");
        }
    }
}

fn split<'a>(limit: usize, chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<(Vec<u8>, bool)> {
    let mut splitter = LineSplitter::new(limit);
    let mut batches = Vec::new();
    for chunk in chunks {
        splitter.push(chunk);
        batches.extend(std::iter::from_fn(|| splitter.next_batch()));
    }
    batches.extend(std::iter::from_fn(|| splitter.finish()));
    let slices = batches.iter().flat_map(LineBatch::slices);
    slices
        .map(|slice| (slice.bytes.to_vec(), slice.partial))
        .collect()
}

/// The sanitizer: the output is valid UTF-8 without control sequences but colors, without colors if
/// they are off, does not change when sanitized again, and a color that is left on is reported.
pub(crate) fn sanitizer(data: &[u8]) {
    let (plain, open) = sanitized(data, false);
    assert!(!open, "a color is on without colors");
    assert_harmless(&plain, &plain);

    let (with_color, open) = sanitized(data, true);
    let (rest, left_on) = without_colors(&with_color);
    assert_harmless(&rest, &with_color);
    assert_eq!(rest, plain, "colors change the text");
    assert_eq!(open, left_on, "a color that is left on: {with_color:?}");

    let again = sanitized(with_color.as_bytes(), true);
    assert_eq!(
        again,
        (with_color, open),
        "sanitizing again changes the text"
    );
    let again = sanitized(plain.as_bytes(), false);
    assert_eq!(again, (plain, false), "sanitizing again changes the text");
}

fn sanitized(data: &[u8], color: bool) -> (String, bool) {
    let mut out = Vec::new();
    let open = sanitize(data, color, &mut out);
    (String::from_utf8(out).expect("the output is UTF-8"), open)
}

fn assert_harmless(text: &str, whole: &str) {
    for char in text.chars() {
        let is_bidi = matches!(u32::from(char), 0x2028..=0x202e | 0x2066..=0x2069);
        let is_control = char.is_control() && char != '\t';
        assert!(!is_bidi && !is_control, "{char:?} in {whole:?}");
    }
}

/// The text without `ESC [ digits, semicolons, colons m`, and whether the last of those was
/// anything but zeros.
fn without_colors(text: &str) -> (String, bool) {
    let mut parts = text.split("\u{1b}[");
    let mut rest = parts.next().unwrap_or_default().to_owned();
    let mut left_on = false;
    for part in parts {
        let (parameters, later) = part.split_once('m').expect("a sequence ends with m");
        assert!(
            parameters
                .bytes()
                .all(|byte| b"0123456789;:".contains(&byte)),
            "{parameters:?} are no parameters of a color"
        );
        left_on = parameters.bytes().any(|byte| !b"0;".contains(&byte));
        rest.push_str(later);
    }
    (rest, left_on)
}

/// Levels and trace ids: an id is a part of the line and never needs escapes.
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

/// The store reader: whatever changes in a file, the lines are not longer than the file, and lines
/// read while an instance is writing are a subset. The bytes are changes to a file that the store
/// wrote: an offset, an operation, and a value.
pub(crate) fn store(data: &[u8]) {
    let mut file = example_file().to_vec();
    for change in data.chunks_exact(4) {
        let at = usize::from(u16::from_le_bytes([change[0], change[1]])) % (file.len() + 1);
        match change[2] % 4 {
            0 => file.insert(at, change[3]),
            1 => file.truncate(file.len().saturating_sub(usize::from(change[3]))),
            2 if at < file.len() => file[at] = change[3],
            _ => drop(file.drain(at..file.len().min(at + usize::from(change[3])))),
        }
    }
    let dir = tempfile::tempdir().expect("a directory");
    let domain_dir = dir.path().join("users");
    std::fs::create_dir(&domain_dir).expect("created");
    std::fs::write(domain_dir.join("00000000000000000001.log"), &file).expect("written");
    let reader = StoreReader::open(dir.path()).expect("readable");
    let read = |has_writer| {
        let query = StoreQuery {
            has_writer,
            ..StoreQuery::default()
        };
        let found = reader.read(&query);
        found.map(|found| found.line).collect::<Vec<_>>()
    };
    let (all, complete) = (read(false), read(true));
    let bytes: usize = all.iter().map(|line| line.message.len()).sum();
    assert!(bytes <= file.len(), "more bytes than the file");
    assert!(complete.iter().all(|line| all.contains(line)));
    for n in [0, 1, 3] {
        let mut query = StoreQuery::default();
        query.query.tail = Some(n);
        let count = reader.count(&query);
        assert!(count <= all.len(), "{count} of {}", all.len());
    }
}

/// A segment with a few records.
fn example_file() -> &'static [u8] {
    static FILE: OnceLock<Vec<u8>> = OnceLock::new();
    FILE.get_or_init(|| {
        let dir = tempfile::tempdir().expect("a directory");
        let opened = Store::open(dir.path().to_owned(), RetentionLimits::default());
        let (store, _events) = opened.expect("opened");
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
        let file = dir.path().join("users/00000000000000000001.log");
        std::fs::read(file).expect("there")
    })
}
