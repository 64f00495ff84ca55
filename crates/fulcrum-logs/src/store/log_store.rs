//! An open store.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, SystemTime};

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::compressor::Compressor;
use super::event::StoreEvent;
use super::recovery::{Recovered, recover};
use super::retention::RetentionLimits;
use super::segment;
use super::store_lock::StoreLock;
use super::write_errors::WriteErrorState;
use super::write_queue::WriteQueue;
use super::writer::Writer;
use crate::clock::wall_clock;

/// Writes the lines of a [`Hub`](crate::Hub) to disk. Open it before the hub, and close it after the
/// hub's last line.
#[derive(Debug)]
pub struct Store {
    write_queue: Arc<WriteQueue>,
    run: u64,
    last_seq: u64,
    finished: mpsc::Receiver<()>,
    stopping: Arc<AtomicBool>,
}

impl Store {
    /// Opens the store in a directory, which is created, and starts its threads. Repairs what a
    /// killed instance left. Only one store can be open in a directory, whose lock it holds until
    /// its threads have ended.
    ///
    /// # Errors
    /// The directory cannot be created or read, belongs to another user, or is that of a store that
    /// is open; a thread cannot be started.
    pub fn open(
        dir: PathBuf,
        limits: RetentionLimits,
    ) -> io::Result<(Self, UnboundedReceiver<StoreEvent>)> {
        segment::create_dir(&dir)?;
        let lock = Arc::new(StoreLock::take(&dir)?);
        let Recovered {
            last_seq,
            uncompressed,
        } = recover(&dir)?;
        let write_queue = Arc::new(WriteQueue::default());
        let stopping = Arc::new(AtomicBool::new(false));
        let (event_sender, events) = unbounded_channel();
        let compressor = Compressor::start(dir.clone(), Arc::clone(&stopping), Arc::clone(&lock))?;
        let run = micros_since_epoch(wall_clock());
        let errors = WriteErrorState::new(event_sender, write_queue.dropped_lines());
        let writer = Writer::new(dir, run, limits, compressor, errors, lock);
        let (finish, finished) = mpsc::channel();
        let queue = Arc::clone(&write_queue);
        thread::Builder::new()
            .name("log-writer".to_owned())
            .spawn(move || {
                writer.run(&queue, uncompressed);
                // The receiver may have timed out.
                let _ = finish.send(());
            })?;
        let store = Self {
            write_queue,
            run,
            last_seq,
            finished,
            stopping,
        };
        Ok((store, events))
    }

    /// The number of the newest line of earlier runs; 0 if there is none.
    #[must_use]
    pub fn last_seq(&self) -> u64 {
        self.last_seq
    }

    /// The id of this run: when the store was opened, in microseconds since 1970.
    #[must_use]
    pub fn run(&self) -> u64 {
        self.run
    }

    pub(crate) fn write_queue(&self) -> Arc<WriteQueue> {
        Arc::clone(&self.write_queue)
    }

    /// Writes queued lines for at most `limit`; false if that was not enough. Blocks.
    #[must_use]
    pub fn close(self, limit: Duration) -> bool {
        self.stopping.store(true, Ordering::Relaxed);
        self.write_queue.close();
        self.finished.recv_timeout(limit).is_ok()
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.write_queue.close();
    }
}

fn micros_since_epoch(time: SystemTime) -> u64 {
    let since_epoch = time.duration_since(SystemTime::UNIX_EPOCH);
    since_epoch.map_or(0, |time| {
        u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
    })
}
