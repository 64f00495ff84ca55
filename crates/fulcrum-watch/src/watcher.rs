//! The thread that watches, and the handle on it.
#![expect(
    clippy::disallowed_methods,
    reason = "the driver: it reads the clock for all that is decided here"
)]

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::mpsc as news;
use tokio::sync::oneshot;

use crate::change::WatchEvent;
use crate::engine::Engine;
use crate::notifier::{FsEvent, NotifyBackend};
use crate::resolved_spec::ResolvedSpec;
use crate::spec::{WatchError, WatchOptions, WatchSpec};

/// So much may wait for a slow reader; then changes are merged until it has taken some.
const QUEUE_LEN: usize = 64;

/// How soon a slow reader is tried again.
const RETRY_INTERVAL: Duration = Duration::from_millis(20);

/// So many signals are taken in before something is told.
const EVENTS_PER_TURN: usize = 4096;

/// Contents are learned in pieces of this length, with as long a rest between: the app is starting
/// just then, and a save must not wait.
const HASH_SLICE: Duration = Duration::from_millis(2);

enum Message {
    Signal(FsEvent),
    Update(ResolvedSpec, oneshot::Sender<()>),
    Stop,
}

/// Watches until it is dropped.
#[derive(Debug)]
pub struct Watcher {
    control: Sender<Message>,
    news: news::Receiver<WatchEvent>,
}

impl Watcher {
    /// Starts to watch. Whatever changes after this has returned is told.
    ///
    /// # Errors
    /// [`WatchError::Relative`], [`WatchError::Glob`], [`WatchError::Thread`].
    pub async fn start(spec: &WatchSpec, options: WatchOptions) -> Result<Self, WatchError> {
        let plan = ResolvedSpec::new(spec)?;
        let (control, messages) = mpsc::channel();
        let (tell, news) = news::channel(QUEUE_LEN);
        let (ready, is_ready) = oneshot::channel();
        let signals = control.clone();
        thread::Builder::new()
            .name(String::from("watch"))
            .spawn(move || {
                let system = NotifyBackend::new(move |signal| {
                    // Whom it would be told has ended.
                    let _ = signals.send(Message::Signal(signal));
                });
                let engine = Engine::new(plan, system, options, Instant::now());
                let _ = ready.send(());
                run(engine, &messages, &tell);
            })
            .map_err(WatchError::Thread)?;
        is_ready.await.map_err(|_| WatchError::Ended)?;
        Ok(Self { control, news })
    }

    /// Waits for what is new. `None` if the watching has ended, which it does only by a defect.
    /// Cancel safe: a future dropped before it is ready has taken nothing.
    pub async fn next(&mut self) -> Option<WatchEvent> {
        self.news.recv().await
    }

    /// Watches something else from now on; what is still watched goes on without a gap, and of
    /// what isn't any more nothing is told. Whatever changes in new trees and files after this has
    /// returned is told.
    ///
    /// # Errors
    /// [`WatchError::Relative`] and [`WatchError::Glob`], after which the old spec holds;
    /// [`WatchError::Ended`].
    pub async fn update(&self, spec: &WatchSpec) -> Result<(), WatchError> {
        let plan = ResolvedSpec::new(spec)?;
        let (done, is_done) = oneshot::channel();
        self.control
            .send(Message::Update(plan, done))
            .map_err(|_| WatchError::Ended)?;
        is_done.await.map_err(|_| WatchError::Ended)
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        // If nobody hears it, the thread has ended already.
        let _ = self.control.send(Message::Stop);
    }
}

fn run(
    mut engine: Engine<NotifyBackend>,
    messages: &Receiver<Message>,
    tell: &news::Sender<WatchEvent>,
) {
    while deliver(&mut engine, tell) {
        let first = match wait(&engine, messages) {
            Ok(message) => Some(message),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        let is_idle = first.is_none();
        for message in first
            .into_iter()
            .chain(messages.try_iter())
            .take(EVENTS_PER_TURN)
        {
            match message {
                Message::Signal(signal) => engine.signal(signal, Instant::now()),
                Message::Update(plan, done) => {
                    engine.update(plan, Instant::now());
                    let _ = done.send(());
                }
                Message::Stop => return,
            }
        }
        let now = Instant::now();
        engine.tick(now);
        engine.polled(now, Instant::now());
        if is_idle && engine.is_learning() {
            let end = Instant::now() + HASH_SLICE;
            while engine.is_learning() && Instant::now() < end {
                engine.hash_next(Instant::now());
            }
        }
    }
}

/// The next message, or nothing if there is something to do without one.
fn wait(
    engine: &Engine<NotifyBackend>,
    messages: &Receiver<Message>,
) -> Result<Message, RecvTimeoutError> {
    let now = Instant::now();
    let deadline = [
        engine.deadline(),
        engine.is_learning().then(|| now + HASH_SLICE),
        (!engine.outbox.is_empty()).then(|| now + RETRY_INTERVAL),
    ];
    match deadline.into_iter().flatten().min() {
        Some(at) => messages.recv_timeout(at.saturating_duration_since(now)),
        None => messages.recv().map_err(|_| RecvTimeoutError::Disconnected),
    }
}

/// Tells as much as the reader takes. `false` if there is no reader.
fn deliver(engine: &mut Engine<NotifyBackend>, tell: &news::Sender<WatchEvent>) -> bool {
    while !engine.outbox.is_empty() {
        let place = match tell.try_reserve() {
            Ok(place) => place,
            Err(news::error::TrySendError::Full(())) => return true,
            Err(news::error::TrySendError::Closed(())) => return false,
        };
        if let Some(notice) = engine.outbox.take_notice() {
            place.send(WatchEvent::WatchStatus(notice));
        } else if let Some(batch) = engine.outbox.take_changes() {
            place.send(WatchEvent::Changes(batch));
        }
    }
    true
}
