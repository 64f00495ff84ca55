//! The health endpoints: whether the instance lives, whether it is ready, and who is not.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Serialize;

/// Says who is ready.
pub trait HealthSource: Send + Sync + 'static {
    /// The health of this moment.
    fn health(&self) -> Health;
}

/// The health of an instance at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Health {
    /// Its version.
    pub version: &'static str,
    /// Whether it is being shut down; then it is not ready.
    pub shutting_down: bool,
    /// Its domains, in the order in which they are listed.
    pub domains: Vec<DomainHealth>,
}

/// The health of one domain at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct DomainHealth {
    /// Its name.
    pub domain: String,
    /// Whether it takes work. A job is ready once it has completed.
    pub ready: bool,
    /// Whether the instance is ready only if it is.
    pub required: bool,
    /// Its phase.
    pub phase: &'static str,
    /// Why it is in this phase.
    pub reason: String,
}

impl Health {
    /// Whether every required domain is ready and no shutdown was requested.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        !self.shutting_down && self.missing().next().is_none()
    }

    /// The required domains that are not ready.
    fn missing(&self) -> impl Iterator<Item = &DomainHealth> {
        let domains = self.domains.iter();
        domains.filter(|domain| domain.required && !domain.ready)
    }
}

/// The body of `/livez`.
#[derive(Serialize)]
struct LiveJson {
    live: bool,
    version: &'static str,
}

/// The body of `/readyz`.
#[derive(Serialize)]
struct ReadyJson<'a> {
    ready: bool,
    shutting_down: bool,
    not_ready: Vec<&'a DomainHealth>,
    /// The number of domains that are required.
    required: usize,
}

/// The body for a name that no domain has.
#[derive(Serialize)]
struct UnknownJson<'a> {
    error: String,
    domains: Vec<&'a str>,
}

type Source = Arc<dyn HealthSource>;

/// The routes of the health endpoints.
pub(super) fn routes(source: Source) -> Router {
    Router::new()
        .route("/livez", get(live))
        .route("/readyz", get(ready))
        .route("/readyz/{domain}", get(domain_ready))
        .with_state(source)
}

async fn live(State(source): State<Source>) -> Response {
    let version = source.health().version;
    let live = true;
    json(StatusCode::OK, &LiveJson { live, version })
}

async fn ready(State(source): State<Source>) -> Response {
    let health = source.health();
    let ready = health.is_ready();
    let required = health.domains.iter().filter(|domain| domain.required);
    let body = ReadyJson {
        ready,
        shutting_down: health.shutting_down,
        not_ready: health.missing().collect(),
        required: required.count(),
    };
    json(status(ready), &body)
}

async fn domain_ready(State(source): State<Source>, Path(name): Path<String>) -> Response {
    let health = source.health();
    let found = health.domains.iter().find(|domain| domain.domain == name);
    match found {
        Some(domain) => json(status(domain.ready), domain),
        None => {
            let domains = health.domains.iter();
            let body = UnknownJson {
                error: format!("unknown domain {name:?}"),
                domains: domains.map(|domain| domain.domain.as_str()).collect(),
            };
            json(StatusCode::NOT_FOUND, &body)
        }
    }
}

fn status(ready: bool) -> StatusCode {
    match ready {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    }
}

fn json(status: StatusCode, body: &impl Serialize) -> Response {
    // Plain structs of texts and flags.
    let mut text = serde_json::to_string_pretty(body).unwrap_or_default();
    text.push('\n');
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (status, headers, text).into_response()
}
