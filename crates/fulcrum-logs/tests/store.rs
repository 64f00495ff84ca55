//! The store: what is published is there, once, in order, whatever happened meanwhile.

#![expect(clippy::disallowed_methods, reason = "real files in real time")]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use fulcrum_logs::store::{
    GenerationFilter, GenerationRef, RetentionLimits, StoreEvent, StoreQuery, StoreReader,
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

fn say(hub: &Hub, domain: &str, generation: u64, text: &str, millis: u64) -> u64 {
    let source = Source {
        domain: Arc::from(domain),
        generation,
        pid: 7,
    };
    let text = Bytes::copy_from_slice(text.as_bytes());
    hub.publish(source, Stream::Stdout, None, text, false, at(millis))
}

/// One run of an instance that says what `speak` says.
fn run(folder: &Path, limits: RetentionLimits, speak: impl FnOnce(&Hub)) -> u64 {
    let (store, _notices) = Store::open(folder.to_owned(), limits).expect("opened");
    let run = store.run();
    let hub = Hub::with_store(HubConfig::default(), &store);
    speak(&hub);
    assert!(store.close(LIMIT), "written in time");
    run
}

fn read(folder: &Path, wanted: &StoreQuery) -> Vec<StoredLine> {
    let archive = StoreReader::open(folder).expect("readable");
    archive.read(wanted).expect("readable").collect()
}

fn texts(found: &[StoredLine]) -> Vec<String> {
    let lines = found.iter();
    lines.map(|found| found.line.text().into_owned()).collect()
}

fn all(folder: &Path) -> Vec<String> {
    texts(&read(folder, &StoreQuery::default()))
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.sort();
    files
}

fn until(what: &str, mut is: impl FnMut() -> bool) {
    let begun = std::time::Instant::now();
    while !is() {
        assert!(begun.elapsed() < LIMIT, "in vain until {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn lines_come_back_as_they_were() {
    let dir = TempDir::new().expect("a folder");
    run(dir.path(), RetentionLimits::default(), |hub| {
        say(hub, "users", 3, "héllo \u{1b}[31m\r", 5);
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
    let told: Vec<_> = found
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
        told,
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
fn an_empty_store_and_none_at_all_are_readable() {
    let dir = TempDir::new().expect("a folder");
    assert_eq!(all(&dir.path().join("nothing")), Vec::<String>::new());
    run(&dir.path().join("logs"), RetentionLimits::default(), |_| {});
    assert_eq!(all(&dir.path().join("logs")), Vec::<String>::new());
}

#[test]
fn numbers_go_on_in_the_next_run_and_runs_are_told_apart() {
    let dir = TempDir::new().expect("a folder");
    let first = run(dir.path(), small(), |hub| {
        for number in 0..20 {
            say(hub, "users", 1, &format!("first {number}"), number);
        }
    });
    let second = run(dir.path(), small(), |hub| {
        assert_eq!(say(hub, "users", 1, "second", 30), 21);
    });
    assert!(second > first);
    let found = read(dir.path(), &StoreQuery::default());
    assert_eq!(found.len(), 21);
    assert_eq!(found[19].run, first);
    assert_eq!((found[20].run, found[20].line.seq), (second, 21));
}

#[test]
fn full_files_are_compressed_and_nothing_is_lost() {
    let dir = TempDir::new().expect("a folder");
    let users = dir.path().join("users");
    let (store, _notices) = Store::open(dir.path().to_owned(), small()).expect("opened");
    let hub = Hub::with_store(HubConfig::default(), &store);
    let said: Vec<String> = (0..200).map(|number| format!("line {number}")).collect();
    for (millis, text) in said.iter().enumerate() {
        say(&hub, "users", 1, text, millis as u64);
    }
    until("all is written", || all(dir.path()) == said);
    until("all full files are compressed", || {
        users.exists() && {
            let files = files(&users);
            let plain = files
                .iter()
                .filter(|file| file.extension() == Some("log".as_ref()));
            files.len() > 10 && plain.count() <= 1
        }
    });
    assert_eq!(all(dir.path()), said);
    assert!(store.close(LIMIT));
    assert_eq!(all(dir.path()), said);
}

#[test]
fn files_are_their_owners_alone_and_links_are_not_followed() {
    let dir = TempDir::new().expect("a folder");
    let logs = dir.path().join("logs");
    let stranger = dir.path().join("stranger");
    fs::write(&stranger, "untouched").expect("written");
    fs::create_dir_all(logs.join("users")).expect("made");
    fs::set_permissions(logs.join("users"), fs::Permissions::from_mode(0o777)).expect("set");
    symlink(&stranger, logs.join("users/00000000000000000001.log")).expect("made");
    let (store, mut notices) =
        Store::open(logs.clone(), RetentionLimits::default()).expect("opened");
    let hub = Hub::with_store(HubConfig::default(), &store);
    say(&hub, "users", 1, "one", 1);
    say(&hub, "orders", 1, "two", 2);
    assert!(store.close(LIMIT));
    assert_eq!(fs::read_to_string(&stranger).expect("there"), "untouched");
    assert!(matches!(notices.try_recv(), Ok(StoreEvent::Failing { .. })));
    assert_eq!(all(&logs), ["two"]);
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&logs), 0o700);
    assert_eq!(mode(&logs.join("users")), 0o700);
    assert_eq!(mode(&logs.join("orders/00000000000000000002.log")), 0o600);
}

#[test]
fn a_folder_that_goes_is_made_again() {
    let dir = TempDir::new().expect("a folder");
    let logs = dir.path().join("logs");
    let (store, _notices) = Store::open(logs.clone(), RetentionLimits::default()).expect("opened");
    let hub = Hub::with_store(HubConfig::default(), &store);
    say(&hub, "users", 1, "before", 1);
    until("it is written", || {
        logs.exists() && all(&logs) == ["before"]
    });
    fs::remove_dir_all(&logs).expect("removed");
    say(&hub, "users", 1, "after", 2);
    until("it is there again", || {
        logs.exists() && all(&logs) == ["after"]
    });
    drop(store);
}

#[test]
fn what_could_not_be_kept_is_counted_and_told() {
    let dir = TempDir::new().expect("a folder");
    let (store, mut notices) = Store::open(dir.path().to_owned(), small()).expect("opened");
    let hub = Hub::with_store(HubConfig::default(), &store);
    // In the way of the domain's folder.
    fs::write(dir.path().join("users"), "").expect("written");
    say(&hub, "users", 1, "one", 1);
    say(&hub, "users", 1, "two", 2);
    let mut told = None;
    until("it is told", || {
        told = notices.try_recv().ok().or(told.take());
        told.is_some()
    });
    let Some(StoreEvent::Failing { why }) = told else {
        panic!("{told:?}");
    };
    assert!(why.contains("users"), "{why}");
    until("both are left out", || {
        // The hub remembers them all the same.
        hub.tail(&LogQuery::default()).len() == 2
    });
    fs::remove_file(dir.path().join("users")).expect("removed");
    let mut millis = 3;
    until("it is told to be well", || {
        millis += 1;
        say(&hub, "users", 1, "more", millis);
        match notices.try_recv() {
            Ok(StoreEvent::Resumed { missing }) => {
                assert!(missing["users"] >= 2, "{missing:?}");
                true
            }
            _ => false,
        }
    });
    assert!(store.close(LIMIT));
    assert_eq!(all(dir.path()).last().map(String::as_str), Some("more"));
}

/// What a kill leaves: a file that ends anywhere.
#[test]
fn a_file_that_ends_anywhere_is_read_up_to_there_and_gone_on_from() {
    let dir = TempDir::new().expect("a folder");
    run(dir.path(), RetentionLimits::default(), |hub| {
        for (millis, text) in ["one", "two", "three"].into_iter().enumerate() {
            say(hub, "users", 1, text, millis as u64);
        }
    });
    let file = dir.path().join("users/00000000000000000001.log");
    let whole = fs::read(&file).expect("there");
    for length in (0..whole.len()).rev() {
        fs::write(&file, &whole[..length]).expect("written");
        let found = read(dir.path(), &StoreQuery::default());
        for (StoredLine { line, .. }, said) in found.iter().zip(["one", "two", "three"]) {
            if line.partial {
                assert!(said.starts_with(&*line.text()), "{length}: {line:?}");
            } else {
                assert_eq!(line.text(), said, "{length}");
            }
        }
        let partial = found.iter().rev().skip(1).any(|found| found.line.partial);
        assert!(!partial, "only the last one is torn: {found:?}");
        // Somebody who still writes hasn't torn anything.
        let live = StoreQuery {
            has_writer: true,
            ..StoreQuery::default()
        };
        assert!(
            read(dir.path(), &live)
                .iter()
                .all(|found| !found.line.partial)
        );
    }
    fs::write(&file, &whole[..whole.len() - 3]).expect("written");
    run(dir.path(), RetentionLimits::default(), |hub| {
        say(hub, "users", 1, "next", 9);
    });
    assert_eq!(all(dir.path()), ["one", "two", "thr", "next"]);
}

#[test]
fn a_kill_while_compressing_leaves_each_line_once() {
    let dir = TempDir::new().expect("a folder");
    let plain = RetentionLimits {
        compress: false,
        ..small()
    };
    let said: Vec<String> = (0..40).map(|number| format!("line {number}")).collect();
    run(dir.path(), plain, |hub| {
        for (millis, text) in said.iter().enumerate() {
            say(hub, "users", 1, text, millis as u64);
        }
    });
    let users = dir.path().join("users");
    let before = files(&users);
    let kept: Vec<Vec<u8>> = before
        .iter()
        .map(|file| fs::read(file).expect("read"))
        .collect();
    // The next run compresses what was left.
    let (store, _notices) = Store::open(dir.path().to_owned(), small()).expect("opened");
    until("all are compressed", || {
        files(&users)
            .iter()
            .all(|file| file.extension() == Some("lz4".as_ref()))
    });
    assert!(store.close(LIMIT));
    assert_eq!(all(dir.path()), said);
    // As if it had been killed before it removed the old ones, and while it made another.
    for (file, bytes) in before.iter().zip(&kept) {
        fs::write(file, bytes).expect("written");
    }
    fs::write(users.join("00000000000000000001.log.lz4.new"), "half").expect("written");
    assert_eq!(all(dir.path()), said);
    run(dir.path(), small(), |_| {});
    assert_eq!(all(dir.path()), said);
    let left = files(&users);
    assert_eq!(left.len(), before.len(), "{left:?}");
}

#[test]
fn garbage_between_records_is_passed_over() {
    let dir = TempDir::new().expect("a folder");
    for text in ["one", "two"] {
        run(dir.path(), RetentionLimits::default(), |hub| {
            say(hub, "users", 1, text, 1);
        });
    }
    let users = dir.path().join("users");
    let [first, second] = &files(&users)[..] else {
        panic!("two runs, two files");
    };
    let more = fs::read(second).expect("read");
    let title = more
        .iter()
        .position(|byte| *byte == b'\n')
        .expect("a title")
        + 1;
    let mut bytes = fs::read(first).expect("read");
    bytes.extend_from_slice(b"\x1eFL1 not a record \x1e\x1e");
    bytes.extend_from_slice(&more[title..]);
    fs::write(first, bytes).expect("written");
    fs::write(second, "something else").expect("written");
    fs::write(users.join("notes.txt"), "hands off").expect("written");
    assert_eq!(all(dir.path()), ["one", "two"]);
}

#[test]
fn the_oldest_files_go_first() {
    let dir = TempDir::new().expect("a folder");
    let limits = RetentionLimits {
        files: 3,
        compress: false,
        ..small()
    };
    run(dir.path(), limits, |hub| {
        for number in 0..100 {
            say(hub, "users", 1, &format!("line {number}"), number);
        }
        say(hub, "orders", 1, "a quiet one", 100);
    });
    let found = all(dir.path());
    assert!(files(&dir.path().join("users")).len() <= 3);
    assert!(found.len() > 10 && found.len() < 40, "{found:?}");
    let kept: Vec<String> = (101 - found.len()..100)
        .map(|n| format!("line {n}"))
        .collect();
    assert_eq!(found[..found.len() - 1], kept);
    assert_eq!(found.last().map(String::as_str), Some("a quiet one"));
}

#[test]
fn lives_are_found_across_runs() {
    let dir = TempDir::new().expect("a folder");
    let mut runs = Vec::new();
    for lives in [1..=2, 1..=3] {
        runs.push(run(dir.path(), small(), |hub| {
            hub.publish_event(FULCRUM_SOURCE, 0, Level::Info, "begins".to_owned(), at(0));
            for generation in lives {
                for number in 0..30 {
                    say(
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
    let archive = StoreReader::open(dir.path()).expect("readable");
    let life = |filter| archive.life("users", filter).expect("readable");
    let of = |run: usize, generation| {
        Some(GenerationRef {
            run: runs[run],
            generation,
        })
    };
    assert_eq!(life(GenerationFilter::Previous(None)), of(1, 3));
    assert_eq!(life(GenerationFilter::Previous(Some(3))), of(1, 2));
    assert_eq!(life(GenerationFilter::Generation(2)), of(1, 2));
    assert_eq!(life(GenerationFilter::Generation(9)), None);
    assert_eq!(
        archive
            .life("nobody", GenerationFilter::Previous(None))
            .expect("readable"),
        None
    );
    let wanted = StoreQuery {
        generations: Some([("users".to_owned(), of(0, 2).expect("a life"))].into()),
        ..StoreQuery::default()
    };
    let found = read(dir.path(), &wanted);
    assert_eq!(found.len(), 30);
    assert!(
        found
            .iter()
            .all(|found| found.line.text().starts_with("2.") && found.run == runs[0])
    );
}

#[derive(Debug, Clone)]
enum Act {
    Say(usize, String),
    Reopen,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        12 => (0..3_usize, "[a-c]{0,3}( ERROR)?[a-z]{0,60}").prop_map(|(who, text)| Act::Say(who, text)),
        1 => Just(Act::Reopen),
    ]
}

const NAMES: [&str; 3] = ["users", "orders", "catalog"];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Any lives, any queries: what is read is what a filter over all that was said gives.
    #[test]
    fn what_is_read_is_what_was_said(
        acts in prop::collection::vec(act(), 0..120),
        n in prop::option::of(0..40_usize),
        window in (0..150_u64, 0..150_u64),
        who in prop::collection::btree_set(0..3_usize, 0..3),
        pattern in prop::option::of("[a-c]"),
        level in any::<bool>(),
        after in 0..60_u64,
        compress in any::<bool>(),
    ) {
        let dir = TempDir::new().expect("a folder");
        let limits = RetentionLimits { compress, ..small() };
        let mut said: Vec<LogLine> = Vec::new();
        let mut acts = acts.into_iter().enumerate().peekable();
        while acts.peek().is_some() {
            run(dir.path(), limits, |hub| {
                for (millis, act) in acts.by_ref() {
                    let Act::Say(who, text) = act else { break };
                    say(hub, NAMES[who], 1, &text, millis as u64);
                    said.extend(hub.tail(&LogQuery { tail: Some(1), ..LogQuery::default() }));
                }
            });
        }
        let domains: BTreeSet<String> = who.iter().map(|who| NAMES[*who].to_owned()).collect();
        let query = LogQuery {
            domains: (!domains.is_empty()).then_some(domains),
            level: level.then_some(Level::Error),
            since: Some(at(window.0)),
            until: Some(at(window.0 + window.1)),
            tail: n,
            ..LogQuery::default()
        };
        let pattern = pattern.map(|text| regex::bytes::Regex::new(&text).expect("one letter"));
        let wanted = StoreQuery {
            query: query.clone(),
            pattern: pattern.clone(),
            after_seq: after,
            ..StoreQuery::default()
        };
        let mut expected: Vec<LogLine> = said
            .into_iter()
            .filter(|line| query.matches(line) && line.seq > after)
            .filter(|line| line.time >= at(window.0) && line.time < at(window.0 + window.1))
            .filter(|line| pattern.as_ref().is_none_or(|pattern| pattern.is_match(&line.message)))
            .collect();
        if let Some(n) = n {
            expected.drain(..expected.len().saturating_sub(n));
        }
        let found: Vec<LogLine> = read(dir.path(), &wanted).into_iter().map(|f| f.line).collect();
        prop_assert_eq!(found, expected);
    }
}
