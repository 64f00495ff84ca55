//! The body of a call, which is one message.
//!
//! A large message is received only once there is room for it among those that wait for its domain:
//! until then the caller is held back by the flow control of HTTP/2. So the memory for calls is
//! bounded, and callers wait instead of being refused.
//!
//! A message that cannot be delivered is read to its end and dropped before the caller is told. gRPC's
//! server would tell it at once and reset the stream, and clients that are still sending, such as
//! those of Node, lose the response by that.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};

use http_body::{Body as _, Frame};
use tokio::time::Instant;
use tokio_util::bytes::Bytes;
use tonic::Status;
use tonic::body::Body;

use super::collector::PREFIX;
use super::scanner::Scanner;
use crate::domain::call_failure::CallFailure;
use crate::domain::calls::CallerTerms;
use crate::domain::lock::lock;
use crate::domain::registration::truncate;
use crate::domain::registry::Registry;
use crate::domain::routing::Reservation;

/// How much of a message that is not delivered is read before the caller is told: as a multiple of
/// the limit of messages.
pub(crate) const MAX_READ: usize = 4;

/// In how many bytes a message must begin with its domain and type. Later ones are not looked for.
const MAX_HEAD: usize = 4 * 1024;

/// The size of a message that is received at once, with its prefix. It has arrived with its head.
const SMALL: usize = 1024;

/// An empty message, in the place of one that is not delivered.
const EMPTY: &[u8] = &[0; PREFIX];

/// What came of a call while its message was received.
#[derive(Default)]
pub(crate) struct Admission {
    /// When that began.
    pub(crate) since: Option<Instant>,
    /// The room that the call has.
    pub(crate) room: Option<Reservation>,
    /// Why it is not delivered, and its request id as far as it is known.
    pub(crate) refused: Option<(CallFailure, String)>,
}

/// That of the request whose extensions it is in.
pub(crate) type SharedAdmission = Arc<Mutex<Admission>>;

type Reserving = dyn Future<Output = Result<Option<Reservation>, CallFailure>> + Send;

enum State {
    /// The head is being read, and kept.
    Head(VecDeque<Bytes>),
    /// Room is waited for.
    Waiting(VecDeque<Bytes>, Pin<Box<Reserving>>),
    /// Everything is passed on, what was kept first.
    Passing(VecDeque<Bytes>),
    /// Everything is dropped, and then the caller is told.
    Dropping(Reason),
    Ended,
}

/// Why a message is not delivered.
enum Reason {
    TooLarge,
    Refused(CallFailure),
}

/// The body of a call.
pub(super) struct CallBody {
    inner: Body,
    registry: Registry,
    terms: CallerTerms,
    admission: SharedAdmission,
    state: State,
    /// The prefix of the message, of which some bytes are there.
    prefix: [u8; PREFIX],
    /// All bytes that were received.
    received: usize,
    scanner: Scanner,
}

impl CallBody {
    pub(super) fn new(
        inner: Body,
        registry: Registry,
        terms: CallerTerms,
        admission: SharedAdmission,
    ) -> Self {
        Self {
            inner,
            registry,
            terms,
            admission,
            state: State::Head(VecDeque::new()),
            prefix: [0; PREFIX],
            received: 0,
            scanner: Scanner::default(),
        }
    }

    /// The length in the prefix.
    fn length(&self) -> usize {
        let [_, length @ ..] = self.prefix;
        u32::from_be_bytes(length) as usize
    }

    fn limit(&self) -> usize {
        self.registry.config().max_message
    }

    /// Notes the next bytes of a message that may not be received at once.
    fn scan(&mut self, bytes: &[u8]) {
        let read = self.received.min(PREFIX);
        let count = (PREFIX - read).min(bytes.len());
        self.prefix[read..read + count].copy_from_slice(&bytes[..count]);
        self.received += bytes.len();
        let is_small = self.received >= PREFIX && self.length() + PREFIX <= SMALL;
        if !is_small {
            self.scanner.feed(&bytes[count..]);
        }
    }

    /// The state after more of the head was read.
    fn next(&self, head: VecDeque<Bytes>) -> State {
        let (length, is_compressed) = (self.length(), self.prefix[0] != 0);
        if self.received < PREFIX {
            return State::Head(head);
        }
        if length > self.limit() {
            return State::Dropping(Reason::TooLarge);
        }
        let whole = length + PREFIX;
        if whole <= SMALL || is_compressed {
            return State::Passing(head);
        }
        let is_known = self.scanner.is_inside_payload();
        if !is_known && self.received < whole.min(MAX_HEAD) {
            return State::Head(head);
        }
        let registry = self.registry.clone();
        let (envelope, terms) = (self.scanner.envelope(), self.terms);
        let reserving = async move {
            let type_ = truncate(&envelope.type_);
            registry
                .reserve(&envelope.domain, &type_, length, terms)
                .await
        };
        State::Waiting(head, Box::pin(reserving))
    }

    /// Tells the caller, once enough of its message was dropped.
    fn refuse(&mut self, reason: Reason) -> Result<Bytes, Status> {
        match reason {
            Reason::TooLarge => Err(Status::resource_exhausted(format!(
                "the message has {} bytes, and the limit is {} bytes (runtime.grpc.max_message)",
                self.length(),
                self.limit()
            ))),
            Reason::Refused(failure) => {
                let request_id = self.scanner.envelope().request_id;
                lock(&self.admission).refused = Some((failure, request_id));
                Ok(Bytes::from_static(EMPTY))
            }
        }
    }
}

impl http_body::Body for CallBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        loop {
            match std::mem::replace(&mut this.state, State::Ended) {
                State::Passing(mut kept) => {
                    let bytes = kept.pop_front();
                    this.state = State::Passing(kept);
                    return match bytes {
                        Some(bytes) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
                        None => Pin::new(&mut this.inner).poll_frame(context),
                    };
                }
                State::Waiting(kept, mut reserving) => match reserving.as_mut().poll(context) {
                    Poll::Pending => {
                        this.state = State::Waiting(kept, reserving);
                        return Poll::Pending;
                    }
                    Poll::Ready(Ok(room)) => {
                        let mut admission = lock(&this.admission);
                        admission.room = room;
                        admission.since = this.terms.since;
                        drop(admission);
                        this.state = State::Passing(kept);
                    }
                    Poll::Ready(Err(failure)) => {
                        this.state = State::Dropping(Reason::Refused(failure));
                    }
                },
                State::Head(kept) => {
                    this.state = State::Head(kept);
                    if let Some(frame) = ready!(this.poll_head(context)) {
                        return Poll::Ready(Some(frame));
                    }
                }
                State::Dropping(reason) => {
                    this.state = State::Dropping(reason);
                    return this.poll_dropping(context).map(Some);
                }
                State::Ended => return Poll::Ready(None),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.state {
            State::Passing(kept) => kept.is_empty() && self.inner.is_end_stream(),
            State::Ended => true,
            State::Head(_) | State::Waiting(..) | State::Dropping(_) => false,
        }
    }
}

impl CallBody {
    /// Reads more of the head. Ready with what is passed on at once, if anything is.
    fn poll_head(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(context));
        let State::Head(mut kept) = std::mem::replace(&mut self.state, State::Ended) else {
            return Poll::Ready(None);
        };
        let bytes = match frame.map(|frame| frame.map(Frame::into_data)) {
            Some(Ok(Ok(bytes))) => bytes,
            // The message is incomplete, which gRPC's server tells.
            Some(Ok(Err(_))) | None => {
                self.state = State::Passing(kept);
                return Poll::Ready(None);
            }
            Some(Err(status)) => return Poll::Ready(Some(Err(status))),
        };
        self.scan(&bytes);
        // Most messages are whole and small, and are not kept.
        if kept.is_empty() && self.received >= PREFIX && self.length() + PREFIX <= SMALL {
            self.state = State::Passing(kept);
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        kept.push_back(bytes);
        self.state = self.next(kept);
        Poll::Ready(None)
    }

    /// Reads and drops, and is ready with what the caller is told.
    fn poll_dropping(&mut self, context: &mut Context<'_>) -> Poll<Result<Frame<Bytes>, Status>> {
        let most = self.limit().saturating_mul(MAX_READ);
        // The length may be a lie: who claims that much is told at once.
        let mut is_over = self.length() > most;
        loop {
            if !is_over {
                let frame = ready!(Pin::new(&mut self.inner).poll_frame(context));
                is_over = match frame {
                    Some(Ok(frame)) => {
                        if let Some(bytes) = frame.data_ref() {
                            self.received += bytes.len();
                            self.scanner.feed(bytes);
                        }
                        self.received > most
                    }
                    Some(Err(_)) | None => true,
                };
            }
            if is_over
                && let State::Dropping(reason) = std::mem::replace(&mut self.state, State::Ended)
            {
                return Poll::Ready(self.refuse(reason).map(Frame::data));
            }
        }
    }
}
