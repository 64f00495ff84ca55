//! Filters the streams of domains, and limits the messages of callers.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, request};
use tokio::time::Instant;
use tonic::body::Body;
use tower::{Layer, Service};

use super::body::InboundBody;
use super::call_body::{CallBody, SharedAdmission};
use super::collector::Encoding;
use super::filter::MessageFilter;
use crate::domain::caller_deadline::CallerDeadline;
use crate::domain::calls::CallerTerms;
use crate::domain::capabilities::WAIT_METADATA;
use crate::domain::registry::Registry;

/// The method whose messages are filtered.
const STREAM: &str = "/framework.FrameworkService/DomainCommunication";

/// The methods whose request is one message.
const CALLS: [&str; 2] = [
    "/framework.FrameworkService/SendMessage",
    "/framework.FrameworkService/SendMessageStream",
];

/// Filters the messages of domains' streams, and receives those of callers when there is room.
#[derive(Clone)]
pub(crate) struct InboundLayer {
    registry: Registry,
}

impl InboundLayer {
    pub(crate) fn new(registry: Registry) -> Self {
        Self { registry }
    }
}

impl<S> Layer<S> for InboundLayer {
    type Service = InboundService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        InboundService {
            inner,
            registry: self.registry.clone(),
        }
    }
}

/// See [`InboundLayer`].
#[derive(Clone)]
pub(crate) struct InboundService<S> {
    inner: S,
    registry: Registry,
}

impl<S: Service<Request<Body>>> Service<Request<Body>> for InboundService<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> S::Future {
        let path = request.uri().path();
        let is_call = CALLS.contains(&path);
        if !is_call && path != STREAM {
            return self.inner.call(request);
        }
        let (mut head, body) = request.into_parts();
        if is_call {
            let admission = SharedAdmission::default();
            let terms = terms(&head);
            head.extensions.insert(Arc::clone(&admission));
            let body = CallBody::new(body, self.registry.clone(), terms, admission);
            return self.inner.call(Request::from_parts(head, Body::new(body)));
        }
        // The messages are passed on without compression.
        let encoding = head.headers.remove("grpc-encoding");
        let encoding = Encoding::parse(encoding.as_ref().map(http::HeaderValue::as_bytes));
        let filter = MessageFilter::new(self.registry.config().max_message, encoding);
        let body = Body::new(InboundBody::new(body, filter));
        self.inner.call(Request::from_parts(head, body))
    }
}

/// How the caller wants to be served.
fn terms(head: &request::Parts) -> CallerTerms {
    let wait = head.headers.get(WAIT_METADATA);
    CallerTerms {
        deadline: head.extensions.get::<CallerDeadline>().copied(),
        wait: wait.is_none_or(|wait| wait.as_bytes() != b"false"),
        since: Some(Instant::now()),
    }
}
