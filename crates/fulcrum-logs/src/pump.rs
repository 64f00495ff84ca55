//! Reads pipes and publishes their lines.

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::timeout;

use crate::chunk::Chunk;
use crate::clock::wall_clock;
use crate::hub::Hub;
use crate::level::detect_level;
use crate::line::{Level, Source, Stream};
use crate::line_splitter::{LineBatch, LineSplitter, MAX_LINE};
use crate::overwritten::overwrites;

/// The largest read, in bytes. Measured: reads of this size with a search for line ends are as fast
/// as `cat`; reading line by line is ten times slower.
const READ_MAX: usize = 256 * 1024;
/// The smallest read, in bytes. The buffer grows while reads fill it
/// and shrinks afterwards.
const READ_MIN: usize = 8 * 1024;
/// After this many reads in a row that used a quarter of the buffer or less, it is halved.
const SHRINK_AFTER: u32 = 32;

/// An unfinished line is published once nothing has followed for this long: a prompt, or the last line
/// of a program that waits.
const QUIET: Duration = Duration::from_millis(100);

/// The same for a line that is written over itself, such as a progress bar: each state would be a line.
const QUIET_OVERWRITTEN: Duration = Duration::from_secs(1);

/// Running totals of pumps, for display while they run. Clones share the counters.
#[derive(Debug, Clone, Default)]
pub struct PumpCounters(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    bytes: AtomicU64,
    lines: AtomicU64,
}

impl PumpCounters {
    /// Bytes read so far, line ends included.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.0.bytes.load(Ordering::Relaxed)
    }

    /// Lines published so far; each part of a split line counts.
    #[must_use]
    pub fn lines(&self) -> u64 {
        self.0.lines.load(Ordering::Relaxed)
    }

    fn add(&self, bytes: u64, lines: u64) {
        self.0.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.0.lines.fetch_add(lines, Ordering::Relaxed);
    }
}

/// The totals of one pump.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PumpStats {
    /// Bytes read, line ends included.
    pub bytes: u64,
    /// Lines published; each part of a split line counts.
    pub lines: u64,
}

/// Reads one stream of one generation and publishes its lines.
///
/// It waits for the pipe and never for a follower: otherwise the pipe would fill and block the
/// domain. With a store, a domain that writes more than the disk accepts is slowed down; a stalled
/// disk does not block it (see [`Hub::wait_for_capacity`]).
///
/// A child of the domain may hold the pipe open after the domain has exited. Then stop waiting for
/// [`run`](Self::run), call [`finish`](Self::finish) to publish the unfinished line, and call `run`
/// again if later output is of interest.
pub struct Pump<R> {
    reader: R,
    /// Bytes of the next read.
    size: usize,
    quiet_reads: u32,
    splitter: LineSplitter,
    publisher: LinePublisher,
}

impl<R: AsyncRead + Unpin> Pump<R> {
    /// Creates a pump from `reader` to `hub`. Its lines carry `source` and `stream`.
    pub fn new(
        reader: R,
        hub: &Hub,
        source: Source,
        stream: Stream,
        counters: &PumpCounters,
    ) -> Self {
        Self {
            reader,
            size: READ_MIN,
            quiet_reads: 0,
            splitter: LineSplitter::pooled(MAX_LINE, hub.pool()),
            publisher: LinePublisher {
                hub: hub.clone(),
                source,
                stream,
                counters: counters.clone(),
                stats: PumpStats::default(),
                continued_level: None,
            },
        }
    }

    /// Reads until the end of the stream. A line that stays unfinished for 100 ms is published as
    /// partial; what follows continues it. Cancel safe: bytes that were read before the future is
    /// dropped are published, or stay for the next `run` or `finish`.
    ///
    /// # Errors
    /// The reader's error, with stream and domain.
    pub async fn run(&mut self) -> io::Result<()> {
        loop {
            self.publisher.hub.wait_for_capacity().await;
            let quiet = self.quiet_time();
            let read = self.read();
            let result = match quiet {
                Some(quiet) => timeout(quiet, read).await,
                None => Ok(read.await),
            };
            let Ok(result) = result else {
                self.publish_unfinished();
                continue;
            };
            match result {
                Ok(0) => return Ok(()),
                Ok(length) => self.publish(length),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.publisher.with_context(&error)),
            }
        }
    }

    /// Reads once. As long as there is nothing to read, an idle pipe takes no memory.
    async fn read(&mut self) -> io::Result<usize> {
        poll_fn(|context| {
            let buffer = self.splitter.reserve(self.size);
            let mut limited = (&mut self.reader).take(self.size as u64);
            // It has no state besides the buffer, so that another one continues it.
            let result = pin!(limited.read_buf(buffer)).poll(context);
            if result.is_pending() {
                self.splitter.release_unused();
            }
            result
        })
        .await
    }

    /// Publishes the unfinished line, if there is one, as partial. Returns the totals.
    pub fn finish(&mut self) -> PumpStats {
        let now = wall_clock();
        while let Some(batch) = self.splitter.finish() {
            self.publisher.publish(batch, now);
        }
        self.publisher.continued_level = None;
        self.publisher.stats
    }

    fn publish(&mut self, length: usize) {
        self.publisher.stats.bytes += length as u64;
        self.publisher.counters.add(length as u64, 0);
        // One time for all lines of a read.
        let now = wall_clock();
        while let Some(batch) = self.splitter.next_batch() {
            self.publisher.publish(batch, now);
        }
        self.resize(length);
    }

    /// How long an unfinished line waits for its next part.
    fn quiet_time(&self) -> Option<Duration> {
        if self.splitter.unfinished_len() == 0 {
            return None;
        }
        let is_overwritten = overwrites(self.splitter.unfinished_end());
        Some(match is_overwritten {
            true => QUIET_OVERWRITTEN,
            false => QUIET,
        })
    }

    fn publish_unfinished(&mut self) {
        if let Some(batch) = self.splitter.unfinished() {
            self.publisher.publish(batch, wall_clock());
        }
    }

    fn resize(&mut self, length: usize) {
        if length == self.size && self.size < READ_MAX {
            self.size = (self.size * 4).min(READ_MAX);
            self.quiet_reads = 0;
        } else if length > self.size / 4 || self.size == READ_MIN {
            self.quiet_reads = 0;
        } else {
            self.quiet_reads += 1;
            if self.quiet_reads >= SHRINK_AFTER {
                self.size = (self.size / 2).max(READ_MIN);
                self.splitter.shrink();
                self.quiet_reads = 0;
            }
        }
    }
}

impl<R> std::fmt::Debug for Pump<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pump")
            .field("source", &self.publisher.source)
            .field("stream", &self.publisher.stream)
            .field("stats", &self.publisher.stats)
            .finish_non_exhaustive()
    }
}

/// Publishes the lines of `reader` until its end, the unfinished line included.
///
/// # Errors
/// The reader's error, with stream and domain; what was read before is published.
pub async fn pump<R: AsyncRead + Unpin>(
    reader: R,
    hub: &Hub,
    source: Source,
    stream: Stream,
    counters: &PumpCounters,
) -> io::Result<PumpStats> {
    let mut pump = Pump::new(reader, hub, source, stream, counters);
    let result = pump.run().await;
    let stats = pump.finish();
    result.map(|()| stats)
}

/// Publishes the lines of a pump.
struct LinePublisher {
    hub: Hub,
    source: Source,
    stream: Stream,
    counters: PumpCounters,
    stats: PumpStats,
    /// The level of the line that was split last, for its next part.
    continued_level: Option<Level>,
}

impl LinePublisher {
    fn publish(&mut self, batch: LineBatch, now: SystemTime) {
        let explicit_level = self.continued_level.filter(|_| batch.continues);
        if batch.partial && !batch.continues {
            self.continued_level = detect_level(&batch.text, self.stream);
        }
        let lines = u64::from(batch.lines);
        self.stats.lines += lines;
        self.counters.add(0, lines);
        self.hub.publish_chunk(Chunk {
            first_seq: 0,
            time: now,
            source: self.source.clone(),
            stream: self.stream,
            explicit_level,
            lines: batch,
        });
    }

    fn with_context(&self, error: &io::Error) -> io::Error {
        let Source {
            domain,
            generation,
            pid,
        } = &self.source;
        io::Error::new(
            error.kind(),
            format!(
                "cannot read {} of `{domain}` (generation {generation}, pid {pid}): {error}; \
                 later output is lost",
                self.stream
            ),
        )
    }
}
