//! Writes what the hub holds to standard output, from a thread that nobody waits for.

use std::io::{self, Write};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use fulcrum_logs::{
    Capacity, Delivery, Follower, Gap, Hub, Level, Query, Style, Terminal, to_json,
};
use tokio::runtime::Handle;

use super::closing::{Closing, Stage};
use super::options::LineStyle;

/// What a stuck terminal may have waiting for it before lines are left out.
const BEHIND: usize = 8 * 1024 * 1024;

/// How long the last lines may take to be written at the end.
const LAST_LINES: Duration = Duration::from_secs(2);

/// The thread that writes.
pub(crate) struct Screen {
    thread: Option<JoinHandle<()>>,
    done: std::sync::mpsc::Receiver<()>,
}

enum Format {
    Text(Terminal),
    Json,
}

impl Screen {
    /// Starts it. When standard output is gone the instance is asked to end, as for a closed
    /// terminal.
    pub(crate) fn start(
        hub: &Hub,
        names: &[&str],
        style: LineStyle,
        json: bool,
        closing: Closing,
    ) -> io::Result<Self> {
        // Fulcrum's debug words are for `domains logs`; what domains say is shown whole.
        let mut follower = hub.subscribe(Query::default(), Capacity { bytes: BEHIND });
        let mut format = if json {
            Format::Json
        } else {
            let style = Style {
                colour: style.colour,
                width: style.width,
                names,
                ..Style::default()
            };
            Format::Text(Terminal::new(style))
        };
        let runtime = Handle::current();
        let (finished, done) = std::sync::mpsc::channel();
        let thread = thread::Builder::new()
            .name("screen".to_owned())
            .spawn(move || {
                if show(&runtime, &mut follower, &mut format).is_err() {
                    closing.ask(Stage::Stopping);
                }
                let _ = finished.send(());
            })?;
        Ok(Self {
            thread: Some(thread),
            done,
        })
    }

    /// Waits until everything is written, or the terminal takes too long. The hub is closed.
    pub(crate) fn finish(mut self) {
        if self.done.recv_timeout(LAST_LINES).is_ok()
            && let Some(thread) = self.thread.take()
        {
            let _ = thread.join();
        }
    }
}

fn show(runtime: &Handle, follower: &mut Follower, format: &mut Format) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let mut batch = Vec::new();
    while let Some(delivery) = runtime.block_on(follower.next()) {
        render(format, delivery, &mut batch);
        // What came together is written together.
        while batch.len() < 256 * 1024 {
            let Some(delivery) = follower.try_next() else {
                break;
            };
            render(format, delivery, &mut batch);
        }
        out.write_all(&batch)?;
        out.flush()?;
        batch.clear();
    }
    Ok(())
}

fn render(format: &mut Format, delivery: Delivery, out: &mut Vec<u8>) {
    match (format, delivery) {
        (Format::Text(terminal), Delivery::Line(line)) => {
            let ours = line.stream == fulcrum_logs::Stream::Fulcrum;
            if !ours || line.level > Some(Level::Debug) {
                terminal.render_into(&line, out);
            }
        }
        (Format::Text(terminal), Delivery::Gap(gap)) => out.extend(terminal.render_gap(gap)),
        (Format::Json, Delivery::Line(line)) => {
            out.extend(to_json(&line).into_bytes());
            out.push(b'\n');
        }
        (Format::Json, Delivery::Gap(Gap { missed })) => {
            out.extend(format!("{{\"missed\":{missed}}}\n").into_bytes());
        }
    }
}
