//! One registered stream, as seen by those who send to it, and the stream of what it is
//! sent.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use prost::Message;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};
use tokio_stream::Stream;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::pending::PendingRequests;
use super::{ConnectionActivity, MessageResponse, RegistrationGrant};
use crate::framework::{DomainMessage, RuntimeMessage};

/// Messages that wait for a domain to read them; beyond, sending fails at once.
pub(crate) const QUEUE: usize = 64;

/// What they may take together, in bytes.
pub(crate) const QUEUE_BYTES: usize = 32 * 1024 * 1024;

/// A lock whose holder panicked still holds whole values: each change here is one step.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What waits for a response: gets the answer, or the cause of the stream's end.
pub(crate) type ResponseSender = oneshot::Sender<Result<MessageResponse, String>>;

/// Both ends of what goes to a stream: one for the driver, one for tonic.
pub(crate) fn outbound() -> (OutboundSender, Outbound) {
    let (messages, queue) = mpsc::channel(QUEUE);
    let (last, status) = oneshot::channel();
    let queued = Arc::new(AtomicUsize::new(0));
    (
        OutboundSender {
            messages,
            queued: Arc::clone(&queued),
            final_status: last,
        },
        Outbound {
            queue,
            queued,
            final_status: Some(status),
            end: None,
        },
    )
}

/// Where messages to a stream go in, and the status that ends it.
pub(crate) struct OutboundSender {
    pub(crate) messages: mpsc::Sender<RuntimeMessage>,
    queued: Arc<AtomicUsize>,
    pub(crate) final_status: oneshot::Sender<Status>,
}

/// The response stream: the queued messages, then, where one was given, the status.
pub(crate) struct Outbound {
    queue: mpsc::Receiver<RuntimeMessage>,
    /// The size of what is in it.
    queued: Arc<AtomicUsize>,
    final_status: Option<oneshot::Receiver<Status>>,
    end: Option<Status>,
}

impl Stream for Outbound {
    type Item = Result<RuntimeMessage, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(last) = &mut self.final_status
            && let Poll::Ready(status) = Pin::new(last).poll(context)
        {
            self.final_status = None;
            self.end = status.ok();
            // What is queued still goes out; nothing is added.
            self.queue.close();
        }
        match self.queue.poll_recv(context) {
            Poll::Ready(Some(message)) => {
                self.queued
                    .fetch_sub(message.encoded_len(), Ordering::Relaxed);
                Poll::Ready(Some(Ok(message)))
            }
            Poll::Ready(None) => Poll::Ready(self.end.take().map(Err)),
            Poll::Pending => Poll::Pending,
        }
    }
}

/// Why a message couldn't be sent to a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SendError {
    /// [`QUEUE`] messages, or [`QUEUE_BYTES`] of them, wait to be read.
    Full,
    /// The stream has ended.
    Ended,
}

/// A registered stream.
pub(crate) struct RegisteredStream {
    /// Unique for the registry's life.
    pub(crate) id: u64,
    pub(crate) domain: String,
    pub(crate) admission: RegistrationGrant,
    capabilities: Vec<String>,
    messages: mpsc::Sender<RuntimeMessage>,
    queued: Arc<AtomicUsize>,
    final_status: Mutex<Option<oneshot::Sender<Status>>>,
    pending: Mutex<PendingRequests<ResponseSender>>,
    /// Cancelled when the stream was ended from our side.
    ended: CancellationToken,
    /// A task waits for room in the queue.
    congested: AtomicBool,
    pub(crate) activity: ConnectionActivity,
}

impl RegisteredStream {
    pub(crate) fn new(
        id: u64,
        domain: String,
        admission: RegistrationGrant,
        capabilities: Vec<String>,
        activity: ConnectionActivity,
        sending: OutboundSender,
    ) -> Self {
        Self {
            id,
            domain,
            admission,
            capabilities,
            messages: sending.messages,
            queued: sending.queued,
            final_status: Mutex::new(Some(sending.final_status)),
            pending: Mutex::new(PendingRequests::new()),
            ended: CancellationToken::new(),
            congested: AtomicBool::new(false),
            activity,
        }
    }

    pub(crate) fn has_capability(&self, capability: &str) -> bool {
        self.capabilities.iter().any(|name| name == capability)
    }

    pub(crate) fn capabilities(&self) -> &[String] {
        &self.capabilities
    }

    /// Queues a message without waiting.
    pub(crate) fn send(&self, message: RuntimeMessage) -> Result<(), SendError> {
        let size = message.encoded_len();
        if self.queued.fetch_add(size, Ordering::Relaxed) + size > QUEUE_BYTES {
            self.queued.fetch_sub(size, Ordering::Relaxed);
            return Err(SendError::Full);
        }
        self.messages.try_send(message).map_err(|error| {
            self.queued.fetch_sub(size, Ordering::Relaxed);
            match error {
                TrySendError::Full(_) => SendError::Full,
                TrySendError::Closed(_) => SendError::Ended,
            }
        })
    }

    /// Queues a message as soon as there is room. Nothing happens if the stream ends first.
    pub(crate) async fn send_when_possible(&self, message: RuntimeMessage) {
        let size = message.encoded_len();
        if let Ok(room) = self.messages.reserve().await {
            self.queued.fetch_add(size, Ordering::Relaxed);
            room.send(message);
        }
    }

    /// Waits until half of the queue is free; false where the stream ends first.
    pub(crate) async fn wait_for_capacity(&self) -> bool {
        self.messages.reserve_many(QUEUE / 2).await.is_ok()
    }

    /// True for the first that finds the queue full, until [`Self::end_congestion`].
    pub(crate) fn begin_congestion(&self) -> bool {
        !self.congested.swap(true, Ordering::AcqRel)
    }

    pub(crate) fn end_congestion(&self) {
        self.congested.store(false, Ordering::Release);
    }

    /// Makes room for the response to `id`.
    ///
    /// # Errors
    /// The cause, where the stream has ended.
    pub(crate) fn expect_response(
        self: &Arc<Self>,
        id: String,
    ) -> Result<
        (
            PendingGuard,
            oneshot::Receiver<Result<MessageResponse, String>>,
        ),
        String,
    > {
        let (waiter, response) = oneshot::channel();
        lock(&self.pending)
            .insert(id.clone(), waiter)
            .map_err(str::to_owned)?;
        Ok((
            PendingGuard {
                connection: Arc::clone(self),
                id,
            },
            response,
        ))
    }

    /// Gives a message to the one who waits for it, or gives it back if it is no response.
    pub(crate) fn resolve(&self, message: DomainMessage) -> Option<DomainMessage> {
        let Some(waiter) = lock(&self.pending).take(&message.request_id) else {
            return Some(message);
        };
        let message = DomainMessage {
            domain: self.domain.clone(),
            ..message
        };
        // A caller that gave up just now has no use for it.
        let _ = waiter.send(Ok(MessageResponse::from_domain(message)));
        None
    }

    /// Ends the stream, with a status where there is somebody to tell, and fails all that
    /// wait for a response. Only the first call counts.
    pub(crate) fn end(&self, cause: &str, status: Option<Status>) {
        let last = lock(&self.final_status).take();
        if let (Some(last), Some(status)) = (last, status) {
            let _ = last.send(status);
        }
        for waiter in lock(&self.pending).close(cause) {
            let _ = waiter.send(Err(cause.to_owned()));
        }
        self.ended.cancel();
    }

    /// Waits until the stream is ended from our side.
    pub(crate) async fn ended(&self) {
        self.ended.cancelled().await;
    }

    /// Waits until nobody reads what is sent: the client is gone.
    pub(crate) async fn reader_closed(&self) {
        self.messages.closed().await;
    }

    /// How many responses are awaited.
    #[cfg(test)]
    pub(crate) fn pending_count(&self) -> usize {
        lock(&self.pending).len()
    }
}

/// The place of one awaited response. Dropping it frees the place, so that a caller that
/// gives up leaves nothing behind.
pub(crate) struct PendingGuard {
    connection: Arc<RegisteredStream>,
    id: String,
}

impl Drop for PendingGuard {
    fn drop(&mut self) {
        lock(&self.connection.pending).take(&self.id);
    }
}
