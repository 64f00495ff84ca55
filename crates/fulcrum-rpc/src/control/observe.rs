//! Tells the handler of each request that has ended: a stream with its last message.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::SystemTime;

use http::{HeaderMap, Request, Response};
use http_body::{Frame, SizeHint};
use tokio::time::Instant;
use tokio_util::bytes::Bytes;
use tonic::Status;
use tonic::body::Body;
use tower::{Layer, Service};

use super::finished_request::FinishedRequest;
use super::handler::ControlHandler;

/// Adds the observation to a server.
pub(super) struct ObserveLayer<H> {
    pub(super) handler: Arc<H>,
}

impl<H> Clone for ObserveLayer<H> {
    fn clone(&self) -> Self {
        Self {
            handler: Arc::clone(&self.handler),
        }
    }
}

impl<S, H> Layer<S> for ObserveLayer<H> {
    type Service = ObserveService<S, H>;

    fn layer(&self, inner: S) -> Self::Service {
        ObserveService {
            inner,
            handler: Arc::clone(&self.handler),
        }
    }
}

/// See [`ObserveLayer`].
pub(super) struct ObserveService<S, H> {
    inner: S,
    handler: Arc<H>,
}

impl<S: Clone, H> Clone for ObserveService<S, H> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            handler: Arc::clone(&self.handler),
        }
    }
}

type ResponseFuture<E> = Pin<Box<dyn Future<Output = Result<Response<Body>, E>> + Send>>;

impl<S, H> Service<Request<Body>> for ObserveService<S, H>
where
    S: Service<Request<Body>, Response = Response<Body>>,
    S::Future: Send + 'static,
    H: ControlHandler,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Error>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let traceparent = request.headers().get("traceparent");
        let traceparent = traceparent.and_then(|value| value.to_str().ok());
        #[expect(
            clippy::disallowed_methods,
            reason = "spans have the time of the wall clock"
        )]
        let started = SystemTime::now();
        let mut observed = Observed {
            handler: Arc::clone(&self.handler),
            method: request.uri().path().trim_start_matches('/').to_owned(),
            traceparent: traceparent.unwrap_or_default().to_owned(),
            started,
            begun: Instant::now(),
            status: None,
        };
        let responding = self.inner.call(request);
        Box::pin(async move {
            let response = responding.await?;
            observed.note_status(response.headers());
            Ok(response.map(|body| Body::new(ObservedBody { body, observed })))
        })
    }
}

/// A request that goes on. Its end is when this is dropped.
struct Observed<H: ControlHandler> {
    handler: Arc<H>,
    method: String,
    traceparent: String,
    started: SystemTime,
    begun: Instant,
    status: Option<i32>,
}

impl<H: ControlHandler> Observed<H> {
    fn note_status(&mut self, headers: &HeaderMap) {
        let status = headers.get("grpc-status");
        let status = status.and_then(|status| status.to_str().ok()?.parse().ok());
        self.status = status.or(self.status);
    }
}

impl<H: ControlHandler> Drop for Observed<H> {
    fn drop(&mut self) {
        self.handler.observe(&FinishedRequest {
            method: &self.method,
            traceparent: &self.traceparent,
            started: self.started,
            duration: self.begun.elapsed(),
            status: self.status,
        });
    }
}

struct ObservedBody<H: ControlHandler> {
    body: Body,
    observed: Observed<H>,
}

impl<H: ControlHandler> http_body::Body for ObservedBody<H> {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(trailers) = frame.trailers_ref()
        {
            self.observed.note_status(trailers);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
