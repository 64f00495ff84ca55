//! Writes frames to the terminal, from a thread that nobody waits for: over a slow connection frames
//! are left out, and a stopped terminal stops nothing else.

use std::io;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;

/// How long the last frame may take.
const LAST_FRAME: Duration = Duration::from_millis(300);

/// The thread that writes.
pub(super) struct FrameWriter {
    frames: Option<std::sync::mpsc::Sender<Vec<u8>>>,
    written: UnboundedReceiver<io::Result<()>>,
    busy: bool,
    thread: Option<JoinHandle<()>>,
}

impl FrameWriter {
    pub(super) fn start() -> io::Result<Self> {
        let (frames, queue) = std::sync::mpsc::channel::<Vec<u8>>();
        let (done, written) = unbounded_channel();
        let thread = thread::Builder::new()
            .name("frames".to_owned())
            .spawn(move || write_all(&queue, &done))?;
        Ok(Self {
            frames: Some(frames),
            written,
            busy: false,
            thread: Some(thread),
        })
    }

    /// Whether the frame before is still being written.
    pub(super) fn is_busy(&self) -> bool {
        self.busy
    }

    /// Writes a frame. It is not busy.
    pub(super) fn write(&mut self, frame: Vec<u8>) {
        if let Some(frames) = &self.frames {
            self.busy = frames.send(frame).is_ok();
        }
    }

    /// Waits until the frame is written.
    ///
    /// # Errors
    /// The terminal is gone.
    pub(super) async fn written(&mut self) -> io::Result<()> {
        if !self.busy {
            return std::future::pending().await;
        }
        let result = self.written.recv().await;
        self.busy = false;
        result.unwrap_or_else(|| Err(io::ErrorKind::BrokenPipe.into()))
    }

    /// Waits for the last frame, for a while.
    pub(super) async fn settle(&mut self) {
        if self.busy {
            let _ = timeout(LAST_FRAME, self.written()).await;
        }
    }

    /// Ends the thread, unless it is stuck.
    pub(super) async fn finish(mut self) {
        self.settle().await;
        self.frames = None;
        if let Some(thread) = self.thread.take().filter(|_| !self.busy) {
            let _ = thread.join();
        }
    }
}

fn write_all(queue: &std::sync::mpsc::Receiver<Vec<u8>>, done: &UnboundedSender<io::Result<()>>) {
    while let Ok(frame) = queue.recv() {
        if done.send(write(&frame)).is_err() {
            return;
        }
    }
}

/// Not by the standard library's handle, which another thread may have locked.
fn write(frame: &[u8]) -> io::Result<()> {
    let stdout = io::stdout();
    let mut rest = frame;
    while !rest.is_empty() {
        match rustix::io::write(&stdout, rest) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(length) => rest = &rest[length..],
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => {
                let mut ready = [PollFd::new(&stdout, PollFlags::OUT)];
                let _ = poll(&mut ready, None);
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
