//! Pumps: every byte, in order, also when nobody waits for the end.

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

fn said(hub: &Hub) -> Vec<(String, bool)> {
    let told = |line: LogLine| (line.text().into_owned(), line.partial);
    hub.tail(&LogQuery::default())
        .into_iter()
        .map(told)
        .collect()
}

fn line(text: &str, partial: bool) -> (String, bool) {
    (text.to_owned(), partial)
}

#[tokio::test]
async fn publishes_lines_and_the_unfinished_one() {
    let (hub, tally) = (hub(), PumpCounters::default());
    let input: &[u8] = b"ERROR one\r\ntwo\nthr";
    let report = pump(input, &hub, users(), Stream::Stderr, &tally).await;
    let report = report.expect("memory can be read");
    assert_eq!(
        report,
        PumpStats {
            bytes: 18,
            lines: 3
        }
    );
    assert_eq!((tally.bytes(), tally.lines()), (18, 3));
    assert_eq!(
        said(&hub),
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
async fn every_line_of_a_flood_arrives_in_order() {
    let hub = hub();
    let text: String = (0..50_000)
        .map(|number| format!("line {number}\n"))
        .collect();
    let report = pump(
        text.as_bytes(),
        &hub,
        users(),
        Stream::Stdout,
        &PumpCounters::default(),
    )
    .await;
    assert_eq!(report.expect("memory can be read").lines, 50_000);
    let lines = hub.tail(&LogQuery::default());
    assert!((0..50_000).eq(lines.iter().map(|line| {
        let text = line.text();
        let number = text.strip_prefix("line ").expect("as written");
        number.parse::<i32>().expect("as written")
    })));
}

#[tokio::test]
async fn the_pieces_of_a_long_line_share_its_level() {
    let hub = hub();
    let text = format!("WARN {}\nnext\n", "ERROR ".repeat(MAX_LINE / 3));
    let report = pump(
        text.as_bytes(),
        &hub,
        users(),
        Stream::Stdout,
        &PumpCounters::default(),
    )
    .await;
    assert_eq!(report.expect("memory can be read").bytes, text.len() as u64);
    let lines = hub.tail(&LogQuery::default());
    let (last, pieces) = lines.split_last().expect("there are lines");
    assert!(pieces.len() > 1);
    assert!(pieces.iter().all(|piece| piece.level == Some(Level::Warn)));
    assert_eq!((last.level, last.partial), (None, false));
    let joined: String = pieces
        .iter()
        .map(|piece| piece.text().into_owned())
        .collect();
    assert!(text.starts_with(&joined) && joined.len() == text.len() - "\nnext\n".len());
}

/// A process left behind by the domain keeps the pipe open after the domain itself has exited.
#[tokio::test(start_paused = true)]
async fn stops_waiting_without_losing_what_was_read() {
    let hub = hub();
    let (mut writer, reader) = tokio::io::duplex(1024);
    let mut pump = Pump::new(
        reader,
        &hub,
        users(),
        Stream::Stdout,
        &PumpCounters::default(),
    );
    writer.write_all(b"one\nlast wo").await.expect("it fits");
    let patience = Duration::from_millis(200);
    assert!(tokio::time::timeout(patience, pump.run()).await.is_err());
    writer.write_all(b"rds").await.expect("it fits");
    assert!(tokio::time::timeout(patience, pump.run()).await.is_err());
    assert_eq!(
        pump.finish(),
        PumpStats {
            bytes: 14,
            lines: 2
        }
    );
    assert_eq!(said(&hub), [line("one", false), line("last words", true)]);

    // A straggler's later words begin a line of their own.
    writer.write_all(b"late\n").await.expect("it fits");
    drop(writer);
    pump.run().await.expect("the pipe ends");
    assert_eq!(pump.finish().lines, 3);
    assert_eq!(said(&hub)[2], line("late", false));
}

/// Gives one chunk, is interrupted, gives another, breaks.
struct Breaking(u8);

impl AsyncRead for Breaking {
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
            _ => return Poll::Ready(Err(io::Error::other("cable cut"))),
        }
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn a_broken_pipe_is_told_and_keeps_what_was_read() {
    let hub = hub();
    let error = pump(
        Breaking(0),
        &hub,
        users(),
        Stream::Stdout,
        &PumpCounters::default(),
    )
    .await
    .expect_err("it breaks");
    assert_eq!(
        error.to_string(),
        "cannot read stdout of `users` (generation 2, pid 7): cable cut; \
         what it says from here on is lost"
    );
    assert_eq!(said(&hub), [line("ab", true)]);
}

/// A hub much smaller than what is said.
#[tokio::test]
async fn a_flood_leaves_the_newest_lines_within_the_bound() {
    let hub = Hub::new(HubConfig {
        ring_bytes: 300_000,
    });
    let text = "x".repeat(99) + "\n";
    let flood = text.repeat(50_000);
    let report = pump(
        flood.as_bytes(),
        &hub,
        users(),
        Stream::Stdout,
        &PumpCounters::default(),
    )
    .await;
    assert_eq!(report.expect("memory can be read").lines, 50_000);
    let kept = hub.tail(&LogQuery::default());
    assert!((1_000..3_000).contains(&kept.len()), "{}", kept.len());
    assert!((50_001 - kept.len() as u64..=50_000).eq(kept.iter().map(|line| line.seq)));
}
