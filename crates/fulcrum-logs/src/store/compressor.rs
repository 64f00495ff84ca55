//! The thread that compresses full segments.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

use super::segment;
use super::store_lock::StoreLock;

/// Accepts segments to compress.
pub(super) struct Compressor {
    jobs: mpsc::Sender<(String, u64)>,
}

impl Compressor {
    /// Starts the thread. It ends once this is dropped, or soon after `stopping` is set.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub(super) fn start(
        dir: PathBuf,
        stopping: Arc<AtomicBool>,
        lock: Arc<StoreLock>,
    ) -> io::Result<Self> {
        let (jobs, receiver) = mpsc::channel::<(String, u64)>();
        thread::Builder::new()
            .name("log-compressor".to_owned())
            .spawn(move || {
                // Held until the last file is complete.
                let _lock = lock;
                let continues = || !stopping.load(Ordering::Relaxed);
                for (domain, first_seq) in receiver {
                    if !continues() {
                        return;
                    }
                    // The segment may have been removed. One that cannot be compressed stays; the
                    // next start tries again.
                    let _ = segment::compress_segment(&dir.join(domain), first_seq, &continues);
                }
            })?;
        Ok(Self { jobs })
    }

    pub(super) fn compress(&self, domain: &str, first_seq: u64) {
        let _ = self.jobs.send((domain.to_owned(), first_seq));
    }
}
