//! The store: each published line is in it once, in order, whatever happens.

#![expect(clippy::disallowed_methods, reason = "real files in real time")]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use fulcrum_logs::store::{
    GenerationFilter, GenerationRef, RetentionLimits, StoreEvent, StoreQuery, StoreReader, Stored,
    StoredLine,
};
use fulcrum_logs::{
    FULCRUM_SOURCE, Hub, HubConfig, Level, LogLine, LogQuery, Source, Store, Stream,
};
use proptest::prelude::*;
use tempfile::TempDir;

const LIMIT: Duration = Duration::from_secs(10);

/// Small enough that a few lines fill a file.
fn small() -> RetentionLimits {
    RetentionLimits {
        file_bytes: 400,
        files: 1_000,
        ..RetentionLimits::default()
    }
}

fn at(millis: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_000 + millis)
}

fn publish(hub: &Hub, domain: &str, generation: u64, text: &str, millis: u64) -> u64 {
    let source = Source {
        domain: Arc::from(domain),
        generation,
        pid: 7,
    };
    let text = Bytes::copy_from_slice(text.as_bytes());
    hub.publish(source, Stream::Stdout, None, text, false, at(millis))
}

/// One run of an instance that publishes lines. Returns the id of the run.
fn run(dir: &Path, limits: RetentionLimits, write: impl FnOnce(&Hub)) -> u64 {
    let (store, _events) = Store::open(dir.to_owned(), limits).expect("opened");
    let run = store.run();
    let hub = Hub::with_store(HubConfig::default(), &store);
    write(&hub);
    assert!(store.close(LIMIT), "written in time");
    run
}

fn read(dir: &Path, query: &StoreQuery) -> Vec<StoredLine> {
    let reader = StoreReader::open(dir).expect("readable");
    reader.read(query).collect()
}

fn texts(found: &[StoredLine]) -> Vec<String> {
    let lines = found.iter();
    lines.map(|found| found.line.text().into_owned()).collect()
}

fn all(dir: &Path) -> Vec<String> {
    texts(&read(dir, &StoreQuery::default()))
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).expect("a directory");
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.sort();
    files
}

fn wait_until(condition: &str, mut holds: impl FnMut() -> bool) {
    let start = std::time::Instant::now();
    while !holds() {
        assert!(start.elapsed() < LIMIT, "timed out: {condition}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn lines_are_read_as_they_were_written() {
    let dir = TempDir::new().expect("a directory");
    run(dir.path(), RetentionLimits::default(), |hub| {
        publish(hub, "users", 3, "héllo \u{1b}[31m\r", 5);
        hub.publish_event("users", 3, Level::Warn, "two\nlines".to_owned(), at(6));
        let source = Source {
            domain: Arc::from("orders"),
            generation: 1,
            pid: 9,
        };
        let message = Bytes::from_static(b"\xff\0unfinished");
        hub.publish(source, Stream::Stderr, None, message, true, at(7));
    });
    let found = read(dir.path(), &StoreQuery::default());
    let fields: Vec<_> = found
        .iter()
        .map(|StoredLine { line, .. }| {
            let Source {
                domain,
                generation,
                pid,
            } = &line.source;
            (
                line.seq,
                &**domain,
                *generation,
                *pid,
                line.stream,
                line.level,
                line.partial,
            )
        })
        .collect();
    let me = std::process::id();
    assert_eq!(
        fields,
        [
            (1, "users", 3, 7, Stream::Stdout, None, false),
            (2, "users", 3, me, Stream::Fulcrum, Some(Level::Warn), false),
            (3, "users", 3, me, Stream::Fulcrum, Some(Level::Warn), false),
            (4, "orders", 1, 9, Stream::Stderr, None, true),
        ]
    );
    assert_eq!(found[0].line.message, "héllo \u{1b}[31m\r");
    assert_eq!(found[3].line.message, &b"\xff\0unfinished"[..]);
    assert_eq!(found[2].line.time, at(6));
}

#[test]
fn an_empty_store_and_a_missing_one_are_readable() {
    let dir = TempDir::new().expect("a directory");
    assert_eq!(all(&dir.path().join("nothing")), Vec::<String>::new());
    run(&dir.path().join("logs"), RetentionLimits::default(), |_| {});
    assert_eq!(all(&dir.path().join("logs")), Vec::<String>::new());
}

#[test]
fn numbers_continue_in_the_next_run() {
    let dir = TempDir::new().expect("a directory");
    let first = run(dir.path(), small(), |hub| {
        for number in 0..20 {
            publish(hub, "users", 1, &format!("first {number}"), number);
        }
    });
    let second = run(dir.path(), small(), |hub| {
        assert_eq!(publish(hub, "users", 1, "second", 30), 21);
    });
    assert!(second > first);
    let found = read(dir.path(), &StoreQuery::default());
    assert_eq!(found.len(), 21);
    assert_eq!(found[19].run, first);
    assert_eq!((found[20].run, found[20].line.seq), (second, 21));
}

#[test]
fn full_segments_are_compressed_without_loss() {
    let dir = TempDir::new().expect("a directory");
    let users = dir.path().join("users");
    let (store, _events) = Store::open(dir.path().to_owned(), small()).expect("opened");
    let hub = Hub::with_store(HubConfig::default(), &store);
    let texts: Vec<String> = (0..200).map(|number| format!("line {number}")).collect();
    for (millis, text) in texts.iter().enumerate() {
        publish(&hub, "users", 1, text, millis as u64);
    }
    wait_until("all is written", || all(dir.path()) == texts);
    wait_until("all full files are compressed", || {
        users.exists() && {
            let files = files(&users);
            let plain = files
                .iter()
                .filter(|file| file.extension() == Some("log".as_ref()));
            files.len() > 10 && plain.count() <= 1
        }
    });
    assert_eq!(all(dir.path()), texts);
    assert!(store.close(LIMIT));
    assert_eq!(all(dir.path()), texts);
}

#[test]
fn files_are_private_and_symbolic_links_are_not_followed() {
    let dir = TempDir::new().expect("a directory");
    let logs = dir.path().join("logs");
    let other_file = dir.path().join("other_file");
    fs::write(&other_file, "untouched").expect("written");
    fs::create_dir_all(logs.join("users")).expect("made");
    fs::set_permissions(logs.join("users"), fs::Permissions::from_mode(0o777)).expect("set");
    symlink(&other_file, logs.join("users/00000000000000000001.log")).expect("made");
    let (store, mut events) =
        Store::open(logs.clone(), RetentionLimits::default()).expect("opened");
    let hub = Hub::with_store(HubConfig::default(), &store);
    publish(&hub, "users", 1, "one", 1);
    publish(&hub, "orders", 1, "two", 2);
    assert!(store.close(LIMIT));
    assert_eq!(fs::read_to_string(&other_file).expect("there"), "untouched");
    assert!(matches!(events.try_recv(), Ok(StoreEvent::Failing { .. })));
    assert_eq!(all(&logs), ["two"]);
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&logs), 0o700);
    assert_eq!(mode(&logs.join("users")), 0o700);
    assert_eq!(mode(&logs.join("orders/00000000000000000002.log")), 0o600);
}

#[test]
fn a_removed_directory_is_created_again() {
    let dir = TempDir::new().expect("a directory");
    let logs = dir.path().join("logs");
    let (store, _events) = Store::open(logs.clone(), RetentionLimits::default()).expect("opened");
    let hub = Hub::with_store(HubConfig::default(), &store);
    publish(&hub, "users", 1, "before", 1);
    wait_until("the line is written", || {
        logs.exists() && all(&logs) == ["before"]
    });
    fs::remove_dir_all(&logs).expect("removed");
    publish(&hub, "users", 1, "after", 2);
    wait_until("the line is in a new directory", || {
        logs.exists() && all(&logs) == ["after"]
    });
    drop(store);
}

#[test]
fn dropped_lines_are_counted_and_reported() {
    let dir = TempDir::new().expect("a directory");
    let (store, mut events) = Store::open(dir.path().to_owned(), small()).expect("opened");
    let hub = Hub::with_store(HubConfig::default(), &store);
    // A file with the name of the domain's directory.
    fs::write(dir.path().join("users"), "").expect("written");
    publish(&hub, "users", 1, "one", 1);
    publish(&hub, "users", 1, "two", 2);
    let mut event = None;
    wait_until("a failure is reported", || {
        event = events.try_recv().ok().or(event.take());
        event.is_some()
    });
    let Some(StoreEvent::Failing { reason }) = event else {
        panic!("{event:?}");
    };
    assert!(reason.contains("users"), "{reason}");
    wait_until("both are in memory", || {
        hub.tail(&LogQuery::default()).len() == 2
    });
    fs::remove_file(dir.path().join("users")).expect("removed");
    let mut millis = 3;
    wait_until("recovery is reported", || {
        millis += 1;
        publish(&hub, "users", 1, "more", millis);
        match events.try_recv() {
            Ok(StoreEvent::Resumed { dropped }) => {
                assert!(dropped["users"] >= 2, "{dropped:?}");
                true
            }
            _ => false,
        }
    });
    assert!(store.close(LIMIT));
    assert_eq!(all(dir.path()).last().map(String::as_str), Some("more"));
}

/// A kill may leave a file that ends anywhere.
#[test]
fn a_torn_file_is_read_to_its_end_and_continued() {
    let dir = TempDir::new().expect("a directory");
    run(dir.path(), RetentionLimits::default(), |hub| {
        for (millis, text) in ["one", "two", "three"].into_iter().enumerate() {
            publish(hub, "users", 1, text, millis as u64);
        }
    });
    let file = dir.path().join("users/00000000000000000001.log");
    let complete = fs::read(&file).expect("there");
    for length in (0..complete.len()).rev() {
        fs::write(&file, &complete[..length]).expect("written");
        let found = read(dir.path(), &StoreQuery::default());
        for (StoredLine { line, .. }, text) in found.iter().zip(["one", "two", "three"]) {
            if line.partial {
                assert!(text.starts_with(&*line.text()), "{length}: {line:?}");
            } else {
                assert_eq!(line.text(), text, "{length}");
            }
        }
        let partial = found.iter().rev().skip(1).any(|found| found.line.partial);
        assert!(!partial, "only the last one is torn: {found:?}");
        // While an instance is writing, an incomplete record is omitted.
        let query = StoreQuery {
            has_writer: true,
            ..StoreQuery::default()
        };
        assert!(
            read(dir.path(), &query)
                .iter()
                .all(|found| !found.line.partial)
        );
    }
    fs::write(&file, &complete[..complete.len() - 3]).expect("written");
    run(dir.path(), RetentionLimits::default(), |hub| {
        publish(hub, "users", 1, "next", 9);
    });
    assert_eq!(all(dir.path()), ["one", "two", "thr", "next"]);
}

#[test]
fn a_kill_during_compression_leaves_each_line_once() {
    let dir = TempDir::new().expect("a directory");
    let plain = RetentionLimits {
        compress: false,
        ..small()
    };
    let texts: Vec<String> = (0..40).map(|number| format!("line {number}")).collect();
    run(dir.path(), plain, |hub| {
        for (millis, text) in texts.iter().enumerate() {
            publish(hub, "users", 1, text, millis as u64);
        }
    });
    let users = dir.path().join("users");
    let before = files(&users);
    let contents: Vec<Vec<u8>> = before
        .iter()
        .map(|file| fs::read(file).expect("read"))
        .collect();
    // The next run compresses them.
    let (store, _events) = Store::open(dir.path().to_owned(), small()).expect("opened");
    wait_until("all are compressed", || {
        files(&users)
            .iter()
            .all(|file| file.extension() == Some("lz4".as_ref()))
    });
    assert!(store.close(LIMIT));
    assert_eq!(all(dir.path()), texts);
    // As if killed before the uncompressed files were removed, and while another was compressed.
    for (file, bytes) in before.iter().zip(&contents) {
        fs::write(file, bytes).expect("written");
    }
    fs::write(users.join("00000000000000000001.log.lz4.new"), "half").expect("written");
    assert_eq!(all(dir.path()), texts);
    run(dir.path(), small(), |_| {});
    assert_eq!(all(dir.path()), texts);
    let after = files(&users);
    assert_eq!(after.len(), before.len(), "{after:?}");
}

#[test]
fn damaged_records_are_skipped() {
    let dir = TempDir::new().expect("a directory");
    // The second run would compress the first one's segment.
    let limits = RetentionLimits {
        compress: false,
        ..RetentionLimits::default()
    };
    for text in ["one", "two"] {
        run(dir.path(), limits, |hub| {
            publish(hub, "users", 1, text, 1);
        });
    }
    let users = dir.path().join("users");
    let [first, second] = &files(&users)[..] else {
        panic!("two runs, two files");
    };
    let more = fs::read(second).expect("read");
    let header = more
        .iter()
        .position(|byte| *byte == b'\n')
        .expect("a header")
        + 1;
    let mut bytes = fs::read(first).expect("read");
    bytes.extend_from_slice(b"\x1eFL1 not a record \x1e\x1e");
    bytes.extend_from_slice(&more[header..]);
    fs::write(first, bytes).expect("written");
    fs::write(second, "something else").expect("written");
    fs::write(users.join("notes.txt"), "another file").expect("written");
    assert_eq!(all(dir.path()), ["one", "two"]);
}

/// The gaps of a store, as domain, first and last number.
fn gaps(dir: &Path, query: &StoreQuery) -> Vec<(String, u64, Option<u64>)> {
    let reader = StoreReader::open(dir).expect("readable");
    let gaps = reader
        .read_with_gaps(query)
        .filter_map(|stored| match stored {
            Stored::Gap(gap) => Some((gap.domain.to_string(), gap.first_seq, gap.last_seq)),
            Stored::Line(_) => None,
        });
    gaps.collect()
}

#[test]
fn what_a_damaged_segment_has_lost_is_a_gap() {
    let dir = TempDir::new().expect("a directory");
    let limits = RetentionLimits {
        compress: false,
        ..RetentionLimits::default()
    };
    for generation in [1, 2] {
        run(dir.path(), limits, |hub| {
            for number in 0..10 {
                let time = 1_000 * generation + 100 * number;
                publish(hub, "users", generation, &format!("line {number}"), time);
                publish(hub, "orders", 1, "order", time);
            }
        });
    }
    let users = dir.path().join("users");
    let [first, second] = &files(&users)[..] else {
        panic!("two runs, two files");
    };
    let complete = fs::read(first).expect("read");
    let query = StoreQuery::default();
    assert_eq!(gaps(dir.path(), &query), []);
    // Lines 3 to 5 of ten are overwritten: 7, 9 and 11, with those of the other domain in between.
    let position = |text: &str| memchr::memmem::find(&complete, text.as_bytes()).expect("there");
    let mut damaged = complete.clone();
    damaged[position("line 2") + 7..position("line 5")].fill(b'?');
    fs::write(first, &damaged).expect("written");
    let gap = |first, last| ("users".to_owned(), first, last);
    assert_eq!(gaps(dir.path(), &query), [gap(6, Some(12))]);
    assert_eq!(read(dir.path(), &query).len(), 37);
    // In order, and with its file.
    let reader = StoreReader::open(dir.path()).expect("readable");
    let all: Vec<Stored> = reader.read_with_gaps(&query).collect();
    let Stored::Gap(found) = &all[5] else {
        panic!("after five lines: {all:?}");
    };
    assert_eq!(found.generation, 1);
    assert_eq!(
        found.to_string(),
        format!(
            "lines of users with numbers from 6 to 12 are missing: {} is damaged ({})",
            first.display(),
            found.reason
        )
    );
    // Only where they may have been selected.
    let select = |change: &dyn Fn(&mut StoreQuery)| {
        let mut query = StoreQuery::default();
        change(&mut query);
        gaps(dir.path(), &query).len()
    };
    assert_eq!(select(&|query| query.query.since = Some(at(2_000))), 0);
    assert_eq!(select(&|query| query.query.until = Some(at(1_100))), 0);
    assert_eq!(select(&|query| query.query.until = Some(at(1_600))), 1);
    assert_eq!(select(&|query| query.query.tail = Some(20)), 0);
    assert_eq!(select(&|query| query.query.tail = Some(37)), 1);
    assert_eq!(
        select(&|query| query.query.domains = Some(BTreeSet::from(["orders".to_owned()]))),
        0
    );
    let newest = reader.find_generation("users", GenerationFilter::Latest);
    let newest = newest.expect("a generation");
    assert_eq!(
        select(&|query| {
            query.generations = Some([("users".to_owned(), newest)].into());
        }),
        0
    );
    // The end is cut off, all of it is overwritten, or it cannot be read.
    fs::write(first, &complete[..position("line 8") + 3]).expect("written");
    assert_eq!(gaps(dir.path(), &query), []);
    fs::write(first, &complete[..position("line 8")]).expect("written");
    assert_eq!(gaps(dir.path(), &query), [gap(17, Some(17))]);
    fs::write(first, "").expect("written");
    assert_eq!(gaps(dir.path(), &query), [gap(1, Some(20))]);
    fs::write(first, &complete).expect("written");
    fs::write(second, "something else").expect("written");
    assert_eq!(gaps(dir.path(), &query), [gap(21, None)]);
    // An instance may be writing it.
    assert_eq!(select(&|query| query.has_writer = true), 0);
}

#[test]
fn a_damaged_compressed_segment_is_read_up_to_the_damage() {
    let dir = TempDir::new().expect("a directory");
    run(dir.path(), RetentionLimits::default(), |hub| {
        for number in 0..50_000 {
            publish(hub, "users", 1, &format!("line {number} of many"), number);
        }
    });
    let compressed = dir.path().join("users/00000000000000000001.log.lz4");
    run(dir.path(), RetentionLimits::default(), |hub| {
        publish(hub, "users", 2, "after", 60_000);
        wait_until("the segment is compressed", || compressed.exists());
    });
    let complete = fs::read(&compressed).expect("read");
    fs::write(&compressed, &complete[..complete.len() / 2]).expect("written");
    let query = StoreQuery::default();
    let lines = read(dir.path(), &query).len();
    assert!(lines > 10_000 && lines < 50_000, "{lines}");
    let found = gaps(dir.path(), &query);
    let [(_, first, Some(50_000))] = found[..] else {
        panic!("{found:?}");
    };
    assert_eq!(usize::try_from(first).ok(), Some(lines));
}

#[test]
fn the_oldest_segments_are_deleted_first() {
    let dir = TempDir::new().expect("a directory");
    let limits = RetentionLimits {
        files: 3,
        compress: false,
        ..small()
    };
    run(dir.path(), limits, |hub| {
        for number in 0..100 {
            publish(hub, "users", 1, &format!("line {number}"), number);
        }
        publish(hub, "orders", 1, "one line", 100);
    });
    let found = all(dir.path());
    assert!(files(&dir.path().join("users")).len() <= 3);
    assert!(found.len() > 10 && found.len() < 40, "{found:?}");
    let expected: Vec<String> = (101 - found.len()..100)
        .map(|n| format!("line {n}"))
        .collect();
    assert_eq!(found[..found.len() - 1], expected);
    assert_eq!(found.last().map(String::as_str), Some("one line"));
}

#[test]
fn generations_are_found_across_runs() {
    let dir = TempDir::new().expect("a directory");
    let mut runs = Vec::new();
    for generations in [1..=2, 1..=3] {
        runs.push(run(dir.path(), small(), |hub| {
            hub.publish_event(FULCRUM_SOURCE, 0, Level::Info, "starting".to_owned(), at(0));
            for generation in generations {
                for number in 0..30 {
                    publish(
                        hub,
                        "users",
                        generation,
                        &format!("{generation}.{number}"),
                        1,
                    );
                }
            }
        }));
    }
    let reader = StoreReader::open(dir.path()).expect("readable");
    let find = |filter| reader.find_generation("users", filter);
    let generation_of = |run: usize, generation| {
        Some(GenerationRef {
            run: runs[run],
            generation,
        })
    };
    assert_eq!(find(GenerationFilter::Previous(None)), generation_of(1, 3));
    assert_eq!(
        find(GenerationFilter::Previous(Some(3))),
        generation_of(1, 2)
    );
    assert_eq!(find(GenerationFilter::Generation(2)), generation_of(1, 2));
    assert_eq!(find(GenerationFilter::Generation(9)), None);
    assert_eq!(
        reader.find_generation("unknown", GenerationFilter::Previous(None)),
        None
    );
    let query = StoreQuery {
        generations: Some(
            [(
                "users".to_owned(),
                generation_of(0, 2).expect("a generation"),
            )]
            .into(),
        ),
        ..StoreQuery::default()
    };
    let found = read(dir.path(), &query);
    assert_eq!(found.len(), 30);
    assert!(
        found
            .iter()
            .all(|found| found.line.text().starts_with("2.") && found.run == runs[0])
    );
}

#[derive(Debug, Clone)]
enum Step {
    Publish(usize, String),
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (0..3_usize, "[a-c]{1,3}( ERROR)?[a-z]{0,60}").prop_map(|(domain, text)| Step::Publish(domain, text)),
        1 => Just(Step::Reopen),
    ]
}

const NAMES: [&str; 3] = ["users", "orders", "catalog"];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// For any runs and queries, the lines read are those that a filter over all published lines
    /// returns.
    #[test]
    fn reading_equals_filtering_all_published_lines(
        steps in prop::collection::vec(step(), 0..120),
        n in prop::option::of(0..40_usize),
        window in (0..150_u64, 0..150_u64),
        selected in prop::collection::btree_set(0..3_usize, 0..3),
        pattern in prop::option::of("[a-c]"),
        level in any::<bool>(),
        after in 0..60_u64,
        compress in any::<bool>(),
    ) {
        let dir = TempDir::new().expect("a directory");
        let limits = RetentionLimits { compress, ..small() };
        let mut published: Vec<LogLine> = Vec::new();
        let mut steps = steps.into_iter().enumerate().peekable();
        while steps.peek().is_some() {
            run(dir.path(), limits, |hub| {
                for (millis, step) in steps.by_ref() {
                    let Step::Publish(domain, text) = step else { break };
                    publish(hub, NAMES[domain], 1, &text, millis as u64);
                    published.extend(hub.tail(&LogQuery { tail: Some(1), ..LogQuery::default() }));
                }
            });
        }
        let domains: BTreeSet<String> = selected.iter().map(|domain| NAMES[*domain].to_owned()).collect();
        let query = LogQuery {
            domains: (!domains.is_empty()).then_some(domains),
            level: level.then_some(Level::Error),
            since: Some(at(window.0)),
            until: Some(at(window.0 + window.1)),
            tail: n,
            ..LogQuery::default()
        };
        let pattern = pattern.map(|text| regex::bytes::Regex::new(&text).expect("one letter"));
        let store_query = StoreQuery {
            query: query.clone(),
            pattern: pattern.clone(),
            after_seq: after,
            ..StoreQuery::default()
        };
        let mut expected: Vec<LogLine> = published
            .into_iter()
            .filter(|line| query.matches(line) && line.seq > after)
            .filter(|line| line.time >= at(window.0) && line.time < at(window.0 + window.1))
            .filter(|line| pattern.as_ref().is_none_or(|pattern| pattern.is_match(&line.message)))
            .collect();
        if let Some(n) = n {
            expected.drain(..expected.len().saturating_sub(n));
        }
        let found: Vec<LogLine> = read(dir.path(), &store_query).into_iter().map(|f| f.line).collect();
        prop_assert_eq!(found, expected);
    }
}

#[test]
fn two_stores_of_one_directory_are_impossible() {
    let dir = TempDir::new().expect("a directory");
    let path = dir.path().join("logs");
    let open = || Store::open(path.clone(), RetentionLimits::default());
    let (first, _events) = open().expect("opened");
    let hub = Hub::with_store(HubConfig::default(), &first);
    let error = open().expect_err("it is open");
    assert!(error.to_string().contains("another process"), "{error}");

    // With its directory deleted, another one can be opened; the first then writes nothing more.
    fs::remove_dir_all(&path).expect("removed");
    let (second, _second_events) = open().expect("opened");
    publish(&hub, "users", 1, "of the first", 0);
    assert!(first.close(LIMIT));
    let hub = Hub::with_store(HubConfig::default(), &second);
    publish(&hub, "users", 1, "of the second", 0);
    assert!(second.close(LIMIT));
    assert_eq!(all(&path), ["of the second"]);
}
