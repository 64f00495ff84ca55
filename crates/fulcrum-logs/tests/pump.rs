//! Pumps: all bytes, in order, also if the caller does not wait for the end.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use fulcrum_logs::{
    Hub, HubConfig, Level, LogLine, LogQuery, MAX_LINE, Pump, PumpCounters, PumpStats, Source,
    Stream, pump,
};
use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};

fn hub() -> Hub {
    Hub::new(HubConfig {
        ring_bytes: 64 * 1024 * 1024,
    })
}

fn users() -> Source {
    Source {
        domain: Arc::from("users"),
        generation: 2,
        pid: 7,
    }
}

fn lines_of(hub: &Hub) -> Vec<(String, bool)> {
    let fields = |line: LogLine| (line.text().into_owned(), line.partial);
    hub.tail(&LogQuery::default())
        .into_iter()
        .map(fields)
        .collect()
}

fn line(text: &str, partial: bool) -> (String, bool) {
    (text.to_owned(), partial)
}

#[tokio::test]
async fn lines_and_the_unfinished_one_are_published() {
    let (hub, counters) = (hub(), PumpCounters::default());
    let input: &[u8] = b"ERROR one\r\ntwo\nthr";
    let stats = pump(input, &hub, users(), Stream::Stderr, &counters).await;
    let stats = stats.expect("memory can be read");
    assert_eq!(
        stats,
        PumpStats {
            bytes: 18,
            lines: 3
        }
    );
    assert_eq!((counters.bytes(), counters.lines()), (18, 3));
    assert_eq!(
        lines_of(&hub),
        [
            line("ERROR one", false),
            line("two", false),
            line("thr", true)
        ]
    );
    let first = &hub.tail(&LogQuery::default())[0];
    assert_eq!(first.level, Some(Level::Error));
    assert_eq!(first.source, users());
    assert_eq!(first.stream, Stream::Stderr);
}

#[tokio::test]
async fn all_lines_of_a_flood_arrive_in_order() {
    let hub = hub();
    let text: String = (0..50_000)
        .map(|number| format!("line {number}\n"))
        .collect();
    let stats = pump(
        text.as_bytes(),
        &hub,
        users(),
        Stream::Stdout,
        &PumpCounters::default(),
    )
    .await;
    assert_eq!(stats.expect("memory can be read").lines, 50_000);
    let lines = hub.tail(&LogQuery::default());
    assert!((0..50_000).eq(lines.iter().map(|line| {
        let text = line.text();
        let number = text.strip_prefix("line ").expect("as written");
        number.parse::<i32>().expect("as written")
    })));
}

#[tokio::test]
async fn the_parts_of_a_long_line_have_its_level() {
    let hub = hub();
    let text = format!("WARN {}\nnext\n", "ERROR ".repeat(MAX_LINE / 3));
    let stats = pump(
        text.as_bytes(),
        &hub,
        users(),
        Stream::Stdout,
        &PumpCounters::default(),
    )
    .await;
    assert_eq!(stats.expect("memory can be read").bytes, text.len() as u64);
    let lines = hub.tail(&LogQuery::default());
    let (last, parts) = lines.split_last().expect("there are lines");
    assert!(parts.len() > 1);
    assert!(parts.iter().all(|part| part.level == Some(Level::Warn)));
    assert_eq!((last.level, last.partial), (None, false));
    let joined: String = parts.iter().map(|part| part.text().into_owned()).collect();
    assert!(text.starts_with(&joined) && joined.len() == text.len() - "\nnext\n".len());
}

#[tokio::test(start_paused = true)]
async fn an_unfinished_line_is_published_once_it_is_quiet_and_its_end_follows_it() {
    let hub = hub();
    let (mut writer, reader) = tokio::io::duplex(1024);
    let counters = PumpCounters::default();
    let mut pump = Pump::new(reader, &hub, users(), Stream::Stdout, &counters);
    let typing = async {
        for part in ["on", "e\nERROR listening", " on 4000 "] {
            writer.write_all(part.as_bytes()).await.expect("it fits");
            tokio::time::sleep(Duration::from_millis(60)).await;
            assert_eq!(
                hub.tail(&LogQuery::default())
                    .iter()
                    .filter(|line| line.partial)
                    .count(),
                0
            );
        }
        tokio::time::sleep(Duration::from_millis(60)).await;
        let prompt = [line("one", false), line("ERROR listening on 4000 ", true)];
        assert_eq!(lines_of(&hub), prompt);
        tokio::time::sleep(Duration::from_secs(3600)).await;
        assert_eq!(lines_of(&hub), prompt, "once");
        writer
            .write_all(b"(q to quit)\nlast")
            .await
            .expect("it fits");
        drop(writer);
    };
    let (read, ()) = tokio::join!(pump.run(), typing);
    read.expect("the pipe ends");
    pump.finish();
    assert_eq!(
        lines_of(&hub)[2..],
        [line("(q to quit)", false), line("last", true)]
    );
    let levels: Vec<_> = hub
        .tail(&LogQuery::default())
        .iter()
        .map(|line| line.level)
        .collect();
    assert_eq!(levels, [None, Some(Level::Error), Some(Level::Error), None]);
}

/// A child of the domain holds the pipe open after the domain has exited.
#[tokio::test(start_paused = true)]
async fn a_pump_can_be_stopped_without_losing_read_bytes() {
    let hub = hub();
    let (mut writer, reader) = tokio::io::duplex(1024);
    let mut pump = Pump::new(
        reader,
        &hub,
        users(),
        Stream::Stdout,
        &PumpCounters::default(),
    );
    writer.write_all(b"one\nlast li").await.expect("it fits");
    let limit = Duration::from_millis(50);
    assert!(tokio::time::timeout(limit, pump.run()).await.is_err());
    writer.write_all(b"nes").await.expect("it fits");
    assert!(tokio::time::timeout(limit, pump.run()).await.is_err());
    assert_eq!(
        pump.finish(),
        PumpStats {
            bytes: 14,
            lines: 2
        }
    );
    assert_eq!(
        lines_of(&hub),
        [line("one", false), line("last lines", true)]
    );

    // Later output starts a new line.
    writer.write_all(b"late\n").await.expect("it fits");
    drop(writer);
    pump.run().await.expect("the pipe ends");
    assert_eq!(pump.finish().lines, 3);
    assert_eq!(lines_of(&hub)[2], line("late", false));
}

/// Returns bytes, is interrupted, returns bytes, fails.
struct FailingReader(u8);

impl AsyncRead for FailingReader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.0 += 1;
        match self.0 {
            1 => buffer.put_slice(b"a"),
            2 => return Poll::Ready(Err(io::ErrorKind::Interrupted.into())),
            3 => buffer.put_slice(b"b"),
            _ => return Poll::Ready(Err(io::Error::other("connection reset"))),
        }
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn a_read_error_names_the_stream_and_keeps_earlier_lines() {
    let hub = hub();
    let error = pump(
        FailingReader(0),
        &hub,
        users(),
        Stream::Stdout,
        &PumpCounters::default(),
    )
    .await
    .expect_err("an error");
    assert_eq!(
        error.to_string(),
        "cannot read stdout of `users` (generation 2, pid 7): connection reset; \
         later output is lost"
    );
    assert_eq!(lines_of(&hub), [line("ab", true)]);
}

/// A hub much smaller than the output.
#[tokio::test]
async fn a_flood_leaves_the_newest_lines_within_the_limit() {
    let hub = Hub::new(HubConfig {
        ring_bytes: 300_000,
    });
    let text = "x".repeat(99) + "\n";
    let flood = text.repeat(50_000);
    let stats = pump(
        flood.as_bytes(),
        &hub,
        users(),
        Stream::Stdout,
        &PumpCounters::default(),
    )
    .await;
    assert_eq!(stats.expect("memory can be read").lines, 50_000);
    let stored = hub.tail(&LogQuery::default());
    assert!((1_000..3_000).contains(&stored.len()), "{}", stored.len());
    assert!((50_001 - stored.len() as u64..=50_000).eq(stored.iter().map(|line| line.seq)));
}
