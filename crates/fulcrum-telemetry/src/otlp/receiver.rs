//! The receiver's port. It may be busy or be sent rubbish without costing more than its bounds.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::Response;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::transport::Server;

use super::{grpc, http};
use crate::http::check_host;
use crate::telemetry::Telemetry;

/// Requests that are received at a time. Others wait.
const MAX_CONCURRENT: usize = 16;

/// How long one request may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// The receiver has ended, or cannot begin.
#[derive(Debug, thiserror::Error)]
#[error("the OTLP receiver failed")]
pub struct ReceiveError(#[from] tonic::transport::Error);

/// Receives OTLP on a listener until the shutdown begins.
///
/// # Errors
/// See [`ReceiveError`]. A failure of a single client is not an error.
pub async fn serve(
    listener: TcpListener,
    telemetry: Telemetry,
    shutdown: CancellationToken,
) -> Result<(), ReceiveError> {
    let permits = Arc::new(Semaphore::new(MAX_CONCURRENT));
    let mut routes = grpc::routes(&telemetry);
    let router = std::mem::take(routes.axum_router_mut());
    let router = router
        .merge(http::routes(&telemetry))
        .layer(middleware::from_fn_with_state(permits, wait_for_turn))
        .layer(middleware::from_fn(check_host));
    let incoming = TcpListenerStream::new(listener);
    Server::builder()
        .accept_http1(true)
        .timeout(REQUEST_TIMEOUT)
        .add_routes(Routes::from(router))
        .serve_with_incoming_shutdown(incoming, shutdown.cancelled_owned())
        .await?;
    Ok(())
}

/// Lets only so many requests be read at a time, since each may take as much memory as the largest.
async fn wait_for_turn(
    State(permits): State<Arc<Semaphore>>,
    request: Request,
    next: Next,
) -> Response {
    // It is never closed.
    let _permit = permits.acquire_owned().await;
    next.run(request).await
}
