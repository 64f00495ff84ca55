//! Writes what a hub holds to standard output, from a thread that nobody waits for.

use std::io::{self, Write};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use fulcrum_logs::{
    Capacity, Follower, Hub, LineFormat, LineRenderer, LinkBase, LogQuery, Stream, Style,
};
use rustix::event::{PollFd, PollFlags, poll};
use tokio::runtime::Handle;

use super::screen::{Screen, ScreenHandle};

/// What a stuck terminal may have waiting for it before lines are left out.
const QUEUE_BYTES: usize = 8 * 1024 * 1024;

/// What is written with one call, or slightly more.
const BATCH_BYTES: usize = 256 * 1024;

/// The memory that is kept for the next call.
const MAX_KEPT_BYTES: usize = 1024 * 1024;

/// How long the last lines may take to be written at the end.
const LAST_LINES: Duration = Duration::from_secs(2);

/// How long after a second Ctrl-C.
const HURRY: Duration = Duration::from_millis(200);

/// Which lines are written, and how.
#[derive(Debug, Clone, Copy)]
pub struct LineOptions<'a> {
    /// The names of the domains, for alignment.
    pub names: &'a [&'a str],
    /// With colors.
    pub color: bool,
    /// The terminal's columns, if it is one.
    pub width: Option<u16>,
    /// Where links to files lead.
    pub links: Option<&'a LinkBase>,
    /// JSON lines instead of text.
    pub json: bool,
    /// Only this stream.
    pub stream: Option<Stream>,
    /// Keys change what is shown.
    pub keys: bool,
}

/// The thread that writes.
#[derive(Debug)]
pub struct OutputWriter {
    thread: Option<JoinHandle<()>>,
    done: std::sync::mpsc::Receiver<()>,
    screen: Option<ScreenHandle>,
}

impl OutputWriter {
    /// Starts it. `on_closed` is called when standard output is gone; nothing is shown any more
    /// then.
    ///
    /// # Errors
    /// The system has no thread left.
    pub fn start(
        hub: &Hub,
        lines: LineOptions<'_>,
        on_closed: impl FnOnce() + Send + 'static,
    ) -> io::Result<Self> {
        let query = LogQuery {
            stream: lines.stream,
            ..LogQuery::default()
        };
        // Fulcrum's debug words are for `domains logs`; what domains say is shown whole.
        let mut follower = hub.subscribe(query, Capacity { bytes: QUEUE_BYTES });
        let format = if lines.json {
            LineFormat::Json
        } else {
            let style = Style {
                color: lines.color,
                width: lines.width,
                names: lines.names,
                links: lines.links,
                ..Style::default()
            };
            LineFormat::Text(LineRenderer::new(style))
        };
        let (mut output, screen) = match lines.keys {
            true => {
                let (output, screen) = Screen::interactive(format);
                (output, Some(screen))
            }
            false => (Screen::plain(format), None),
        };
        let columns = lines.width.unwrap_or(u16::MAX);
        let runtime = Handle::current();
        let (finished, done) = std::sync::mpsc::channel();
        let thread = thread::Builder::new()
            .name("screen".to_owned())
            .spawn(move || {
                let written = write_loop(&runtime, &mut follower, &mut output, columns);
                if written.is_err() {
                    on_closed();
                }
                let _ = finished.send(());
            })?;
        Ok(Self {
            thread: Some(thread),
            done,
            screen,
        })
    }

    /// For keys, if they change what is shown.
    pub fn screen(&self) -> Option<&ScreenHandle> {
        self.screen.as_ref()
    }

    /// Waits until everything is written, or the terminal takes too long. The hub is closed.
    pub fn finish(mut self, in_a_hurry: bool) {
        self.screen = None;
        let limit = if in_a_hurry { HURRY } else { LAST_LINES };
        if self.done.recv_timeout(limit).is_ok()
            && let Some(thread) = self.thread.take()
        {
            let _ = thread.join();
        }
    }
}

fn write_loop(
    runtime: &Handle,
    follower: &mut Follower,
    output: &mut Screen,
    columns: u16,
) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let mut batch = Vec::new();
    while runtime.block_on(output.next_into(follower, &mut batch)) {
        // What came together is written together.
        while batch.len() < BATCH_BYTES && output.try_next_into(follower, &mut batch) {}
        output.finish(&mut batch, columns);
        match write(&mut out, &batch) {
            Err(error) if is_closed(&error) => return Err(error),
            // A full disk may be emptied; until then the lines are in the ring alone.
            _ => batch.clear(),
        }
        // A message of several megabytes came by; the next ones are short again.
        batch.shrink_to(MAX_KEPT_BYTES);
    }
    Ok(())
}

fn write(out: &mut impl Write, batch: &[u8]) -> io::Result<()> {
    let mut rest = batch;
    while !rest.is_empty() {
        match out.write(rest) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(length) => rest = &rest[length..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // Somebody who shares it with us has made it so.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let stdout = io::stdout();
                let mut ready = [PollFd::new(&stdout, PollFlags::OUT)];
                let _ = poll(&mut ready, None);
            }
            Err(error) => return Err(error),
        }
    }
    out.flush()
}

/// Whether nobody will ever read it: the pipe's reader, or the terminal, is gone.
fn is_closed(error: &io::Error) -> bool {
    let terminal_gone = error.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error());
    error.kind() == io::ErrorKind::BrokenPipe || terminal_gone
}
