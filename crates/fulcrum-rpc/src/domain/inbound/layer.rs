//! Filters the streams of domains, and limits the messages of callers.

use std::task::{Context, Poll};

use http::Request;
use tonic::body::Body;
use tower::{Layer, Service};

use super::body::InboundBody;
use super::call_body::CallBody;
use super::collector::Encoding;
use super::filter::MessageFilter;

/// The method whose messages are filtered.
const STREAM: &str = "/framework.FrameworkService/DomainCommunication";

/// The methods whose request is one message.
const CALLS: [&str; 2] = [
    "/framework.FrameworkService/SendMessage",
    "/framework.FrameworkService/SendMessageStream",
];

/// Filters the messages of domains' streams, and refuses calls that are too large.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InboundLayer {
    /// The most bytes of a message.
    pub(crate) max_message: usize,
}

impl<S> Layer<S> for InboundLayer {
    type Service = InboundService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        InboundService {
            inner,
            max_message: self.max_message,
        }
    }
}

/// See [`InboundLayer`].
#[derive(Clone, Debug)]
pub(crate) struct InboundService<S> {
    inner: S,
    max_message: usize,
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
        if CALLS.contains(&path) {
            let limit = self.max_message;
            let request = request.map(|body| Body::new(CallBody::new(body, limit)));
            return self.inner.call(request);
        }
        if path != STREAM {
            return self.inner.call(request);
        }
        let (mut head, body) = request.into_parts();
        // The messages are passed on without compression.
        let encoding = head.headers.remove("grpc-encoding");
        let encoding = Encoding::parse(encoding.as_ref().map(http::HeaderValue::as_bytes));
        let filter = MessageFilter::new(self.max_message, encoding);
        let body = Body::new(InboundBody::new(body, filter));
        self.inner.call(Request::from_parts(head, body))
    }
}
