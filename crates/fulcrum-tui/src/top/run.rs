//! The loop of the full-screen view.

use std::io;
use std::time::{Duration, SystemTime};

use fulcrum_rpc::RuntimeDir;
use rustix::termios::tcgetwinsize;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::{Receiver, UnboundedReceiver, UnboundedSender, channel, unbounded_channel};
use tokio::sync::oneshot;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep_until};

use super::frame_writer::FrameWriter;
use super::painter::Painter;
use super::session;
use crate::model::{Effect, Input, Model, Now};
use crate::term::{self, ColorDepth, InputReader, ModeGuard, Modes, TermEvent};
use crate::view;

/// The time between two frames: 20 a second after keys, 8 a second otherwise.
const KEY_FRAME: Duration = Duration::from_millis(50);
const FRAME: Duration = Duration::from_millis(125);

/// What waits to be taken from the instance.
const INPUT_QUEUE: usize = 32;

/// How the view is shown.
#[derive(Debug, Clone)]
pub struct TopOptions {
    /// Where the instance is found.
    pub dir: RuntimeDir,
    /// The colors of the terminal.
    pub depth: ColorDepth,
    /// The number of the theme.
    pub theme: usize,
    /// Whether the mouse is used.
    pub mouse: bool,
}

/// Why the view has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TopEnd {
    /// The user has closed it.
    Quit,
    /// A signal has.
    Signal,
    /// Whoever had started it has.
    Stopped,
}

/// Shows the view until the user closes it, a signal ends it, or `stop` does. With `stop`, signals are
/// somebody else's. Blocks: it has a runtime of its own.
///
/// # Errors
/// There is no terminal, or the system has no thread or pipe left.
pub fn run(options: TopOptions, stop: Option<oneshot::Receiver<()>>) -> io::Result<TopEnd> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let end = runtime.block_on(show(options, stop));
    runtime.shutdown_background();
    end
}

/// Everything that wakes the loop.
enum WakeUp {
    Term(Option<TermEvent>),
    Input(Option<Input>),
    Tick,
    Resized,
    Continued,
    Draw,
    Drawn(io::Result<()>),
    End(TopEnd),
    Stop,
}

struct View {
    options: TopOptions,
    model: Model,
    painter: Painter,
    writer: FrameWriter,
    requests: UnboundedSender<Effect>,
    term: (UnboundedSender<TermEvent>, UnboundedReceiver<TermEvent>),
    reader: Option<InputReader>,
    guard: Option<ModeGuard>,
    started: Instant,
    last_draw: Instant,
    /// The next frame is the answer to a key.
    is_urgent: bool,
    end: Option<TopEnd>,
}

async fn show(options: TopOptions, stop: Option<oneshot::Receiver<()>>) -> io::Result<TopEnd> {
    let mut signals = Signals::catch(stop.is_some())?;
    let (inputs_sender, mut inputs) = channel(INPUT_QUEUE);
    let (requests, requests_receiver) = unbounded_channel();
    let mut view = View::open(options, requests)?;
    let session = session::run(view.options.dir.clone(), inputs_sender, requests_receiver);
    let session = tokio::spawn(session);
    let mut stop = stop;
    let mut ticks = interval(Duration::from_secs(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    while view.end.is_none() {
        let wake_up = view
            .wait(&mut inputs, &mut signals, &mut ticks, &mut stop)
            .await;
        view.handle(wake_up).await?;
    }
    session.abort();
    let end = view.end.unwrap_or(TopEnd::Quit);
    view.close().await;
    Ok(end)
}

impl View {
    fn open(options: TopOptions, requests: UnboundedSender<Effect>) -> io::Result<Self> {
        let started = Instant::now();
        let now = Now {
            elapsed: Duration::ZERO,
            wall: wall(),
        };
        let mut model = Model::new(window_size(), options.theme, now);
        model.mouse = options.mouse;
        let mut view = Self {
            painter: Painter::new(options.depth),
            writer: FrameWriter::start()?,
            model,
            requests,
            term: unbounded_channel(),
            reader: None,
            guard: None,
            started,
            last_draw: started,
            is_urgent: true,
            end: None,
            options,
        };
        view.take_terminal()?;
        Ok(view)
    }

    /// Switches the terminal and reads from it.
    fn take_terminal(&mut self) -> io::Result<()> {
        let modes = Modes {
            full_screen: true,
            mouse: self.model.mouse,
            focus: false,
            title: true,
        };
        let guard = term::enter(modes)?;
        if let Some(old) = self.guard.replace(guard) {
            // The new one restores the terminal.
            std::mem::forget(old);
        }
        if self.reader.is_none() {
            self.reader = Some(InputReader::start(self.term.0.clone())?);
        }
        self.painter.invalidate();
        Ok(())
    }

    async fn wait(
        &mut self,
        inputs: &mut Receiver<Input>,
        signals: &mut Signals,
        ticks: &mut Interval,
        stop: &mut Option<oneshot::Receiver<()>>,
    ) -> WakeUp {
        let is_due = self.model.is_dirty() && !self.writer.is_busy();
        let frame = if self.is_urgent { KEY_FRAME } else { FRAME };
        let next_draw = self.last_draw + frame;
        tokio::select! {
            biased;
            () = stopped(stop) => WakeUp::Stop,
            end = ended(&mut signals.end) => WakeUp::End(end),
            Some(()) = signals.resize.recv() => WakeUp::Resized,
            Some(()) = signals.resume.recv() => WakeUp::Continued,
            event = self.term.1.recv() => WakeUp::Term(event),
            result = self.writer.written() => WakeUp::Drawn(result),
            () = sleep_until(next_draw), if is_due => WakeUp::Draw,
            input = inputs.recv() => WakeUp::Input(input),
            _ = ticks.tick() => WakeUp::Tick,
        }
    }

    async fn handle(&mut self, wake_up: WakeUp) -> io::Result<()> {
        match wake_up {
            WakeUp::Term(Some(event)) => {
                self.is_urgent = true;
                // What was scrolled too far is not to be scrolled back.
                let last = view::last_scroll(&self.model);
                self.model.scroll = self.model.scroll.min(last);
                self.update(Input::Term(event)).await?;
            }
            WakeUp::Term(None) | WakeUp::Input(None) => self.end = Some(TopEnd::Quit),
            WakeUp::Input(Some(input)) => self.update(input).await?,
            WakeUp::Tick => self.update(Input::Tick).await?,
            WakeUp::Resized => {
                self.is_urgent = true;
                let (columns, rows) = window_size();
                self.update(Input::Resize { columns, rows }).await?;
            }
            // Whoever stopped the process may have changed the terminal.
            WakeUp::Continued => self.resume().await?,
            WakeUp::Draw => {
                self.model.take_dirty();
                self.last_draw = Instant::now();
                self.is_urgent = false;
                let frame = self.painter.paint(&self.model)?;
                self.writer.write(frame);
            }
            // A terminal that is gone ends the view; SIGHUP may be on its way.
            WakeUp::Drawn(Err(_)) => self.end = Some(TopEnd::Quit),
            WakeUp::Drawn(Ok(())) => {}
            WakeUp::End(end) => self.end = Some(end),
            WakeUp::Stop => self.end = Some(TopEnd::Stopped),
        }
        Ok(())
    }

    async fn update(&mut self, input: Input) -> io::Result<()> {
        let now = Now {
            elapsed: self.started.elapsed(),
            wall: wall(),
        };
        for effect in self.model.update(input, now) {
            match effect {
                Effect::Quit => self.end = Some(TopEnd::Quit),
                Effect::Redraw => self.painter.invalidate(),
                Effect::Mouse(_) => self.take_terminal()?,
                Effect::Suspend => self.suspend().await?,
                request => {
                    // A session that is gone ends the loop by its other channel.
                    let _ = self.requests.send(request);
                }
            }
        }
        Ok(())
    }

    async fn suspend(&mut self) -> io::Result<()> {
        self.writer.settle().await;
        self.reader = None;
        term::suspend().await?;
        self.resume().await
    }

    async fn resume(&mut self) -> io::Result<()> {
        self.writer.settle().await;
        self.model.size = window_size();
        self.is_urgent = true;
        self.model.set_dirty();
        self.take_terminal()
    }

    async fn close(mut self) {
        self.reader = None;
        self.writer.finish().await;
        drop(self.guard);
    }
}

/// The signals that concern the view.
struct Signals {
    resize: Signal,
    resume: Signal,
    /// None if they are somebody else's.
    end: Option<[Signal; 4]>,
}

impl Signals {
    fn catch(is_guest: bool) -> io::Result<Self> {
        let end = || {
            Ok::<_, io::Error>([
                signal(SignalKind::interrupt())?,
                signal(SignalKind::terminate())?,
                signal(SignalKind::hangup())?,
                signal(SignalKind::quit())?,
            ])
        };
        Ok(Self {
            resize: signal(SignalKind::window_change())?,
            resume: signal(SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()))?,
            end: (!is_guest).then(end).transpose()?,
        })
    }
}

/// Waits for a signal that ends the view.
async fn ended(signals: &mut Option<[Signal; 4]>) -> TopEnd {
    let Some([interrupt, terminate, hangup, quit]) = signals else {
        return std::future::pending().await;
    };
    tokio::select! {
        // Ctrl-C is one more key that closes the view.
        _ = interrupt.recv() => TopEnd::Quit,
        _ = terminate.recv() => TopEnd::Signal,
        _ = hangup.recv() => TopEnd::Signal,
        _ = quit.recv() => TopEnd::Signal,
    }
}

async fn stopped(stop: &mut Option<oneshot::Receiver<()>>) {
    match stop {
        Some(stop) => drop(stop.await),
        None => std::future::pending().await,
    }
}

/// Columns and rows of the window; those of old terminals where it has none.
pub(crate) fn window_size() -> (u16, u16) {
    match tcgetwinsize(io::stdout()) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => (size.ws_col, size.ws_row),
        _ => (80, 24),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the driver reads the clock for the model"
)]
fn wall() -> SystemTime {
    SystemTime::now()
}
