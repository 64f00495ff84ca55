//! The thread that writes.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, IoSlice, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::event::StoreEvent;
use super::record::{HEADER, Header};
use super::retention::{DomainFiles, RetentionLimits, expired};
use super::write_queue::{WriteBatch, WriteQueue};
use super::{segment, segment_reader};
use crate::Chunk;
use crate::clock::wall_clock;

/// So many files are held open; others are opened again when something is said.
const MAX_OPEN_FILES: usize = 64;

/// So many records are written at once, if they belong to one file.
const MAX_BATCH_RECORDS: usize = 64;

/// A store that has failed must have worked for so long before it is told to be well again.
const RECOVERY_DELAY: Duration = Duration::from_secs(1);

/// Keeps what a [`Hub`](crate::Hub) publishes; made first, and closed after the hub's last line.
#[derive(Debug)]
pub struct Store {
    intake: Arc<WriteQueue>,
    run: u64,
    last_seq: u64,
    ended: mpsc::Receiver<()>,
    stopping: Arc<AtomicBool>,
}

impl Store {
    /// Opens the store in a folder, which is made, and starts its thread. What a killed instance
    /// has left is brought in order first. Only one store may be open in a folder: the instance's
    /// lock sees to that.
    ///
    /// # Errors
    /// The folder can't be made, isn't ours, or can't be read; the system refuses a thread.
    pub fn open(
        folder: PathBuf,
        limits: RetentionLimits,
    ) -> io::Result<(Self, UnboundedReceiver<StoreEvent>)> {
        segment::make_folder(&folder)?;
        let (last_seq, left) = recover(&folder)?;
        let intake = Arc::new(WriteQueue::default());
        let stopping = Arc::new(AtomicBool::new(false));
        let (notices, told) = unbounded_channel();
        let packer = Compressor::start(folder.clone(), Arc::clone(&stopping))?;
        let run = micros(wall_clock());
        let writer = Writer {
            run,
            packer,
            folder,
            limits,
            active: BTreeMap::new(),
            trouble: WriteErrorState {
                notices,
                failed: None,
                missing: BTreeMap::new(),
            },
        };
        let (end, ended) = mpsc::channel();
        let work = Arc::clone(&intake);
        thread::Builder::new()
            .name("log-writer".to_owned())
            .spawn(move || {
                writer.run(&work, left);
                // Who asked for the end may have stopped waiting.
                let _ = end.send(());
            })?;
        let store = Self {
            intake,
            run,
            last_seq,
            ended,
            stopping,
        };
        Ok((store, told))
    }

    /// The number of the newest line that an earlier instance has kept; 0 if there is none.
    #[must_use]
    pub fn last_seq(&self) -> u64 {
        self.last_seq
    }

    /// What tells this run from others in the store: when it was opened, in microseconds since
    /// 1970.
    #[must_use]
    pub fn run(&self) -> u64 {
        self.run
    }

    pub(crate) fn intake(&self) -> Arc<WriteQueue> {
        Arc::clone(&self.intake)
    }

    /// Writes what waits, for at most so long; false if that wasn't enough. Blocks.
    #[must_use]
    pub fn close(self, limit: Duration) -> bool {
        self.stopping.store(true, Ordering::Relaxed);
        self.intake.close();
        self.ended.recv_timeout(limit).is_ok()
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.intake.close();
    }
}

/// Brings in order what is there. Gives the last line's number and the files that were left
/// uncompressed.
fn recover(folder: &Path) -> io::Result<(u64, Vec<(String, u64)>)> {
    let mut plain = Vec::new();
    let mut newest = Vec::new();
    let mut last = 0;
    for domain in domains(folder)? {
        let own = folder.join(&domain);
        segment::remove_temp_files(&own);
        let segments = segment::list(&own)?;
        let left = segments.iter().filter(|segment| !segment.compressed);
        plain.extend(left.map(|segment| (domain.clone(), segment.first_seq)));
        if let Some(segment) = segments.last() {
            last = last.max(segment.first_seq);
            newest.push((domain, segment.clone()));
        }
    }
    // The last line is in a file that was written to last: a file is only looked into if it may be
    // that one.
    let latest = newest.iter().map(|(_, segment)| segment.written).max();
    for (domain, segment) in newest {
        let near = latest.is_some_and(|latest| {
            latest.duration_since(segment.written).unwrap_or_default() < Duration::from_secs(10)
        });
        if near || segment.first_seq == last {
            let end = segment_reader::end_seq(&folder.join(domain), &segment)?;
            last = last.max(end.saturating_sub(1));
        }
    }
    Ok((last, plain))
}

/// The folders in a store: names of domains.
pub(super) fn domains(folder: &Path) -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            found.extend(entry.file_name().into_string());
        }
    }
    found.sort();
    Ok(found)
}

struct Writer {
    folder: PathBuf,
    run: u64,
    limits: RetentionLimits,
    active: BTreeMap<Arc<str>, ActiveSegment>,
    packer: Compressor,
    trouble: WriteErrorState,
}

/// The segment of a domain that is written to.
struct ActiveSegment {
    folder: PathBuf,
    first_seq: u64,
    /// Closed where too many are open.
    file: Option<File>,
    /// The file's length: what is beyond is half a record.
    bytes: u64,
    used: u64,
}

impl Writer {
    fn run(mut self, intake: &WriteQueue, left: Vec<(String, u64)>) {
        self.retain();
        if self.limits.compress {
            for (domain, first_seq) in left {
                self.packer.pack(&domain, first_seq);
            }
        }
        while let Some(WriteBatch {
            chunks,
            dropped: left_out,
        }) = intake.take()
        {
            if !left_out.is_empty() {
                let why = format!("{} can't keep up", self.folder.display());
                self.trouble.on_error(why, left_out);
            }
            let mut rest = chunks.as_slices();
            for half in [&mut rest.0, &mut rest.1] {
                while let Some(first) = half.first() {
                    let mut room = self.room(&first.source.domain);
                    let same = half.iter().take(MAX_BATCH_RECORDS).take_while(|chunk| {
                        // The one that makes a file full is the last in it.
                        let fits = chunk.source.domain == first.source.domain && room > 0;
                        room = room.saturating_sub((HEADER + chunk.lines.text.len()) as u64);
                        fits
                    });
                    let count = same.count();
                    let (together, later) = half.split_at(count);
                    self.write(together);
                    *half = later;
                    let bytes = together.iter().map(|chunk| chunk.memory_cost()).sum();
                    intake.done(count, bytes);
                }
            }
        }
    }

    /// How much goes into a domain's file until it is full.
    fn room(&self, domain: &str) -> u64 {
        let bytes = self.active.get(domain).map_or(0, |active| active.bytes);
        self.limits.file_bytes.saturating_sub(bytes).max(1)
    }

    /// Writes chunks of one domain.
    fn write(&mut self, chunks: &[Arc<Chunk>]) {
        match self.append(chunks) {
            Ok(full) => {
                self.trouble.on_recovery();
                if full {
                    self.seal(&chunks[0].source.domain);
                }
            }
            Err(why) => {
                let lines = chunks
                    .iter()
                    .map(|chunk| u64::from(chunk.lines.lines))
                    .sum();
                let domain = Arc::clone(&chunks[0].source.domain);
                self.trouble
                    .on_error(why, BTreeMap::from([(domain, lines)]));
            }
        }
    }

    /// Gives whether the file is full then.
    fn append(&mut self, chunks: &[Arc<Chunk>]) -> Result<bool, String> {
        let first = &chunks[0];
        let domain = &first.source.domain;
        let explain = |path: &Path, error: &io::Error| format!("{}: {error}", path.display());
        if self.is_gone(domain) {
            self.active.remove(domain);
        }
        if !self.active.contains_key(domain) {
            let folder = self.folder.join(&**domain);
            let active = ActiveSegment::begin(folder.clone(), first.first_seq, self.run);
            let active = active.map_err(|error| explain(&folder, &error))?;
            self.active.insert(Arc::clone(domain), active);
            self.close_some(domain);
            self.retain();
        }
        let limit = self.limits.file_bytes;
        let Some(active) = self.active.get_mut(domain) else {
            return Ok(false);
        };
        active.used = first.first_seq;
        active.append(chunks).map_err(|error| {
            let path = segment::path(&active.folder, active.first_seq, segment::LOG_EXT);
            explain(&path, &error)
        })?;
        Ok(active.bytes >= limit)
    }

    /// Whether somebody has removed the file, or its folder, or moved it away.
    fn is_gone(&self, domain: &str) -> bool {
        let Some(active) = self.active.get(domain) else {
            return false;
        };
        let path = segment::path(&active.folder, active.first_seq, segment::LOG_EXT);
        let (Some(file), Ok(there)) = (&active.file, path.symlink_metadata()) else {
            return !path.exists();
        };
        file.metadata()
            .is_ok_and(|ours| (ours.dev(), ours.ino()) != (there.dev(), there.ino()))
    }

    /// A file is full: the next line begins another.
    fn seal(&mut self, domain: &Arc<str>) {
        if let Some(active) = self.active.remove(domain)
            && self.limits.compress
        {
            self.packer.pack(domain, active.first_seq);
        }
    }

    /// Removes what is beyond the limits.
    fn retain(&self) {
        let names = domains(&self.folder).unwrap_or_default();
        let listed = names.iter().map(|domain| {
            let segments = segment::list(&self.folder.join(domain)).unwrap_or_default();
            (domain, segments)
        });
        let listed: Vec<_> = listed.collect();
        let files: Vec<DomainFiles<'_>> = listed
            .iter()
            .map(|(domain, segments)| DomainFiles {
                domain,
                segments,
                writing: self.active.contains_key(domain.as_str()),
            })
            .collect();
        for (domain, first_seq) in expired(&files, &self.limits, wall_clock()) {
            let folder = self.folder.join(domain);
            for ending in [segment::LOG_EXT, segment::COMPRESSED_EXT] {
                let _ = std::fs::remove_file(segment::path(&folder, first_seq, ending));
            }
        }
    }

    /// Closes the file that was used least, where there are too many.
    fn close_some(&mut self, newest: &str) {
        let open = self.active.iter_mut();
        let mut open: Vec<_> = open
            .filter(|(domain, active)| active.file.is_some() && &***domain != newest)
            .map(|(_, active)| active)
            .collect();
        if open.len() >= MAX_OPEN_FILES {
            open.sort_by_key(|active| active.used);
            open[0].file = None;
        }
    }
}

impl ActiveSegment {
    fn begin(folder: PathBuf, first_seq: u64, run: u64) -> io::Result<Self> {
        segment::make_folder(&folder)?;
        let path = segment::path(&folder, first_seq, segment::LOG_EXT);
        let mut file = segment::create(&path)?;
        let begun = segment::write_title(&mut file, run);
        let bytes = begun.inspect_err(|_| {
            // An empty file is nothing that anybody could read.
            let _ = std::fs::remove_file(&path);
        })?;
        Ok(Self {
            folder,
            first_seq,
            file: Some(file),
            bytes,
            used: first_seq,
        })
    }

    fn append(&mut self, chunks: &[Arc<Chunk>]) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => {
                let path = segment::path(&self.folder, self.first_seq, segment::LOG_EXT);
                none.insert(segment::open_append(&path)?)
            }
        };
        let headers: Vec<_> = chunks
            .iter()
            .map(|chunk| Header::of(chunk).encode())
            .collect();
        let mut slices: Vec<IoSlice<'_>> = Vec::with_capacity(2 * chunks.len());
        for (header, chunk) in headers.iter().zip(chunks) {
            slices.push(IoSlice::new(header));
            slices.push(IoSlice::new(&chunk.lines.text));
        }
        let total: usize = slices.iter().map(|slice| slice.len()).sum();
        match write_all(file, &mut slices) {
            Ok(()) => {
                self.bytes += total as u64;
                Ok(())
            }
            Err(error) => {
                // Half a record in the middle would hide what comes after it.
                if file.set_len(self.bytes).is_err() {
                    self.file = None;
                }
                Err(error)
            }
        }
    }
}

fn write_all(file: &mut File, mut slices: &mut [IoSlice<'_>]) -> io::Result<()> {
    while !slices.is_empty() {
        match file.write_vectored(slices) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => IoSlice::advance_slices(&mut slices, written),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Knows whether the disk takes what is written, and tells when that changes.
struct WriteErrorState {
    notices: UnboundedSender<StoreEvent>,
    /// When it failed last, if it isn't well.
    failed: Option<Instant>,
    missing: BTreeMap<Arc<str>, u64>,
}

impl WriteErrorState {
    fn on_error(&mut self, why: String, missing: BTreeMap<Arc<str>, u64>) {
        for (domain, lines) in missing {
            *self.missing.entry(domain).or_default() += lines;
        }
        if self.failed.replace(clock()).is_none() {
            // Nobody listens any more at the very end.
            let _ = self.notices.send(StoreEvent::Failing { why });
        }
    }

    fn on_recovery(&mut self) {
        if self
            .failed
            .is_some_and(|failed| clock() - failed > RECOVERY_DELAY)
        {
            self.failed = None;
            let missing = std::mem::take(&mut self.missing);
            let _ = self.notices.send(StoreEvent::Resumed { missing });
        }
    }
}

/// The thread that compresses what is full.
struct Compressor {
    jobs: mpsc::Sender<(String, u64)>,
}

impl Compressor {
    fn start(folder: PathBuf, stopping: Arc<AtomicBool>) -> io::Result<Self> {
        let (orders, inbox) = mpsc::channel::<(String, u64)>();
        thread::Builder::new()
            .name("log-packer".to_owned())
            .spawn(move || {
                let go_on = || !stopping.load(Ordering::Relaxed);
                for (domain, first_seq) in inbox {
                    if !go_on() {
                        return;
                    }
                    // It may have gone by now, and what can't be compressed stays as it is: the
                    // next start tries again.
                    let _ = segment::compress_segment(&folder.join(domain), first_seq, &go_on);
                }
            })?;
        Ok(Self { jobs: orders })
    }

    fn pack(&self, domain: &str, first_seq: u64) {
        let _ = self.jobs.send((domain.to_owned(), first_seq));
    }
}

fn micros(time: SystemTime) -> u64 {
    let since_epoch = time.duration_since(SystemTime::UNIX_EPOCH);
    since_epoch.map_or(0, |time| {
        u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "the thread is the driver that tells how long the disk has been well"
)]
fn clock() -> Instant {
    Instant::now()
}
