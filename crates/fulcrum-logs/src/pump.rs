//! From a pipe to the hub, as fast as the pipe fills.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use tokio::io::{AsyncRead, AsyncReadExt};

use crate::clock::wall_clock;
use crate::{Chunk, Hub, Level, LineBatch, LineSplitter, MAX_LINE, Source, Stream, detect_level};

/// The most that is read at once. Measured: reads of this size with a search for line ends keep up
/// with `cat`; reading line by line is ten times slower.
const READ_MAX: usize = 256 * 1024;
/// What an idle pipe costs. The buffer grows while reads fill it and shrinks back afterwards.
const READ_MIN: usize = 8 * 1024;
/// After so many reads in a row that needed a quarter of the buffer or less, it is halved.
const SHRINK_AFTER: u32 = 32;

/// Running totals of what pumps have read; clones count together. For display while they run.
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

    /// Lines published so far; each piece of a cut line counts.
    #[must_use]
    pub fn lines(&self) -> u64 {
        self.0.lines.load(Ordering::Relaxed)
    }

    fn add(&self, bytes: u64, lines: u64) {
        self.0.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.0.lines.fetch_add(lines, Ordering::Relaxed);
    }
}

/// What one pump has read in its life.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PumpStats {
    /// Bytes read, line ends included.
    pub bytes: u64,
    /// Lines published; each piece of a cut line counts.
    pub lines: u64,
}

/// Reads one stream of one life of a domain and publishes its lines.
///
/// It waits for the pipe and for no follower: a pump that waited would fill the pipe, and a full
/// pipe freezes the domain. Where lines are kept in a store, whoever says more than the disk can
/// take is slowed down by it; a disk that stands still is given up for a moment (see [`Hub::room`]).
///
/// A process that the domain left behind may hold the pipe open after the domain has exited. Then
/// stop waiting for [`run`](Self::run), call [`finish`](Self::finish) to publish the unfinished
/// line, and, if what the stragglers say is still wanted, go on with `run`.
pub struct Pump<R> {
    reader: R,
    /// How much is read at once.
    size: usize,
    quiet_reads: u32,
    splitter: LineSplitter,
    sink: LinePublisher,
}

impl<R: AsyncRead + Unpin> Pump<R> {
    /// A pump from `reader` into `hub`, its lines marked with `source` and `stream`.
    pub fn new(reader: R, hub: &Hub, source: Source, stream: Stream, tally: &PumpCounters) -> Self {
        Self {
            reader,
            size: READ_MIN,
            quiet_reads: 0,
            splitter: LineSplitter::pooled(MAX_LINE, hub.pool()),
            sink: LinePublisher {
                hub: hub.clone(),
                source,
                stream,
                tally: tally.clone(),
                report: PumpStats::default(),
                continued: None,
            },
        }
    }

    /// Reads until the end of the stream. Cancel safe: whatever was read before the future is
    /// dropped is published, or held for the next `run` or for `finish`.
    ///
    /// # Errors
    /// The reader's error, with the stream and the domain it belongs to.
    pub async fn run(&mut self) -> io::Result<()> {
        loop {
            self.sink.hub.wait_for_capacity().await;
            let buffer = self.splitter.reserve(self.size);
            let mut limited = (&mut self.reader).take(self.size as u64);
            match limited.read_buf(buffer).await {
                Ok(0) => return Ok(()),
                Ok(length) => self.take(length),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.sink.with_context(&error)),
            }
        }
    }

    /// Publishes the unfinished line, if there is one, as partial, and tells what was read in all.
    pub fn finish(&mut self) -> PumpStats {
        let now = wall_clock();
        while let Some(run) = self.splitter.finish() {
            self.sink.publish(run, now);
        }
        self.sink.continued = None;
        self.sink.report
    }

    fn take(&mut self, length: usize) {
        self.sink.report.bytes += length as u64;
        self.sink.tally.add(length as u64, 0);
        // One look at the clock for what came together.
        let now = wall_clock();
        while let Some(run) = self.splitter.next_batch() {
            self.sink.publish(run, now);
        }
        self.resize(length);
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
            .field("source", &self.sink.source)
            .field("stream", &self.sink.stream)
            .field("report", &self.sink.report)
            .finish_non_exhaustive()
    }
}

/// Pumps `reader` into `hub` until its end, the unfinished line included.
///
/// # Errors
/// The reader's error, with the stream and the domain it belongs to; what was read until then is
/// published.
pub async fn pump<R: AsyncRead + Unpin>(
    reader: R,
    hub: &Hub,
    source: Source,
    stream: Stream,
    tally: &PumpCounters,
) -> io::Result<PumpStats> {
    let mut pump = Pump::new(reader, hub, source, stream, tally);
    let ended = pump.run().await;
    let report = pump.finish();
    ended.map(|()| report)
}

/// Where a pump's lines go, and what is known of the one being cut.
struct LinePublisher {
    hub: Hub,
    source: Source,
    stream: Stream,
    tally: PumpCounters,
    report: PumpStats,
    /// The level of the line that was cut last; what comes next belongs to it.
    continued: Option<Level>,
}

impl LinePublisher {
    fn publish(&mut self, run: LineBatch, now: SystemTime) {
        let given = self.continued.filter(|_| run.continues);
        if run.partial && !run.continues {
            self.continued = detect_level(&run.text, self.stream);
        }
        let lines = u64::from(run.lines);
        self.report.lines += lines;
        self.tally.add(0, lines);
        self.hub.publish_chunk(Chunk {
            first_seq: 0,
            time: now,
            source: self.source.clone(),
            stream: self.stream,
            explicit_level: given,
            lines: run,
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
                 what it says from here on is lost",
                self.stream
            ),
        )
    }
}
