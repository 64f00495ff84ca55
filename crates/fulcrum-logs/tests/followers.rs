//! Followers: gapless at the seam, bounded, and nobody else's problem.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use fulcrum_logs::{
    Capacity, Delivery, FULCRUM_SOURCE, Follower, Gap, Hub, HubConfig, Level, LogLine, LogQuery,
    PumpCounters, Source, Stream, pump,
};
use proptest::prelude::*;

const NOW: SystemTime = SystemTime::UNIX_EPOCH;

fn source(domain: &str, generation: u64) -> Source {
    Source {
        domain: Arc::from(domain),
        generation,
        pid: 1,
    }
}

fn say(hub: &Hub, domain: &str, text: impl Into<Bytes>) -> u64 {
    let level = None;
    let source = source(domain, 1);
    hub.publish(source, Stream::Stdout, level, text.into(), false, NOW)
}

fn seqs(lines: &[LogLine]) -> Vec<u64> {
    lines.iter().map(|line| line.seq).collect()
}

/// Everything that is there now: numbers of lines, and how many were missed in front of each.
fn taken(follower: &mut Follower) -> Vec<Result<u64, u64>> {
    std::iter::from_fn(|| follower.try_next())
        .map(|delivery| match delivery {
            Delivery::Line(line) => Ok(line.seq),
            Delivery::Gap(Gap { missed }) => Err(missed),
        })
        .collect()
}

#[test]
fn queries_choose() {
    let hub = Hub::new(HubConfig::default());
    let at = |second| NOW + Duration::from_secs(second);
    let publish = |domain, generation, stream, level, second| {
        let source = source(domain, generation);
        hub.publish(source, stream, level, "x".into(), false, at(second))
    };
    publish("users", 1, Stream::Stdout, None, 1);
    publish("users", 1, Stream::Stderr, Some(Level::Error), 2);
    publish("orders", 1, Stream::Stdout, Some(Level::Info), 3);
    publish("users", 2, Stream::Stderr, Some(Level::Warn), 4);
    hub.publish_event(
        FULCRUM_SOURCE,
        0,
        Level::Info,
        "two\r\nlines".to_owned(),
        at(5),
    );

    let tail = |query: LogQuery| seqs(&hub.tail(&query));
    let all = LogQuery::default;
    assert_eq!(tail(all()), [1, 2, 3, 4, 5, 6]);
    assert_eq!(
        tail(LogQuery {
            tail: Some(2),
            ..all()
        }),
        [5, 6]
    );
    assert_eq!(tail(LogQuery::domain("users")), [1, 2, 4]);
    assert_eq!(
        tail(LogQuery {
            generation: Some(2),
            ..all()
        }),
        [4]
    );
    assert_eq!(
        tail(LogQuery {
            level: Some(Level::Warn),
            ..all()
        }),
        [2, 4]
    );
    assert_eq!(
        tail(LogQuery {
            since: Some(at(3)),
            tail: Some(2),
            ..LogQuery::domain("users")
        }),
        [4]
    );
    assert_eq!(seqs(&hub.last_lines("users", 1, Stream::Stderr, 9)), [2]);

    let own = hub.tail(&LogQuery::domain(FULCRUM_SOURCE));
    assert_eq!(own[0].text(), "two");
    assert_eq!(own[1].message, "lines");
    assert_eq!(own[1].stream, Stream::Fulcrum);
}

#[test]
fn one_that_falls_behind_loses_its_oldest_and_is_told_once() {
    let hub = Hub::new(HubConfig::default());
    let mut stuck = hub.subscribe(LogQuery::default(), Capacity { bytes: 10_000 });
    let mut other = hub.subscribe(LogQuery::default(), Capacity { bytes: 10_000_000 });
    for _ in 0..1_000 {
        say(&hub, "users", vec![b'x'; 100]);
    }
    assert_eq!(taken(&mut other), (1..=1_000).map(Ok).collect::<Vec<_>>());

    let got = taken(&mut stuck);
    let missed = got[0].expect_err("the gap comes first");
    let expected: Vec<_> = std::iter::once(Err(missed))
        .chain((missed + 1..=1_000).map(Ok))
        .collect();
    assert_eq!(got, expected);
    // It goes on without further gaps once it keeps up.
    say(&hub, "users", "on");
    assert_eq!(taken(&mut stuck), [Ok(1_001)]);
}

#[test]
fn a_line_over_the_capacity_still_arrives() {
    let hub = Hub::new(HubConfig::default());
    let mut follower = hub.subscribe(LogQuery::default(), Capacity { bytes: 10 });
    say(&hub, "users", "a");
    say(&hub, "users", vec![b'x'; 1_000]);
    assert_eq!(taken(&mut follower), [Err(1), Ok(2)]);
}

/// Lines that are read at once are also stored at once; a follower must not notice.
#[tokio::test]
async fn a_follower_of_levels_gets_those_lines_out_of_many() {
    let hub = Hub::new(HubConfig::default());
    let serious = LogQuery {
        level: Some(Level::Warn),
        ..LogQuery::default()
    };
    let mut follower = hub.subscribe(serious.clone(), Capacity::default());
    let text = "INFO a\nERROR b\nplain\nWARN c\n";
    let tally = PumpCounters::default();
    pump(
        text.as_bytes(),
        &hub,
        source("users", 1),
        Stream::Stdout,
        &tally,
    )
    .await
    .expect("memory can be read");
    say(&hub, "users", "unknown level");
    assert_eq!(taken(&mut follower), [Ok(2), Ok(4)]);
    assert_eq!(seqs(&hub.tail(&serious)), [2, 4]);
}

#[tokio::test]
async fn a_gap_counts_what_was_left_of_lines_read_at_once() {
    let hub = Hub::new(HubConfig::default());
    let mut follower = hub.subscribe(LogQuery::default(), Capacity { bytes: 1_000 });
    let tally = PumpCounters::default();
    pump(
        &b"one\ntwo\nthree\n"[..],
        &hub,
        source("users", 1),
        Stream::Stdout,
        &tally,
    )
    .await
    .expect("memory can be read");
    assert!(matches!(follower.try_next(), Some(Delivery::Line(line)) if line.seq == 1));
    say(&hub, "users", vec![b'x'; 2_000]);
    assert_eq!(taken(&mut follower), [Err(2), Ok(4)]);
}

#[test]
fn a_dropped_follower_is_forgotten() {
    let hub = Hub::new(HubConfig::default());
    let follower = hub.subscribe(LogQuery::default(), Capacity::default());
    assert_eq!(hub.followers(), 1);
    drop(follower);
    assert_eq!(hub.followers(), 0);
}

#[tokio::test(start_paused = true)]
async fn waits_for_lines_and_ends_after_the_last_when_the_hub_closes() {
    let hub = Hub::new(HubConfig::default());
    say(&hub, "users", "before");
    let mut follower = hub.subscribe(LogQuery::default(), Capacity::default());
    let reader = tokio::spawn(async move {
        let mut seen = Vec::new();
        while let Some(Delivery::Line(line)) = follower.next().await {
            seen.push(line.seq);
        }
        seen
    });
    // Under paused time this passes only when the reader has nothing left to do but wait.
    tokio::time::sleep(Duration::from_secs(3600)).await;
    say(&hub, "users", "while it waits");
    tokio::time::sleep(Duration::from_secs(3600)).await;
    say(&hub, "users", "last words");
    hub.close();
    assert_eq!(reader.await.expect("the reader doesn't panic"), [1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn ends_when_the_hub_is_gone_and_at_once_on_a_closed_one() {
    let hub = Hub::new(HubConfig::default());
    let mut follower = hub.subscribe(LogQuery::default(), Capacity::default());
    let waiting = tokio::spawn(async move { follower.next().await });
    tokio::time::sleep(Duration::from_secs(1)).await;
    drop(hub);
    assert_eq!(waiting.await.expect("the reader doesn't panic"), None);

    let closed = Hub::new(HubConfig::default());
    say(&closed, "users", "past");
    closed.close();
    let mut late = closed.subscribe(LogQuery::default(), Capacity::default());
    assert!(matches!(late.next().await, Some(Delivery::Line(_))));
    assert_eq!(late.next().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_is_given_up_loses_nothing() {
    let hub = Hub::new(HubConfig::default());
    let mut follower = hub.subscribe(LogQuery::default(), Capacity::default());
    for seq in 1..=5 {
        let wait = tokio::time::timeout(Duration::from_secs(1), follower.next());
        assert!(wait.await.is_err());
        say(&hub, "users", "x");
        let next = follower.next().await;
        assert!(matches!(next, Some(Delivery::Line(line)) if line.seq == seq));
    }
}

/// Publishers on threads of their own, a subscription in the middle, one follower never read.
#[test]
fn backlog_and_what_follows_meet_without_a_gap_or_a_double() {
    const EACH: u64 = 3_000;
    let hub = Hub::new(HubConfig {
        ring_bytes: 64 * 1024 * 1024,
    });
    let _stuck = hub.subscribe(LogQuery::default(), Capacity { bytes: 1_000 });
    let wide = Capacity {
        bytes: 64 * 1024 * 1024,
    };
    let mut followers = std::thread::scope(|scope| {
        for domain in ["a", "b", "c"] {
            let hub = hub.clone();
            scope.spawn(move || {
                for number in 0..EACH {
                    say(&hub, domain, number.to_string());
                }
            });
        }
        (0..20)
            .map(|_| {
                std::thread::yield_now();
                hub.subscribe(LogQuery::default(), wide)
            })
            .collect::<Vec<_>>()
    });
    let all: Vec<_> = (1..=3 * EACH).map(Ok).collect();
    for follower in &mut followers {
        assert_eq!(taken(follower), all);
    }
    // And each domain's lines kept their own order.
    for domain in ["a", "b", "c"] {
        let said: Vec<u64> = hub
            .tail(&LogQuery::domain(domain))
            .iter()
            .map(|line| line.text().parse().expect("a number was said"))
            .collect();
        assert_eq!(said, (0..EACH).collect::<Vec<_>>());
    }
}

proptest! {
    /// Whatever is read when: lines come in order, and gaps account for every line in between.
    #[test]
    fn gaps_add_up(
        steps in prop::collection::vec((1_usize..30, 0_usize..200, 0_usize..30), 1..30),
        capacity in 200_usize..5_000,
    ) {
        let hub = Hub::new(HubConfig::default());
        let mut follower = hub.subscribe(LogQuery::default(), Capacity { bytes: capacity });
        let mut last = 0;
        let mut read = |follower: &mut Follower, most: usize| {
            for _ in 0..most {
                match follower.try_next() {
                    Some(Delivery::Line(line)) => {
                        assert_eq!(line.seq, last + 1);
                        last = line.seq;
                    }
                    Some(Delivery::Gap(gap)) => last += gap.missed,
                    None => break,
                }
            }
            last
        };
        let mut said = 0;
        for (lines, length, reads) in steps {
            for _ in 0..lines {
                said = say(&hub, "users", vec![b'x'; length]);
            }
            read(&mut follower, reads);
        }
        prop_assert_eq!(read(&mut follower, usize::MAX), said);
    }
}

/// Numbers and times have one order, though two pumps may look at the clock and be numbered the
/// other way round. A clock that was set back is shown as it is.
#[test]
fn times_are_in_the_order_of_numbers() {
    let hub = Hub::new(HubConfig::default());
    let at = |millis| NOW + Duration::from_millis(millis);
    for millis in [5_000, 4_999, 4_001, 5_001, 4_001, 4_000] {
        let source = source("users", 1);
        hub.publish(source, Stream::Stdout, None, "x".into(), false, at(millis));
    }
    let times: Vec<SystemTime> = hub
        .tail(&LogQuery::default())
        .iter()
        .map(|line| line.time)
        .collect();
    assert_eq!(times, [5_000, 5_000, 5_000, 5_001, 4_001, 4_001].map(at));
}

/// The bytes of a line are all there; how it ended isn't shown.
#[test]
fn a_line_that_ends_with_crlf_keeps_its_cr() {
    let hub = Hub::new(HubConfig::default());
    say(&hub, "users", &b"a\r"[..]);
    let line = &hub.tail(&LogQuery::default())[0];
    assert_eq!(
        (&line.message[..], line.content()),
        (&b"a\r"[..], &b"a"[..])
    );
    assert_eq!(line.text(), "a");
}
