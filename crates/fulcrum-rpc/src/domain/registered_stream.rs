//! A registered stream: its sending side, and its pending requests.

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

use super::authorization::RegistrationGrant;
use super::connection_activity::ConnectionActivity;
use super::message_response::MessageResponse;
use super::pending::PendingRequests;
use crate::framework::{DomainMessage, RuntimeMessage};

/// The number of messages that may wait for a domain to read them. Beyond it, sending fails at
/// once.
pub(crate) const QUEUE: usize = 64;

/// The size of these messages together, in bytes.
pub(crate) const QUEUE_BYTES: usize = 32 * 1024 * 1024;

/// Locks a mutex. Each change under it is one step, so the value is consistent even after a panic
/// of a holder.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Receives the response to a request, or the cause of the stream's end.
pub(crate) type ResponseSender = oneshot::Sender<Result<MessageResponse, String>>;

/// The two ends of the response stream: the sender for the driver, the stream for tonic.
pub(crate) fn outbound() -> (OutboundSender, Outbound) {
    let (messages, queue) = mpsc::channel(QUEUE);
    let (final_status, status) = oneshot::channel();
    let queued = Arc::new(AtomicUsize::new(0));
    (
        OutboundSender {
            messages,
            queued: Arc::clone(&queued),
            final_status,
        },
        Outbound {
            queue,
            queued,
            final_status: Some(status),
            end: None,
        },
    )
}

/// The sender of messages to a stream, and of the status that ends it.
pub(crate) struct OutboundSender {
    pub(crate) messages: mpsc::Sender<RuntimeMessage>,
    queued: Arc<AtomicUsize>,
    pub(crate) final_status: oneshot::Sender<Status>,
}

/// The response stream: the queued messages, then the final status, if there is one.
pub(crate) struct Outbound {
    queue: mpsc::Receiver<RuntimeMessage>,
    /// The size of the queued messages, in bytes.
    queued: Arc<AtomicUsize>,
    final_status: Option<oneshot::Receiver<Status>>,
    end: Option<Status>,
}

impl Stream for Outbound {
    type Item = Result<RuntimeMessage, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(final_status) = &mut self.final_status
            && let Poll::Ready(status) = Pin::new(final_status).poll(context)
        {
            self.final_status = None;
            self.end = status.ok();
            // Queued messages are still sent; none are added.
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

/// Why a message could not be sent to a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SendError {
    /// [`QUEUE`] messages, or [`QUEUE_BYTES`] bytes, wait to be read.
    Full,
    /// The stream has ended.
    Ended,
}

/// A registered stream.
pub(crate) struct RegisteredStream {
    /// Unique within a registry.
    pub(crate) id: u64,
    pub(crate) domain: String,
    pub(crate) grant: RegistrationGrant,
    capabilities: Vec<String>,
    messages: mpsc::Sender<RuntimeMessage>,
    queued: Arc<AtomicUsize>,
    final_status: Mutex<Option<oneshot::Sender<Status>>>,
    pending: Mutex<PendingRequests<ResponseSender>>,
    /// Canceled when the server ends the stream.
    ended: CancellationToken,
    /// A task waits for capacity in the queue.
    backpressure: AtomicBool,
    pub(crate) activity: ConnectionActivity,
}

impl RegisteredStream {
    pub(crate) fn new(
        id: u64,
        domain: String,
        grant: RegistrationGrant,
        capabilities: Vec<String>,
        activity: ConnectionActivity,
        sender: OutboundSender,
    ) -> Self {
        Self {
            id,
            domain,
            grant,
            capabilities,
            messages: sender.messages,
            queued: sender.queued,
            final_status: Mutex::new(Some(sender.final_status)),
            pending: Mutex::new(PendingRequests::new()),
            ended: CancellationToken::new(),
            backpressure: AtomicBool::new(false),
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

    /// Queues a message as soon as there is capacity, unless the stream ends first.
    pub(crate) async fn send_when_possible(&self, message: RuntimeMessage) {
        let size = message.encoded_len();
        if let Ok(permit) = self.messages.reserve().await {
            self.queued.fetch_add(size, Ordering::Relaxed);
            permit.send(message);
        }
    }

    /// Waits until half of the queue is free; false if the stream ends first.
    pub(crate) async fn wait_for_capacity(&self) -> bool {
        self.messages.reserve_many(QUEUE / 2).await.is_ok()
    }

    /// True for the first call, until [`Self::end_backpressure`].
    pub(crate) fn begin_backpressure(&self) -> bool {
        !self.backpressure.swap(true, Ordering::AcqRel)
    }

    pub(crate) fn end_backpressure(&self) {
        self.backpressure.store(false, Ordering::Release);
    }

    /// Registers a pending request with this id. Dropping the guard removes it.
    ///
    /// # Errors
    /// The cause, if the stream has ended.
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
        let (sender, response) = oneshot::channel();
        lock(&self.pending)
            .insert(id.clone(), sender)
            .map_err(str::to_owned)?;
        Ok((
            PendingGuard {
                stream: Arc::clone(self),
                id,
            },
            response,
        ))
    }

    /// Passes a response to its request. Returns the message if no request has its id.
    pub(crate) fn resolve(&self, message: DomainMessage) -> Option<DomainMessage> {
        let Some(sender) = lock(&self.pending).remove(&message.request_id) else {
            return Some(message);
        };
        let message = DomainMessage {
            domain: self.domain.clone(),
            ..message
        };
        // The caller may have given up.
        let _ = sender.send(Ok(MessageResponse::from_domain(message)));
        None
    }

    /// Ends the stream, with a status if there is one, and fails all pending requests. Only the
    /// first call has an effect.
    pub(crate) fn end(&self, cause: &str, status: Option<Status>) {
        let sender = lock(&self.final_status).take();
        if let (Some(sender), Some(status)) = (sender, status) {
            let _ = sender.send(status);
        }
        for sender in lock(&self.pending).close(cause) {
            let _ = sender.send(Err(cause.to_owned()));
        }
        self.ended.cancel();
    }

    /// Waits until the server ends the stream.
    pub(crate) async fn ended(&self) {
        self.ended.cancelled().await;
    }

    /// Waits until the response stream is dropped: the client is gone.
    pub(crate) async fn reader_closed(&self) {
        self.messages.closed().await;
    }

    /// The number of pending requests.
    #[cfg(test)]
    pub(crate) fn pending_count(&self) -> usize {
        lock(&self.pending).len()
    }
}

/// A pending request. Dropping it removes the request, also when its caller cancels it.
pub(crate) struct PendingGuard {
    stream: Arc<RegisteredStream>,
    id: String,
}

impl Drop for PendingGuard {
    fn drop(&mut self) {
        lock(&self.stream.pending).remove(&self.id);
    }
}
