//! Followers: complete, bounded, and independent of each other.

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

fn publish(hub: &Hub, domain: &str, text: impl Into<Bytes>) -> u64 {
    let level = None;
    let source = source(domain, 1);
    hub.publish(source, Stream::Stdout, level, text.into(), false, NOW)
}

fn seqs(lines: &[LogLine]) -> Vec<u64> {
    lines.iter().map(|line| line.seq).collect()
}

/// All queued deliveries: sequence numbers of lines, and the sizes of gaps.
fn deliveries(follower: &mut Follower) -> Vec<Result<u64, u64>> {
    std::iter::from_fn(|| follower.try_next())
        .map(|delivery| match delivery {
            Delivery::Line(line) => Ok(line.seq),
            Delivery::Gap(Gap { missed }) => Err(missed),
        })
        .collect()
}

#[test]
fn queries_select_lines() {
    let hub = Hub::new(HubConfig::default());
    let at = |second| NOW + Duration::from_secs(second);
    let publish_at = |domain, generation, stream, level, second| {
        let source = source(domain, generation);
        hub.publish(source, stream, level, "x".into(), false, at(second))
    };
    publish_at("users", 1, Stream::Stdout, None, 1);
    publish_at("users", 1, Stream::Stderr, Some(Level::Error), 2);
    publish_at("orders", 1, Stream::Stdout, Some(Level::Info), 3);
    publish_at("users", 2, Stream::Stderr, Some(Level::Warn), 4);
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
fn a_slow_follower_loses_its_oldest_lines_with_one_gap() {
    let hub = Hub::new(HubConfig::default());
    let mut slow = hub.subscribe(LogQuery::default(), Capacity { bytes: 10_000 });
    let mut other = hub.subscribe(LogQuery::default(), Capacity { bytes: 10_000_000 });
    for _ in 0..1_000 {
        publish(&hub, "users", vec![b'x'; 100]);
    }
    assert_eq!(
        deliveries(&mut other),
        (1..=1_000).map(Ok).collect::<Vec<_>>()
    );

    let received = deliveries(&mut slow);
    let missed = received[0].expect_err("the gap comes first");
    let expected: Vec<_> = std::iter::once(Err(missed))
        .chain((missed + 1..=1_000).map(Ok))
        .collect();
    assert_eq!(received, expected);
    // No further gap once it is fast enough.
    publish(&hub, "users", "on");
    assert_eq!(deliveries(&mut slow), [Ok(1_001)]);
}

#[test]
fn a_line_over_the_capacity_still_arrives() {
    let hub = Hub::new(HubConfig::default());
    let mut follower = hub.subscribe(LogQuery::default(), Capacity { bytes: 10 });
    publish(&hub, "users", "a");
    publish(&hub, "users", vec![b'x'; 1_000]);
    assert_eq!(deliveries(&mut follower), [Err(1), Ok(2)]);
}

/// Lines that are read together are stored as one chunk, which followers do not notice.
#[tokio::test]
async fn a_follower_by_level_gets_matching_lines_of_a_chunk() {
    let hub = Hub::new(HubConfig::default());
    let warnings = LogQuery {
        level: Some(Level::Warn),
        ..LogQuery::default()
    };
    let mut follower = hub.subscribe(warnings.clone(), Capacity::default());
    let text = "INFO a\nERROR b\nplain\nWARN c\n";
    let counters = PumpCounters::default();
    pump(
        text.as_bytes(),
        &hub,
        source("users", 1),
        Stream::Stdout,
        &counters,
    )
    .await
    .expect("memory can be read");
    publish(&hub, "users", "unknown level");
    assert_eq!(deliveries(&mut follower), [Ok(2), Ok(4)]);
    assert_eq!(seqs(&hub.tail(&warnings)), [2, 4]);
}

#[tokio::test]
async fn a_gap_counts_the_unread_lines_of_a_chunk() {
    let hub = Hub::new(HubConfig::default());
    let mut follower = hub.subscribe(LogQuery::default(), Capacity { bytes: 1_000 });
    let counters = PumpCounters::default();
    pump(
        &b"one\ntwo\nthree\n"[..],
        &hub,
        source("users", 1),
        Stream::Stdout,
        &counters,
    )
    .await
    .expect("memory can be read");
    assert!(matches!(follower.try_next(), Some(Delivery::Line(line)) if line.seq == 1));
    publish(&hub, "users", vec![b'x'; 2_000]);
    assert_eq!(deliveries(&mut follower), [Err(2), Ok(4)]);
}

#[test]
fn a_dropped_follower_is_removed() {
    let hub = Hub::new(HubConfig::default());
    let follower = hub.subscribe(LogQuery::default(), Capacity::default());
    assert_eq!(hub.followers(), 1);
    drop(follower);
    assert_eq!(hub.followers(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_follower_ends_after_the_last_line_of_a_closed_hub() {
    let hub = Hub::new(HubConfig::default());
    publish(&hub, "users", "before");
    let mut follower = hub.subscribe(LogQuery::default(), Capacity::default());
    let reader = tokio::spawn(async move {
        let mut received = Vec::new();
        while let Some(Delivery::Line(line)) = follower.next().await {
            received.push(line.seq);
        }
        received
    });
    // Under paused time this completes only while the reader waits.
    tokio::time::sleep(Duration::from_secs(3600)).await;
    publish(&hub, "users", "while it waits");
    tokio::time::sleep(Duration::from_secs(3600)).await;
    publish(&hub, "users", "last line");
    hub.close();
    assert_eq!(reader.await.expect("the reader doesn't panic"), [1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn a_follower_ends_with_its_hub() {
    let hub = Hub::new(HubConfig::default());
    let mut follower = hub.subscribe(LogQuery::default(), Capacity::default());
    let waiting = tokio::spawn(async move { follower.next().await });
    tokio::time::sleep(Duration::from_secs(1)).await;
    drop(hub);
    assert_eq!(waiting.await.expect("the reader doesn't panic"), None);

    let closed = Hub::new(HubConfig::default());
    publish(&closed, "users", "past");
    closed.close();
    let mut late = closed.subscribe(LogQuery::default(), Capacity::default());
    assert!(matches!(late.next().await, Some(Delivery::Line(_))));
    assert_eq!(late.next().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_wait_loses_nothing() {
    let hub = Hub::new(HubConfig::default());
    let mut follower = hub.subscribe(LogQuery::default(), Capacity::default());
    for seq in 1..=5 {
        let wait = tokio::time::timeout(Duration::from_secs(1), follower.next());
        assert!(wait.await.is_err());
        publish(&hub, "users", "x");
        let next = follower.next().await;
        assert!(matches!(next, Some(Delivery::Line(line)) if line.seq == seq));
    }
}

/// Publishers on threads of their own, a subscription in the middle, one follower never read.
#[test]
fn backlog_and_later_lines_have_no_gap_or_duplicate() {
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
                    publish(&hub, domain, number.to_string());
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
        assert_eq!(deliveries(follower), all);
    }
    // The lines of each domain are in their own order.
    for domain in ["a", "b", "c"] {
        let numbers: Vec<u64> = hub
            .tail(&LogQuery::domain(domain))
            .iter()
            .map(|line| line.text().parse().expect("a number"))
            .collect();
        assert_eq!(numbers, (0..EACH).collect::<Vec<_>>());
    }
}

proptest! {
    /// Lines arrive in order, and gaps account for each line in between.
    #[test]
    fn gaps_add_up(
        steps in prop::collection::vec((1_usize..30, 0_usize..200, 0_usize..30), 1..30),
        capacity in 200_usize..5_000,
    ) {
        let hub = Hub::new(HubConfig::default());
        let mut follower = hub.subscribe(LogQuery::default(), Capacity { bytes: capacity });
        let mut last = 0;
        let mut read = |follower: &mut Follower, max: usize| {
            for _ in 0..max {
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
        let mut published = 0;
        for (lines, length, reads) in steps {
            for _ in 0..lines {
                published = publish(&hub, "users", vec![b'x'; length]);
            }
            read(&mut follower, reads);
        }
        prop_assert_eq!(read(&mut follower, usize::MAX), published);
    }
}

/// Times are in the order of numbers, though two pumps may read the clock in another order. A clock
/// that was set back is not corrected.
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

/// All bytes of a line are stored; its end is not shown.
#[test]
fn a_line_that_ends_with_crlf_keeps_its_cr() {
    let hub = Hub::new(HubConfig::default());
    publish(&hub, "users", &b"a\r"[..]);
    let line = &hub.tail(&LogQuery::default())[0];
    assert_eq!(
        (&line.message[..], line.content()),
        (&b"a\r"[..], &b"a"[..])
    );
    assert_eq!(line.text(), "a");
}
