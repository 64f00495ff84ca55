//! The driver of one domain's stream: waits for the registration, then handles messages until one
//! side ends the stream.

use std::collections::HashMap;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use prost::Message as _;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::Instant;
use tokio_stream::{Stream, StreamExt};
use tonic::{Code, Status};

use super::authorization::RegistrationRequest;
use super::capabilities::CAPABILITY_HEARTBEAT;
use super::connection_activity::{ConnectionActivity, ConnectionEnd};
use super::event::{DomainEvent, HeartbeatPayload, StreamEnd};
use super::handler::DomainRequest;
use super::inbound::RejectedMessage;
use super::message::{HEARTBEAT, REGISTER, REGISTERED, REJECTED, SPANS, is_response};
use super::message_response::{FailureCode, MessageResponse};
use super::registered_stream::{OutboundSender, RegisteredStream};
use super::registration::{Registration, truncate};
use super::registry::Registry;
use crate::code::WarningCode;
use crate::framework::DomainMessage;
use crate::transport::{ConnectionState, PinGuard, RateLimiter};

/// Requests of one domain that are in progress at once.
const MAX_REQUESTS: usize = 256;

/// The shortest interval of heartbeat events, so that a domain cannot flood their receiver.
const MIN_HEARTBEAT_INTERVAL: Duration = Duration::from_millis(10);

/// The shortest interval of heartbeat events for responses.
const ACTIVITY_INTERVAL: Duration = Duration::from_millis(100);

/// The time in which the end of a connection may follow the end of the client's messages.
const CLOSE_DELAY: Duration = Duration::from_millis(100);

/// The context of a stream before its first message.
pub(crate) struct StreamContext {
    pub(crate) token: Option<String>,
    pub(crate) local: SocketAddr,
    pub(crate) peer: SocketAddr,
    pub(crate) activity: ConnectionActivity,
    /// Its entry in the connection table.
    pub(crate) connection: Option<Arc<ConnectionState>>,
}

/// Drives one stream from its first message to its end.
pub(crate) async fn drive<S>(
    registry: Registry,
    context: StreamContext,
    mut inbound: S,
    sender: OutboundSender,
) where
    S: Stream<Item = Result<DomainMessage, Status>> + Unpin + Send,
{
    let messages = sender.messages.clone();
    let connection = context.connection.clone();
    let registering = register(&registry, context, &mut inbound, sender);
    let stream = tokio::select! {
        () = messages.closed() => return,
        registered = registering => match registered {
            Some(stream) => stream,
            None => return,
        },
    };
    // The response stream ends when the last sender is dropped.
    drop(messages);
    if let Some(connection) = &connection {
        connection.set_registered(&stream.domain);
    }
    // Not for unmanaged processes, which could register any number of names.
    let connection = connection.filter(|_| stream.grant.managed);
    let mut driver = Driver {
        _deregister: DeregisterOnDrop {
            registry: registry.clone(),
            stream: Arc::clone(&stream),
        },
        registry,
        stream,
        heartbeat_limiter: RateLimiter::new(MIN_HEARTBEAT_INTERVAL),
        activity_limiter: RateLimiter::new(ACTIVITY_INTERVAL),
        requests: JoinSet::new(),
        request_info: HashMap::new(),
        _pin: connection.map(|connection| connection.pin()),
    };
    driver.run(inbound).await;
}

/// Reads the registration and registers the stream; `None` if the stream ended instead.
async fn register<S>(
    registry: &Registry,
    context: StreamContext,
    inbound: &mut S,
    sender: OutboundSender,
) -> Option<Arc<RegisteredStream>>
where
    S: Stream<Item = Result<DomainMessage, Status>> + Unpin + Send,
{
    let mut request = RegistrationRequest {
        domain: String::new(),
        token: context.token,
        capabilities: Vec::new(),
        local: context.local,
        peer: context.peer,
    };
    let status = match receive_registration(registry, inbound).await {
        Ok(registration) => {
            request.domain.clone_from(&registration.domain);
            request
                .capabilities
                .clone_from(&registration.client.capabilities);
            match registry
                .register(registration, request, context.activity, sender)
                .await
            {
                Ok(stream) => return Some(stream),
                Err((error, sender)) => {
                    let _ = sender.final_status.send(error.into());
                    return None;
                }
            }
        }
        Err(status) => status,
    };
    registry.report_refusal(request, status.message()).await;
    let _ = sender.final_status.send(status);
    None
}

/// Waits for the first message of a stream.
async fn receive_registration<S>(
    registry: &Registry,
    inbound: &mut S,
) -> Result<Registration, Status>
where
    S: Stream<Item = Result<DomainMessage, Status>> + Unpin + Send,
{
    let limit = registry.config().registration_timeout;
    match tokio::time::timeout(limit, inbound.next()).await {
        Err(_) => Err(Status::deadline_exceeded(format!(
            "no {REGISTER:?} within {} s: it must be the first message of a stream",
            limit.as_secs_f64()
        ))),
        Ok(None) => Err(Status::failed_precondition(format!(
            "the stream ended without {REGISTER:?}, which must be its first message"
        ))),
        Ok(Some(Err(status))) => Err(improve_status(status)),
        Ok(Some(Ok(message))) if message.r#type == REJECTED => {
            Err(RejectedMessage::parse(&message).status())
        }
        Ok(Some(Ok(message))) => Registration::parse(message).map_err(Status::from),
    }
}

/// An input of a registered stream's driver.
enum Input {
    Message(DomainMessage),
    /// A message cannot be decoded, or the connection failed.
    Error(Status),
    /// The client ended its half of the stream.
    Closed,
    /// The client no longer reads the stream.
    ReaderClosed,
    /// The server ended the stream; events and pending requests are done.
    Ended,
    /// A request was handled, or its handler panicked.
    Handled(Result<Id, JoinError>),
}

/// Why a driver ends its stream, and the status for the client.
struct StreamTermination {
    end: StreamEnd,
    cause: String,
    status: Option<Status>,
}

struct Driver {
    registry: Registry,
    stream: Arc<RegisteredStream>,
    heartbeat_limiter: RateLimiter,
    activity_limiter: RateLimiter,
    requests: JoinSet<()>,
    /// The type and id of each request in `requests`.
    request_info: HashMap<Id, (String, String)>,
    /// Excludes the connection of a managed process from eviction.
    _pin: Option<PinGuard>,
    _deregister: DeregisterOnDrop,
}

impl Driver {
    async fn run<S>(&mut self, mut inbound: S)
    where
        S: Stream<Item = Result<DomainMessage, Status>> + Unpin + Send,
    {
        loop {
            let input = tokio::select! {
                biased;
                () = self.stream.ended() => Input::Ended,
                Some(handled) = self.requests.join_next_with_id() => {
                    Input::Handled(handled.map(|(id, ())| id))
                }
                message = inbound.next() => match message {
                    Some(Ok(message)) => Input::Message(message),
                    Some(Err(status)) => Input::Error(status),
                    None => self.classify_close().await,
                },
                () = self.stream.reader_closed() => Input::ReaderClosed,
            };
            if matches!(input, Input::ReaderClosed) {
                self.receive_rest(&mut inbound).await;
            }
            if let Some(StreamTermination { end, cause, status }) =
                self.handle_input(input, Instant::now())
            {
                self.registry.deregister(&self.stream, end, &cause, status);
                return;
            }
        }
    }

    /// Handles the messages that arrived before the end of the connection: the last responses of a
    /// process that has exited.
    async fn receive_rest<S>(&mut self, inbound: &mut S)
    where
        S: Stream<Item = Result<DomainMessage, Status>> + Unpin,
    {
        loop {
            let next = poll_fn(|context| Poll::Ready(Pin::new(&mut *inbound).poll_next(context)));
            let Poll::Ready(Some(Ok(message))) = next.await else {
                return;
            };
            let _ = self.handle_message(message, Instant::now());
        }
    }

    fn handle_input(&mut self, input: Input, now: Instant) -> Option<StreamTermination> {
        match input {
            Input::Message(message) => self.handle_message(message, now),
            Input::Handled(result) => self.on_request_handled(result),
            Input::Ended => Some(StreamTermination {
                end: StreamEnd::ByServer,
                cause: "ended by Fulcrum".into(),
                status: None,
            }),
            Input::ReaderClosed => Some(self.classify_disconnect(now)),
            Input::Closed => Some(StreamTermination {
                end: StreamEnd::ByClient,
                cause: "stream ended by the domain".into(),
                status: None,
            }),
            Input::Error(_) if self.stream.activity.end().is_some() => {
                Some(self.classify_disconnect(now))
            }
            Input::Error(status) => {
                let status = improve_status(status);
                let cause = format!("stream error: {}", status.message());
                Some(StreamTermination {
                    end: StreamEnd::ProtocolViolation,
                    cause,
                    status: Some(status),
                })
            }
        }
    }

    /// Distinguishes the end of the client's half from a keep-alive timeout, which looks like one
    /// at first. After a timeout, the reading half is closed a moment later.
    async fn classify_close(&self) -> Input {
        let silence = self.stream.activity.last_read_at().elapsed();
        // Data was just received, so the client itself ended the stream. It may wait for the end of
        // our half, and the next generation for the client, so there must be no delay.
        let may_be_timeout = silence >= self.registry.config().keepalive_timeout;
        let delay = async {
            if may_be_timeout {
                tokio::time::sleep(CLOSE_DELAY).await;
            }
        };
        tokio::select! {
            biased;
            () = self.stream.reader_closed() => Input::ReaderClosed,
            () = delay => Input::Closed,
        }
    }

    /// Why the client is gone. A keep-alive timeout and a stream reset by the client look alike in
    /// HTTP/2; the activity of the socket distinguishes them.
    fn classify_disconnect(&self, now: Instant) -> StreamTermination {
        let activity = &self.stream.activity;
        let silence = now.saturating_duration_since(activity.last_read_at());
        let (end, cause) = match activity.end() {
            Some(ConnectionEnd::Closed) => (StreamEnd::Closed, "closed by the domain".to_owned()),
            Some(ConnectionEnd::Failed) => {
                (StreamEnd::ConnectionError, "connection lost".to_owned())
            }
            None if silence >= self.registry.config().keepalive_timeout => (
                StreamEnd::KeepaliveTimeout,
                format!(
                    "no data received for {:.1} s, keep-alive pings unanswered",
                    silence.as_secs_f64()
                ),
            ),
            None => (StreamEnd::ByClient, "stream reset by the domain".to_owned()),
        };
        StreamTermination {
            end,
            cause,
            status: None,
        }
    }

    fn handle_message(
        &mut self,
        message: DomainMessage,
        now: Instant,
    ) -> Option<StreamTermination> {
        if message.r#type == REJECTED {
            return self.on_rejected(message);
        }
        // A message with the id of a pending request is the response to it, whatever its type.
        let Some(message) = self.stream.resolve(message) else {
            self.note_activity(now);
            return None;
        };
        match message.r#type.as_str() {
            HEARTBEAT => {
                if self.heartbeat_limiter.allow(now).is_some() {
                    self.emit_heartbeat(HeartbeatPayload::parse(&message.payload));
                }
                None
            }
            SPANS => {
                if let Some(observer) = self.registry.config().observer.get() {
                    let (domain, generation) = (&self.stream.domain, self.stream.grant.generation);
                    observer.spans(domain, generation, &message.payload);
                }
                None
            }
            // The domain is registered already.
            REGISTER => {
                let response = MessageResponse::success(REGISTERED, r#"{"status":"registered"}"#);
                self.reply(response, message.request_id)
            }
            type_ if is_response(type_) => {
                tracing::debug!(
                    domain = %self.stream.domain,
                    "response of type {:?} dropped: no pending request has its id",
                    truncate(type_)
                );
                None
            }
            _ => self.start_request(message),
        }
    }

    /// Fails the call that a message responds to which cannot be delivered, or the domain's own
    /// request.
    fn on_rejected(&mut self, message: DomainMessage) -> Option<StreamTermination> {
        let domain = &self.stream.domain;
        let rejected = RejectedMessage::parse(&message);
        let failure = rejected.failure(domain);
        let request_id = message.request_id;
        let response = DomainMessage {
            request_id: request_id.clone(),
            ..failure.clone().into_domain_message()
        };
        self.stream.resolve(response)?;
        tracing::warn!(domain = %domain, code = %WarningCode::MessageDropped, "{}; it was dropped", failure.error);
        match request_id.is_empty() || is_response(&rejected.type_) {
            true => None,
            false => self.reply(failure, request_id),
        }
    }

    /// Counts a response as a heartbeat. Heartbeats may be delayed behind large responses, which
    /// must not make a domain look hung.
    fn note_activity(&mut self, now: Instant) {
        if self.stream.has_capability(CAPABILITY_HEARTBEAT)
            && self.activity_limiter.allow(now).is_some()
        {
            self.emit_heartbeat(HeartbeatPayload::default());
        }
    }

    fn emit_heartbeat(&self, heartbeat: HeartbeatPayload) {
        self.registry.emit(DomainEvent::Heartbeat {
            domain: self.stream.domain.clone(),
            generation: self.stream.grant.generation,
            heartbeat,
        });
    }

    fn start_request(&mut self, message: DomainMessage) -> Option<StreamTermination> {
        let DomainMessage {
            r#type: type_,
            payload,
            request_id,
            ..
        } = message;
        if self.requests.len() >= MAX_REQUESTS {
            let busy =
                format!("{MAX_REQUESTS} requests of this domain are in progress: try again later");
            return self.reply(MessageResponse::error(busy), request_id);
        }
        let request = DomainRequest {
            domain: self.stream.domain.clone(),
            generation: self.stream.grant.generation,
            type_: type_.clone(),
            payload,
        };
        if let Some(response) = self.registry.handle_event_request(&self.stream, &request) {
            return self.reply(response, request_id);
        }
        let info = (type_, request_id.clone());
        let (registry, stream) = (self.registry.clone(), Arc::clone(&self.stream));
        let task = self.requests.spawn(async move {
            let type_ = request.type_.clone();
            let mut message = registry
                .handler()
                .handle_boxed(request)
                .await
                .into_message(request_id.clone());
            let (size, limit) = (message.encoded_len(), stream.max_message);
            if size > limit {
                let type_ = truncate(&type_);
                let text = format!(
                    "the response to {type_} has {size} bytes, and the limit is {limit} bytes"
                );
                let failure = MessageResponse::failure(FailureCode::TooLarge, text);
                message = failure.into_message(request_id);
            }
            stream.send_when_possible(message).await;
        });
        self.request_info.insert(task.id(), info);
        None
    }

    /// Responds to a request whose handler panicked.
    fn on_request_handled(&mut self, result: Result<Id, JoinError>) -> Option<StreamTermination> {
        let id = result.as_ref().map_or_else(JoinError::id, |id| *id);
        let (type_, request_id) = self.request_info.remove(&id)?;
        let error = result.err()?;
        let type_ = truncate(&type_);
        tracing::error!(domain = %self.stream.domain, code = %WarningCode::HandlingFailed, "internal error: handling {type_} failed: {error}");
        let text = format!("internal error: handling {type_} failed");
        self.reply(MessageResponse::error(text), request_id)
    }

    /// Responds without waiting. A client that sends requests without reading the responses is
    /// disconnected.
    fn reply(&self, response: MessageResponse, request_id: String) -> Option<StreamTermination> {
        self.stream
            .send(response.into_message(request_id))
            .err()
            .map(|_| {
                let cause = "the domain sends requests without reading the responses";
                StreamTermination {
                    end: StreamEnd::ProtocolViolation,
                    cause: cause.into(),
                    status: Some(Status::resource_exhausted(cause)),
                }
            })
    }
}

/// Replaces code and text of an error of tonic by those that help the client's author.
fn improve_status(status: Status) -> Status {
    match status.code() {
        Code::Internal if status.message().contains("decode") => {
            Status::invalid_argument(format!("a message cannot be decoded: {}", status.message()))
        }
        _ => status,
    }
}

/// Deregisters the stream even if its task panics, or ends with the tokio runtime.
struct DeregisterOnDrop {
    registry: Registry,
    stream: Arc<RegisteredStream>,
}

impl Drop for DeregisterOnDrop {
    fn drop(&mut self) {
        let status = Status::internal("the stream's task ended");
        let cause = "the stream's task ended";
        self.registry
            .deregister(&self.stream, StreamEnd::ByServer, cause, Some(status));
    }
}
