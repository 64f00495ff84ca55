//! A registered stream: its sending side, and the calls that are sent on it.

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Context, Poll};

use prost::Message;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_stream::Stream;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::authorization::RegistrationGrant;
use super::capabilities::{
    CAPABILITY_CANCEL, CAPABILITY_DEADLINE, CAPABILITY_DRAIN, CAPABILITY_LARGE_MESSAGES,
    CAPABILITY_STREAM, CAPABILITY_TRACE,
};
use super::connection_activity::ConnectionActivity;
use super::lock::lock;
use super::message::STOCK_MAX_MESSAGE;
use super::message_response::{FailureCode, MessageResponse, is_refusal};
use super::registration::ClientFeatures;
use super::request_ids::{RequestIds, RequestTraits};
use super::routing::{CallContent, DomainRoute, Outgoing, StreamTraits};
use crate::framework::{DomainMessage, RuntimeMessage};

/// The number of notifications and responses that may wait for a domain to read them. Beyond it,
/// sending fails at once. Calls wait in the domain's route.
pub(crate) const QUEUE: usize = 64;

/// The size of these messages together, in bytes.
const QUEUE_BYTES: usize = 32 * 1024 * 1024;

/// Where a stream gets calls from.
struct CallSource {
    route: Arc<DomainRoute>,
    stream: u64,
    ids: RequestIds,
    traits: RequestTraits,
    domain: String,
    /// The largest message that the client receives, in bytes.
    max_message: usize,
}

impl CallSource {
    /// The message of a call, or of its cancellation. A message that the client does not receive
    /// would end the stream; then the call fails, and there is none.
    fn message(&self, outgoing: Outgoing<Arc<CallContent>>) -> Option<RuntimeMessage> {
        let id = match &outgoing {
            Outgoing::Call(id, _) | Outgoing::Cancel(id) | Outgoing::Credit(id, _) => Some(*id),
            Outgoing::Event(..) => None,
        };
        let now = Instant::now();
        let mut message = self.ids.message(outgoing, self.traits, now);
        let mut size = message.encoded_len();
        if size > self.max_message {
            // The request itself may fit.
            message.tracestate.clear();
            message.baggage.clear();
            size = message.encoded_len();
        }
        // The size of events is limited where they are published.
        let Some(id) = id.filter(|_| size > self.max_message) else {
            return Some(message);
        };
        let Self {
            domain,
            max_message,
            ..
        } = self;
        let text = format!(
            "the message to domain {domain:?} has {size} bytes, and its client receives at most {max_message} bytes (without the capability {CAPABILITY_LARGE_MESSAGES})"
        );
        let failure = MessageResponse::failure(FailureCode::TooLarge, text);
        self.route
            .resolve(self.stream, id, failure.into_domain_message());
        None
    }
}

/// That of a stream that may not be registered yet.
type SharedCallSource = Arc<OnceLock<CallSource>>;

/// The two ends of the response stream: the sender for the driver, the stream for tonic.
pub(crate) fn outbound() -> (OutboundSender, Outbound) {
    let (messages, queue) = mpsc::channel(QUEUE);
    let (final_status, status) = oneshot::channel();
    let queued = Arc::new(AtomicUsize::new(0));
    let calls = SharedCallSource::default();
    (
        OutboundSender {
            messages,
            queued: Arc::clone(&queued),
            calls: Arc::clone(&calls),
            final_status,
        },
        Outbound {
            queue,
            queued,
            calls,
            final_status: Some(status),
            end: None,
        },
    )
}

/// The sender of messages to a stream, and of the status that ends it.
pub(crate) struct OutboundSender {
    pub(crate) messages: mpsc::Sender<RuntimeMessage>,
    queued: Arc<AtomicUsize>,
    calls: SharedCallSource,
    pub(crate) final_status: oneshot::Sender<Status>,
}

/// The response stream: the queued messages and then the calls that wait, whenever there is room
/// for more; then the final status, if there is one.
pub(crate) struct Outbound {
    queue: mpsc::Receiver<RuntimeMessage>,
    /// The size of the queued messages, in bytes.
    queued: Arc<AtomicUsize>,
    calls: SharedCallSource,
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
                if let Some(calls) = self.calls.get() {
                    calls.route.note_read(calls.stream);
                }
                return Poll::Ready(Some(Ok(message)));
            }
            Poll::Ready(None) => return Poll::Ready(self.end.take().map(Err)),
            Poll::Pending => {}
        }
        // The response to the registration, which was queued after this was set, wakes this.
        let Some(calls) = self.calls.get() else {
            return Poll::Pending;
        };
        loop {
            match calls.route.poll_outgoing(calls.stream, context) {
                Poll::Ready(outgoing) => {
                    if let Some(message) = calls.message(outgoing) {
                        return Poll::Ready(Some(Ok(message)));
                    }
                }
                Poll::Pending => return Poll::Pending,
            }
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
    client: ClientFeatures,
    messages: mpsc::Sender<RuntimeMessage>,
    queued: Arc<AtomicUsize>,
    final_status: Mutex<Option<oneshot::Sender<Status>>>,
    /// The calls of its domain.
    pub(crate) route: Arc<DomainRoute>,
    ids: RequestIds,
    /// The largest message that its client receives, in bytes.
    pub(crate) max_message: usize,
    /// Canceled when the server ends the stream.
    ended: CancellationToken,
    pub(crate) activity: ConnectionActivity,
}

impl RegisteredStream {
    pub(crate) fn new(
        id: u64,
        domain: String,
        grant: RegistrationGrant,
        client: ClientFeatures,
        activity: ConnectionActivity,
        (route, ids, max_message): (Arc<DomainRoute>, RequestIds, usize),
        sender: OutboundSender,
    ) -> Self {
        let has = |capability: &str| client.has(capability);
        let max_message = match has(CAPABILITY_LARGE_MESSAGES) {
            true => max_message,
            false => max_message.min(STOCK_MAX_MESSAGE),
        };
        let calls = CallSource {
            route: Arc::clone(&route),
            stream: id,
            ids: ids.clone(),
            traits: RequestTraits {
                deadline: has(CAPABILITY_DEADLINE),
                stream: has(CAPABILITY_STREAM),
                trace: has(CAPABILITY_TRACE),
            },
            domain: domain.clone(),
            max_message,
        };
        // It is set once, here.
        let _ = sender.calls.set(calls);
        Self {
            id,
            domain,
            grant,
            client,
            messages: sender.messages,
            queued: sender.queued,
            final_status: Mutex::new(Some(sender.final_status)),
            route,
            ids,
            max_message,
            ended: CancellationToken::new(),
            activity,
        }
    }

    pub(crate) fn has_capability(&self, capability: &str) -> bool {
        self.client.has(capability)
    }

    pub(crate) fn capabilities(&self) -> &[String] {
        &self.client.capabilities
    }

    /// The types of the requests that it handles, if its client has named them.
    pub(crate) fn types(&self) -> &[String] {
        &self.client.types
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

    /// What of the calls its client supports.
    pub(crate) fn traits(&self) -> StreamTraits {
        StreamTraits {
            drain: self.has_capability(CAPABILITY_DRAIN),
            cancel: self.has_capability(CAPABILITY_CANCEL),
        }
    }

    /// Passes a response to its call. Returns the message if no call has its id.
    pub(crate) fn resolve(&self, message: DomainMessage) -> Option<DomainMessage> {
        let Some(call) = self.ids.parse(&message.request_id) else {
            return Some(message);
        };
        if is_refusal(&message.payload) && self.has_capability(CAPABILITY_DRAIN) {
            return self.route.refuse(self.id, call, message);
        }
        match message.more {
            true => self.route.part(self.id, call, message),
            false => self.route.resolve(self.id, call, message),
        }
    }

    /// Ends the stream, with a status if there is one, and fails the calls in flight. Only the first
    /// call has an effect.
    pub(crate) fn end(&self, cause: &str, status: Option<Status>) {
        let sender = lock(&self.final_status).take();
        if let (Some(sender), Some(status)) = (sender, status) {
            let _ = sender.send(status);
        }
        self.route.detach(self.id, cause);
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
}
