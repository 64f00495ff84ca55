//! The endpoints of the listener.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::time::Instant;

use super::health::{self, HealthSource};
use crate::metrics::{MetricSource, Metrics, TextFormat};

/// What `GET /` says.
const INDEX: &str = "Fulcrum\n\n\
    /metrics      metrics, in OpenMetrics if the request accepts it\n\
    /livez        200 while the instance runs\n\
    /readyz       200 if every selected domain is ready\n\
    /readyz/NAME  200 if this domain is ready\n";

#[derive(Clone)]
struct MetricState {
    metrics: Metrics,
    source: Arc<dyn MetricSource>,
}

/// The router of the health endpoints and of `/metrics`. Others may be merged into it.
pub fn router<S>(source: Arc<S>, metrics: Metrics) -> Router
where
    S: HealthSource + MetricSource,
{
    let state = MetricState {
        metrics,
        source: Arc::clone(&source) as Arc<dyn MetricSource>,
    };
    Router::new()
        .route("/", get(|| async { INDEX }))
        .route("/metrics", get(metrics_text))
        .with_state(state)
        .merge(health::routes(source))
}

async fn metrics_text(State(state): State<MetricState>, headers: HeaderMap) -> Response {
    let accept = headers.get(header::ACCEPT);
    let format = TextFormat::accepted(accept.and_then(|accept| accept.to_str().ok()));
    let snapshot = state.source.snapshot().await;
    let text = state
        .metrics
        .encode(snapshot, format, Instant::now().into_std());
    ([(header::CONTENT_TYPE, format.content_type())], text).into_response()
}
