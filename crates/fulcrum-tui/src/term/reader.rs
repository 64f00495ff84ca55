//! The thread that reads the terminal.

use std::io;
use std::os::fd::OwnedFd;
use std::thread::{self, JoinHandle};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pipe::{PipeFlags, pipe_with};
use tokio::sync::mpsc::UnboundedSender;

use super::decoder::Decoder;
use super::event::TermEvent;
use super::mode::is_foreground;

/// How long after an ESC the rest of a sequence comes. A slow connection splits them rarely.
const ESCAPE_DELAY: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 30_000_000,
};

/// How often a job in the background looks whether it is in the foreground again, while the shell has
/// input.
const BACKGROUND_INTERVAL: Timespec = Timespec {
    tv_sec: 1,
    tv_nsec: 0,
};

/// Reads events until it is dropped.
#[derive(Debug)]
pub struct InputReader {
    /// Its end wakes the thread.
    stop: Option<OwnedFd>,
    thread: Option<JoinHandle<()>>,
}

impl InputReader {
    /// Starts the thread. It never reads while the process is in the background, which would stop
    /// it.
    ///
    /// # Errors
    /// The system has no thread or pipe left.
    pub fn start(events: UnboundedSender<TermEvent>) -> io::Result<Self> {
        let (stopped, stop) = pipe_with(PipeFlags::CLOEXEC)?;
        let thread = thread::Builder::new()
            .name("keys".to_owned())
            .spawn(move || read(&stopped, &events))?;
        Ok(Self {
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Drop for InputReader {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn read(stopped: &OwnedFd, events: &UnboundedSender<TermEvent>) {
    let mut decoder = Decoder::default();
    let mut buffer = [0; 4096];
    let stdin = io::stdin();
    loop {
        let limit = decoder.is_pending().then_some(&ESCAPE_DELAY);
        let mut ready = [
            PollFd::new(&stdin, PollFlags::IN),
            PollFd::new(stopped, PollFlags::IN),
        ];
        match poll(&mut ready, limit) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(_) => return,
        }
        let (input, stop) = (ready[0].revents(), ready[1].revents());
        if !stop.is_empty() {
            return;
        }
        let decoded = if input.contains(PollFlags::IN) {
            if !is_foreground() {
                wait_for_stop(stopped);
                continue;
            }
            match rustix::io::read(&stdin, &mut buffer) {
                Ok(0) => return close(events),
                Ok(length) => decoder.feed(&buffer[..length]),
                Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => continue,
                Err(_) => return close(events),
            }
        } else if !input.is_empty() {
            return close(events);
        } else {
            decoder.flush()
        };
        for event in decoded {
            if events.send(event).is_err() {
                return;
            }
        }
    }
}

fn close(events: &UnboundedSender<TermEvent>) {
    let _ = events.send(TermEvent::Closed);
}

fn wait_for_stop(stopped: &OwnedFd) {
    let mut ready = [PollFd::new(stopped, PollFlags::IN)];
    let _ = poll(&mut ready, Some(&BACKGROUND_INTERVAL));
}
