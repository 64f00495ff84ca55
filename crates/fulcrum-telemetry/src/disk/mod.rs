//! Telemetry on disk: every request that is kept in memory is also written to one file, and the next
//! instance begins with what is in it.
//!
//! Who passes a request on never waits: a bounded queue leads to a thread that writes batches. What
//! the disk does not take in time is dropped and counted, and a disk that is full is told once. A file
//! that is damaged, or that something else has written, is renamed, and a new one begins.

mod file;
mod ledger;
mod open;
mod outage;
mod queue;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::export::Signal;
use outage::CODE;
use queue::Queue;
use writer::Writer;

/// Telemetry on disk; clones are handles to the same.
#[derive(Clone, Debug)]
pub(crate) struct Disk {
    queue: Arc<Queue>,
    ended: CancellationToken,
}

impl Disk {
    /// Opens the file at `path`, passes what is in it to `restore`, the oldest first, and starts the
    /// thread that writes at most `limit` bytes to it. Blocks while it is read. If that fails, it is
    /// told, and tried again when there is something to write.
    pub(crate) fn start(
        path: PathBuf,
        limit: usize,
        restore: &mut dyn FnMut(Signal, &[u8]),
    ) -> Self {
        let opened = open::open_or_replace(&path, limit, restore);
        let reopen = {
            let path = path.clone();
            move || open::open_or_replace(&path, limit, &mut |_, _| {})
        };
        Self::start_writer(&path, opened, reopen)
    }

    fn start_writer(
        path: &Path,
        opened: Result<file::DiskFile, String>,
        reopen: impl FnMut() -> Result<file::DiskFile, String> + Send + 'static,
    ) -> Self {
        let disk = Self {
            queue: Arc::default(),
            ended: CancellationToken::new(),
        };
        let queue = Arc::clone(&disk.queue);
        let ended = disk.ended.clone().drop_guard();
        let writer = Writer::new(path, opened, Box::new(reopen));
        let thread = std::thread::Builder::new().name("telemetry-disk".to_owned());
        let started = thread.spawn(move || {
            let _ended = ended;
            writer.run(&queue);
        });
        if let Err(error) = started {
            disk.queue.close();
            tracing::warn!(
                code = %CODE,
                "cannot write telemetry to {}: no thread can be started: {error}",
                path.display()
            );
        }
        disk
    }

    /// Passes on an encoded request. Never waits.
    pub(crate) fn push(&self, signal: Signal, body: Bytes) {
        self.queue.push(signal, body);
    }

    /// How many requests are not in the file, since the start.
    pub(crate) fn lost(&self) -> u64 {
        self.queue.lost()
    }

    /// Writes what waits, for at most `limit`.
    pub(crate) async fn close(&self, limit: Duration) {
        self.queue.close();
        let _ = timeout(limit, self.ended.cancelled()).await;
    }
}

#[cfg(test)]
mod tests;
