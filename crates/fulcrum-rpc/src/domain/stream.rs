//! The driver of one domain's stream: waits for the registration, then hands on what the
//! domain says until one side ends it.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::Instant;
use tokio_stream::{Stream, StreamExt};
use tonic::{Code, Status};

use super::connection_activity::ConnectionEnd;
use super::message::{HEARTBEAT, MAX_BODY, REGISTER, REGISTERED, fits, is_response};
use super::registered_stream::{OutboundSender, RegisteredStream};
use super::registration::{Registration, truncate};
use super::{
    CAPABILITY_HEARTBEAT, ConnectionActivity, DomainEvent, DomainRequest, HeartbeatPayload,
    MessageResponse, RegistrationRequest, Registry, StreamEnd,
};
use crate::framework::DomainMessage;
use crate::transport::{ConnectionState, MAX_MESSAGE, PinGuard, RateLimiter};

/// Requests of one domain that the runtime serves at once.
const MAX_REQUESTS: usize = 256;

/// Heartbeats that come faster are not told: a domain can't flood the supervisor.
const MIN_HEARTBEAT_INTERVAL: Duration = Duration::from_millis(10);

/// How often an answer is told as a sign of life.
const ACTIVITY_INTERVAL: Duration = Duration::from_millis(100);

/// How long after the end of what a client sends its connection's end may follow.
const CLOSE_DELAY: Duration = Duration::from_millis(100);

/// What is known of a stream before it says anything.
pub(crate) struct StreamContext {
    pub(crate) token: Option<String>,
    pub(crate) local: SocketAddr,
    pub(crate) peer: SocketAddr,
    pub(crate) activity: ConnectionActivity,
    /// Its connection's place.
    pub(crate) guest: Option<Arc<ConnectionState>>,
}

/// Drives one stream from its first message to its end.
pub(crate) async fn drive<S>(
    registry: Registry,
    origin: StreamContext,
    mut inbound: S,
    sending: OutboundSender,
) where
    S: Stream<Item = Result<DomainMessage, Status>> + Unpin + Send,
{
    let messages = sending.messages.clone();
    let guest = origin.guest.clone();
    let registering = register(&registry, origin, &mut inbound, sending);
    let connection = tokio::select! {
        () = messages.closed() => return,
        registered = registering => match registered {
            Some(connection) => connection,
            None => return,
        },
    };
    // The stream's end must see no sender but the connection's own.
    drop(messages);
    if let Some(guest) = &guest {
        guest.registered();
    }
    // A stranger could register a thousand names.
    let guest = guest.filter(|_| connection.admission.managed);
    let mut driver = Driver {
        _leave: DeregisterOnDrop {
            registry: registry.clone(),
            connection: Arc::clone(&connection),
        },
        registry,
        connection,
        beats: RateLimiter::new(MIN_HEARTBEAT_INTERVAL),
        activity_limiter: RateLimiter::new(ACTIVITY_INTERVAL),
        requests: JoinSet::new(),
        asked: HashMap::new(),
        _stays: guest.map(|guest| guest.pin()),
    };
    driver.run(inbound).await;
}

/// Reads the registration and has it admitted. `None` where that ended the stream.
async fn register<S>(
    registry: &Registry,
    origin: StreamContext,
    inbound: &mut S,
    sending: OutboundSender,
) -> Option<Arc<RegisteredStream>>
where
    S: Stream<Item = Result<DomainMessage, Status>> + Unpin + Send,
{
    let limit = registry.settings().registration_timeout;
    let status = match tokio::time::timeout(limit, inbound.next()).await {
        Err(_) => Status::deadline_exceeded(format!(
            "no {REGISTER:?} came within {} s; it must be a stream's first message",
            limit.as_secs_f64()
        )),
        Ok(None) => Status::failed_precondition(format!(
            "the stream ended before {REGISTER:?}, which must be its first message"
        )),
        Ok(Some(Err(status))) => improve_status(status),
        Ok(Some(Ok(message))) => match Registration::parse(message) {
            Err(refusal) => refusal.into(),
            Ok(registration) => {
                let claim = RegistrationRequest {
                    domain: registration.domain.clone(),
                    token: origin.token,
                    capabilities: registration.capabilities.clone(),
                    local: origin.local,
                    peer: origin.peer,
                };
                match registry
                    .register(registration, claim, origin.activity, sending)
                    .await
                {
                    Ok(connection) => return Some(connection),
                    Err((refusal, sending)) => {
                        let _ = sending.final_status.send(refusal.into());
                        return None;
                    }
                }
            }
        },
    };
    let _ = sending.final_status.send(status);
    None
}

/// Everything that can happen to a registered stream.
enum Input {
    Message(DomainMessage),
    /// What it sent can't be read, or the connection broke.
    Broken(Status),
    /// It sends no more.
    Closed,
    /// It reads no more.
    Lost,
    /// It was ended from our side; those who wait and listen were told.
    Ended,
    /// A request was served, or its handler panicked.
    Served(Result<Id, JoinError>),
}

/// Why a stream ends from within, and what the client is told if it is there.
struct StreamTermination {
    how: StreamEnd,
    cause: String,
    status: Option<Status>,
}

struct Driver {
    registry: Registry,
    connection: Arc<RegisteredStream>,
    beats: RateLimiter,
    activity_limiter: RateLimiter,
    requests: JoinSet<()>,
    /// Type and id of each request in `requests`.
    asked: HashMap<Id, (String, String)>,
    /// However many strangers come, a process of ours keeps its connection.
    _stays: Option<PinGuard>,
    _leave: DeregisterOnDrop,
}

impl Driver {
    async fn run<S>(&mut self, mut inbound: S)
    where
        S: Stream<Item = Result<DomainMessage, Status>> + Unpin + Send,
    {
        loop {
            let input = tokio::select! {
                () = self.connection.ended() => Input::Ended,
                message = inbound.next() => match message {
                    Some(Ok(message)) => Input::Message(message),
                    Some(Err(status)) => Input::Broken(status),
                    None => self.classify_close().await,
                },
                Some(served) = self.requests.join_next_with_id() => {
                    Input::Served(served.map(|(id, ())| id))
                }
                () = self.connection.reader_closed() => Input::Lost,
            };
            if let Some(StreamTermination { how, cause, status }) =
                self.handle(input, Instant::now())
            {
                self.registry
                    .deregister(&self.connection, how, &cause, status);
                return;
            }
        }
    }

    fn handle(&mut self, input: Input, now: Instant) -> Option<StreamTermination> {
        match input {
            Input::Message(message) => self.message(message, now),
            Input::Served(served) => self.served(served),
            Input::Ended => Some(StreamTermination {
                how: StreamEnd::ByServer,
                cause: "ended by Fulcrum".into(),
                status: None,
            }),
            Input::Lost => Some(self.lost(now)),
            Input::Closed => Some(StreamTermination {
                how: StreamEnd::ByClient,
                cause: "the domain ended its stream".into(),
                status: None,
            }),
            Input::Broken(_) if self.connection.activity.gone().is_some() => Some(self.lost(now)),
            Input::Broken(status) => {
                let status = improve_status(status);
                let cause = format!("its stream broke: {}", status.message());
                Some(StreamTermination {
                    how: StreamEnd::ProtocolViolation,
                    cause,
                    status: Some(status),
                })
            }
        }
    }

    /// A keep-alive timeout looks like a clean end, but that a moment later nobody reads either.
    async fn classify_close(&self) -> Input {
        let silent = self.connection.activity.last_read_at().elapsed();
        // What the client has just sent is the end itself. A client that waits for our half, and
        // with it the next life of a domain, mustn't wait for certainty.
        let doubtful = silent >= self.registry.settings().keepalive_timeout;
        let patience = async {
            if doubtful {
                tokio::time::sleep(CLOSE_DELAY).await;
            }
        };
        tokio::select! {
            biased;
            () = self.connection.reader_closed() => Input::Lost,
            () = patience => Input::Closed,
        }
    }

    /// Nobody is at the other end any more. HTTP/2 doesn't say why (a keep-alive ping that
    /// wasn't answered looks like a stream that the client has reset), but the socket does.
    fn lost(&self, now: Instant) -> StreamTermination {
        let activity = &self.connection.activity;
        let silent = now.saturating_duration_since(activity.last_read_at());
        let settings = self.registry.settings();
        let (how, cause) = match activity.gone() {
            Some(ConnectionEnd::Closed) => (
                StreamEnd::Closed,
                "the connection was closed from its side".to_owned(),
            ),
            Some(ConnectionEnd::Failed) => (
                StreamEnd::ConnectionError,
                "the connection was lost".to_owned(),
            ),
            None if silent >= settings.keepalive_timeout => (
                StreamEnd::KeepaliveTimeout,
                format!(
                    "nothing came for {:.1} s, not even the answer to a keep-alive ping",
                    silent.as_secs_f64()
                ),
            ),
            None => (
                StreamEnd::ByClient,
                "the domain reset its stream".to_owned(),
            ),
        };
        StreamTermination {
            how,
            cause,
            status: None,
        }
    }

    fn message(&mut self, message: DomainMessage, now: Instant) -> Option<StreamTermination> {
        // Whatever its type: a message with the id of a request is the response to it.
        let Some(message) = self.connection.resolve(message) else {
            self.note_activity(now);
            return None;
        };
        match message.r#type.as_str() {
            HEARTBEAT => {
                if self.beats.allow(now).is_some() {
                    self.beat(HeartbeatPayload::parse(&message.payload));
                }
                None
            }
            // Asked again, said again: it is registered.
            REGISTER => {
                let again = MessageResponse::success(REGISTERED, r#"{"status":"registered"}"#);
                self.reply(again, message.request_id)
            }
            type_ if is_response(type_) => {
                tracing::debug!(
                    domain = %self.connection.domain,
                    "a response of type {:?} came for a request that nobody waits for any more",
                    truncate(type_)
                );
                None
            }
            _ => self.request(message),
        }
    }

    /// Who answers lives, also while its heartbeats wait behind what it says: large answers
    /// that callers ask for must not make it look hung.
    fn note_activity(&mut self, now: Instant) {
        if self.connection.has_capability(CAPABILITY_HEARTBEAT)
            && self.activity_limiter.allow(now).is_some()
        {
            self.beat(HeartbeatPayload::default());
        }
    }

    fn beat(&self, beat: HeartbeatPayload) {
        self.registry.emit(DomainEvent::Heartbeat {
            domain: self.connection.domain.clone(),
            generation: self.connection.admission.generation,
            beat,
        });
    }

    fn request(&mut self, message: DomainMessage) -> Option<StreamTermination> {
        let DomainMessage {
            r#type: type_,
            payload,
            request_id,
            ..
        } = message;
        if self.requests.len() >= MAX_REQUESTS {
            let busy =
                format!("{MAX_REQUESTS} requests of this domain are being served; try later");
            return self.reply(MessageResponse::error(busy), request_id);
        }
        let request = DomainRequest {
            domain: self.connection.domain.clone(),
            generation: self.connection.admission.generation,
            type_: type_.clone(),
            payload,
        };
        let asked = (type_, request_id.clone());
        let (registry, connection) = (self.registry.clone(), Arc::clone(&self.connection));
        let task = self.requests.spawn(async move {
            let type_ = request.type_.clone();
            let mut message = registry
                .handler()
                .handle_boxed(request)
                .await
                .into_message(request_id.clone());
            if !fits(&message) {
                let type_ = truncate(&type_);
                let text = format!("the answer to {type_} is larger than {MAX_BODY} bytes");
                message = MessageResponse::error(text).into_message(request_id);
            }
            connection.send_when_possible(message).await;
        });
        self.asked.insert(task.id(), asked);
        None
    }

    fn served(&mut self, served: Result<Id, JoinError>) -> Option<StreamTermination> {
        let id = served.as_ref().map_or_else(JoinError::id, |id| *id);
        let (type_, request_id) = self.asked.remove(&id)?;
        let error = served.err()?;
        let type_ = truncate(&type_);
        tracing::error!(domain = %self.connection.domain, "serving {type_} failed: {error}");
        let text = format!("serving {type_} failed inside Fulcrum; this is a defect");
        self.reply(MessageResponse::error(text), request_id)
    }

    /// Answers at once. A client that leaves 64 messages unread and asks for more is not
    /// waited for.
    fn reply(&self, answer: MessageResponse, request_id: String) -> Option<StreamTermination> {
        self.connection
            .send(answer.into_message(request_id))
            .err()
            .map(|_| {
                let cause = "the domain sends, but doesn't read what it is sent";
                StreamTermination {
                    how: StreamEnd::ProtocolViolation,
                    cause: cause.into(),
                    status: Some(Status::resource_exhausted(cause)),
                }
            })
    }
}

/// Gives errors of tonic's own the words and codes that help a client's author.
fn improve_status(status: Status) -> Status {
    match status.code() {
        Code::OutOfRange => Status::resource_exhausted(format!(
            "a message is larger than {MAX_MESSAGE} bytes: {}",
            status.message()
        )),
        Code::Internal if status.message().contains("decode") => {
            Status::invalid_argument(format!("a message can't be read: {}", status.message()))
        }
        _ => status,
    }
}

/// Takes the stream off the roster even if its task ends by a panic or with the runtime.
struct DeregisterOnDrop {
    registry: Registry,
    connection: Arc<RegisteredStream>,
}

impl Drop for DeregisterOnDrop {
    fn drop(&mut self) {
        let status = Status::internal("the stream's task ended");
        let cause = "the stream's task ended";
        self.registry
            .deregister(&self.connection, StreamEnd::ByServer, cause, Some(status));
    }
}
