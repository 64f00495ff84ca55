//! The thread that writes.

use std::path::Path;

use tokio::time::Instant;

use super::file::DiskFile;
use super::outage::{CODE, Outage};
use super::queue::{Entry, Queue};

type Reopen = Box<dyn FnMut() -> Result<DiskFile, String> + Send>;

/// Writes batches until the queue is closed.
pub(super) struct Writer {
    /// None after a failure, until it is opened again.
    file: Option<DiskFile>,
    reopen: Reopen,
    outage: Outage,
}

impl Writer {
    pub(super) fn new(path: &Path, opened: Result<DiskFile, String>, reopen: Reopen) -> Self {
        let mut writer = Self {
            file: None,
            reopen,
            outage: Outage::new(path.display().to_string()),
        };
        match opened {
            Ok(file) => writer.file = Some(file),
            Err(reason) => writer.fail(&reason, Instant::now()),
        }
        writer
    }

    pub(super) fn run(mut self, queue: &Queue) {
        while let Some(batch) = queue.take() {
            let written = self.write(&batch, Instant::now());
            queue.add_lost(batch.len() as u64 - written);
            if self.file.is_some()
                && let Some(text) = self.outage.on_success(queue.lost())
            {
                tracing::warn!(code = %CODE, "{text}");
            }
        }
    }

    /// Writes entries, at a time. How many were written.
    pub(super) fn write(&mut self, batch: &[Entry], now: Instant) -> u64 {
        if self.file.is_none() && self.outage.may_try(now) {
            match (self.reopen)() {
                Ok(file) => self.file = Some(file),
                Err(reason) => self.fail(&reason, now),
            }
        }
        let Some(file) = &mut self.file else {
            return 0;
        };
        match file.append(batch) {
            Ok(written) => written,
            Err(error) => {
                // After an error, nothing more can be done with an open file.
                self.file = None;
                self.fail(&error.to_string(), now);
                0
            }
        }
    }

    fn fail(&mut self, reason: &str, now: Instant) {
        if let Some(text) = self.outage.on_failure(reason, now) {
            tracing::warn!(code = %CODE, "{text}");
        }
    }
}
