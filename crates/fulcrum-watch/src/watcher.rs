//! The watcher thread and its handle.
#![expect(
    clippy::disallowed_methods,
    reason = "the driver reads the clock and passes the time to the engine"
)]

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::mpsc as events;
use tokio::sync::oneshot;

use crate::change::WatchEvent;
use crate::engine::Engine;
use crate::notifier::{FsEvent, NotifyBackend};
use crate::resolved_spec::ResolvedSpec;
use crate::spec::{WatchError, WatchOptions, WatchSpec};

/// The number of events that wait for a slow reader; beyond it, changes are merged.
const QUEUE_LEN: usize = 64;

/// The delay before events are sent to a slow reader again.
const RETRY_INTERVAL: Duration = Duration::from_millis(20);

/// The number of notifications that are handled before events are sent.
const EVENTS_PER_TURN: usize = 4096;

/// Files are hashed in slices of this length, with pauses of the same length: the app is starting
/// at that time, and a save must not wait.
const HASH_SLICE: Duration = Duration::from_millis(2);

enum Message {
    FsEvent(FsEvent),
    Update(ResolvedSpec, oneshot::Sender<()>),
    Stop,
}

/// Watches directories and files until it is dropped.
#[derive(Debug)]
pub struct Watcher {
    control: Sender<Message>,
    events: events::Receiver<WatchEvent>,
}

impl Watcher {
    /// Starts watching. Every change after the return is reported.
    ///
    /// # Errors
    /// [`WatchError::Relative`], [`WatchError::Glob`], [`WatchError::Thread`].
    pub async fn start(spec: &WatchSpec, options: WatchOptions) -> Result<Self, WatchError> {
        let spec = ResolvedSpec::new(spec)?;
        let (control, messages) = mpsc::channel();
        let (sender, events) = events::channel(QUEUE_LEN);
        let (ready, is_ready) = oneshot::channel();
        let to_thread = control.clone();
        thread::Builder::new()
            .name(String::from("watch"))
            .spawn(move || {
                let notifier = NotifyBackend::new(move |event| {
                    // The watcher thread may have ended.
                    let _ = to_thread.send(Message::FsEvent(event));
                });
                let engine = Engine::new(spec, notifier, options, Instant::now());
                let _ = ready.send(());
                run(engine, &messages, &sender);
            })
            .map_err(WatchError::Thread)?;
        is_ready.await.map_err(|_| WatchError::Ended)?;
        Ok(Self { control, events })
    }

    /// Waits for the next event. `None` if the watcher thread has ended, which is an internal error.
    ///
    /// Cancel safe: if the future is dropped before it is ready, no event is lost.
    pub async fn next(&mut self) -> Option<WatchEvent> {
        self.events.recv().await
    }

    /// Replaces the spec. Watching of what is in both continues without a gap; what is only in the
    /// old spec is no longer reported. Every change of what is new in the spec is reported after the
    /// return.
    ///
    /// # Errors
    /// [`WatchError::Relative`] and [`WatchError::Glob`], which leave the old spec in force;
    /// [`WatchError::Ended`].
    pub async fn update(&self, spec: &WatchSpec) -> Result<(), WatchError> {
        let spec = ResolvedSpec::new(spec)?;
        let (done, is_done) = oneshot::channel();
        self.control
            .send(Message::Update(spec, done))
            .map_err(|_| WatchError::Ended)?;
        is_done.await.map_err(|_| WatchError::Ended)
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        // Without a receiver the thread has ended already.
        let _ = self.control.send(Message::Stop);
    }
}

fn run(
    mut engine: Engine<NotifyBackend>,
    messages: &Receiver<Message>,
    sender: &events::Sender<WatchEvent>,
) {
    while deliver(&mut engine, sender) {
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
                Message::FsEvent(event) => engine.on_event(event, Instant::now()),
                Message::Update(spec, done) => {
                    engine.update(spec, Instant::now());
                    let _ = done.send(());
                }
                Message::Stop => return,
            }
        }
        let now = Instant::now();
        engine.tick(now);
        engine.polled(now, Instant::now());
        if is_idle && engine.is_hashing() {
            let end = Instant::now() + HASH_SLICE;
            while engine.is_hashing() && Instant::now() < end {
                engine.hash_next(Instant::now());
            }
        }
    }
}

/// Waits for the next message, or until something is due.
fn wait(
    engine: &Engine<NotifyBackend>,
    messages: &Receiver<Message>,
) -> Result<Message, RecvTimeoutError> {
    let now = Instant::now();
    let deadline = [
        engine.deadline(),
        engine.is_hashing().then(|| now + HASH_SLICE),
        (!engine.queue.is_empty()).then(|| now + RETRY_INTERVAL),
    ];
    match deadline.into_iter().flatten().min() {
        Some(at) => messages.recv_timeout(at.saturating_duration_since(now)),
        None => messages.recv().map_err(|_| RecvTimeoutError::Disconnected),
    }
}

/// Sends as many events as the reader's queue takes. `false` if there is no reader.
fn deliver(engine: &mut Engine<NotifyBackend>, sender: &events::Sender<WatchEvent>) -> bool {
    while !engine.queue.is_empty() {
        let slot = match sender.try_reserve() {
            Ok(slot) => slot,
            Err(events::error::TrySendError::Full(())) => return true,
            Err(events::error::TrySendError::Closed(())) => return false,
        };
        if let Some(status) = engine.queue.next_status() {
            slot.send(WatchEvent::Status(status));
        } else if let Some(batch) = engine.queue.take_changes() {
            slot.send(WatchEvent::Changes(batch));
        }
    }
    true
}
