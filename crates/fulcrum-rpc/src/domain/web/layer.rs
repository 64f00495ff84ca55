//! Serves gRPC-Web and Connect beside gRPC, and decides which pages may call domains.

use std::pin::Pin;
use std::task::{Context, Poll};

use http::header::{CONNECTION, CONTENT_TYPE, ORIGIN, UPGRADE};
use http::{HeaderValue, Request, Response, StatusCode};
use tonic::Status;
use tonic::body::Body;
use tonic_web::GrpcWebLayer;
use tower::{Layer, Service};

use super::connect;
use super::connect_error::error_response;
use super::cors;
use super::request_kind::RequestKind;
use crate::domain::registration::truncate;
use crate::domain::registry::Registry;
use crate::transport::{RateLimitedLog, UPGRADE_SENTENCE};

/// Serves gRPC-Web and Connect in front of gRPC's server.
#[derive(Clone)]
pub(crate) struct WebLayer {
    registry: Registry,
    log: RateLimitedLog,
}

impl WebLayer {
    pub(crate) fn new(registry: Registry) -> Self {
        let log = RateLimitedLog::new("the gRPC port");
        Self { registry, log }
    }
}

impl<S> Layer<S> for WebLayer {
    type Service = WebService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        WebService {
            inner,
            web: self.clone(),
        }
    }
}

/// See [`WebLayer`].
#[derive(Clone)]
pub(crate) struct WebService<S> {
    inner: S,
    web: WebLayer,
}

impl<S> Service<Request<Body>> for WebService<S>
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + 'static,
    S::Error: Send + 'static,
    S::Future: Unpin + Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, S::Error>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let kind = RequestKind::of(&request);
        if kind == RequestKind::Grpc {
            return ResponseFuture::Grpc(self.inner.call(request));
        }
        let origin = request.headers().get(ORIGIN).cloned();
        let refused = origin.as_ref().and_then(|origin| self.web.refuse(origin));
        match (kind, refused) {
            (RequestKind::Other, _) => ready(upgrade_required()),
            (_, Some(response)) => ready(response),
            (RequestKind::Preflight, None) => {
                let response = cors::preflight(request.headers());
                ready(permitted(response, origin.as_ref()))
            }
            (RequestKind::Connect(codec), None) => {
                let registry = self.web.registry.clone();
                ResponseFuture::Web(Box::pin(async move {
                    let response = connect::respond(registry, codec, request).await;
                    Ok(permitted(response, origin.as_ref()))
                }))
            }
            (RequestKind::GrpcWeb | RequestKind::Grpc, None) => {
                // The service that is ready is used up.
                let next = self.inner.clone();
                let inner = std::mem::replace(&mut self.inner, next);
                let response = GrpcWebLayer::new().layer(inner).call(request);
                ResponseFuture::Web(Box::pin(async move {
                    Ok(permitted(response.await?, origin.as_ref()))
                }))
            }
        }
    }
}

fn ready<F, E>(response: Response<Body>) -> ResponseFuture<F, E>
where
    E: Send + 'static,
{
    ResponseFuture::Web(Box::pin(std::future::ready(Ok(response))))
}

impl WebLayer {
    /// The response to a page whose origin is not permitted.
    fn refuse(&self, origin: &HeaderValue) -> Option<Response<Body>> {
        // What is not text is no origin, and not permitted.
        let text = origin.to_str().unwrap_or_default();
        if self.registry.config().web_origins.allow(text) {
            return None;
        }
        let text = format!(
            "a page of origin {:?} may not call domains: its origin is not in runtime.grpc.web_origins",
            truncate(text)
        );
        self.log.refused(&text);
        Some(error_response(&Status::permission_denied(text)))
    }
}

fn permitted(mut response: Response<Body>, origin: Option<&HeaderValue>) -> Response<Body> {
    if let Some(origin) = origin {
        cors::permit(response.headers_mut(), origin);
    }
    response
}

/// The response to what this port does not serve over HTTP/1.
fn upgrade_required() -> Response<Body> {
    let mut response = Response::new(Body::new(UPGRADE_SENTENCE.to_owned()));
    *response.status_mut() = StatusCode::UPGRADE_REQUIRED;
    let headers = response.headers_mut();
    headers.insert(UPGRADE, HeaderValue::from_static("h2c"));
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade, close"));
    let text = HeaderValue::from_static("text/plain; charset=utf-8");
    headers.insert(CONTENT_TYPE, text);
    response
}

type BoxFuture<E> = Pin<Box<dyn Future<Output = Result<Response<Body>, E>> + Send>>;

/// The response of gRPC's server as it is, or one of the others.
pub(crate) enum ResponseFuture<F, E> {
    Grpc(F),
    Web(BoxFuture<E>),
}

impl<F, E> Future for ResponseFuture<F, E>
where
    F: Future<Output = Result<Response<Body>, E>> + Unpin,
{
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        match &mut *self {
            Self::Grpc(response) => Pin::new(response).poll(context),
            Self::Web(response) => response.as_mut().poll(context),
        }
    }
}
