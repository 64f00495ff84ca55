//! What `grpc.health.v1` says of the app and its domains.

use std::collections::BTreeMap;
use std::pin::Pin;

use tokio::sync::watch;
use tokio_stream::wrappers::WatchStream;
use tokio_stream::{Stream, StreamExt};
use tonic::{Request, Response, Status, async_trait};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_server::Health;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

/// The name of a domain's service is this and its own.
const DOMAIN_PREFIX: &str = "domain.";

#[derive(Clone, Default)]
struct HealthState {
    serving: BTreeMap<String, bool>,
    /// The server shuts down: watches end.
    over: bool,
}

impl HealthState {
    fn status(&self, service: &str) -> Option<ServingStatus> {
        self.serving.get(service).map(|serving| match serving {
            true => ServingStatus::Serving,
            false => ServingStatus::NotServing,
        })
    }
}

/// The state of all services. Unlike tonic-health's own reporter it can be set without
/// waiting, and a watch of an unknown service lasts until it is known, as gRPC asks.
pub(crate) struct HealthReporter {
    board: watch::Sender<HealthState>,
}

impl HealthReporter {
    /// A board on which the app isn't serving and no domain is known.
    pub(crate) fn new() -> Self {
        let mut board = HealthState::default();
        board.serving.insert(String::new(), false);
        Self {
            board: watch::Sender::new(board),
        }
    }

    pub(crate) fn set(&self, domain: Option<&str>, serving: bool) {
        self.board.send_if_modified(|board| {
            board.serving.insert(service(domain), serving) != Some(serving)
        });
    }

    pub(crate) fn forget(&self, domain: &str) {
        self.board
            .send_if_modified(|board| board.serving.remove(&service(Some(domain))).is_some());
    }

    pub(crate) fn close(&self) {
        self.board.send_modify(|board| {
            board
                .serving
                .values_mut()
                .for_each(|serving| *serving = false);
            board.over = true;
        });
    }

    /// The service that shows this board.
    pub(crate) fn service(&self) -> HealthService {
        HealthService {
            board: self.board.subscribe(),
        }
    }
}

fn service(domain: Option<&str>) -> String {
    domain.map_or_else(String::new, |name| format!("{DOMAIN_PREFIX}{name}"))
}

/// `grpc.health.v1.Health` over a board.
pub(crate) struct HealthService {
    board: watch::Receiver<HealthState>,
}

fn response(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse {
        status: status.into(),
    }
}

#[async_trait]
impl Health for HealthService {
    type WatchStream = Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send>>;

    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        let service = request.into_inner().service;
        let status = self.board.borrow().status(&service);
        match status {
            Some(status) => Ok(Response::new(response(status))),
            None => Err(Status::not_found(
                "no such service; there are \"\" for the app and \"domain.NAME\" for each domain",
            )),
        }
    }

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let service = request.into_inner().service;
        let mut last = None;
        let changes = WatchStream::new(self.board.clone())
            .take_while(|board| !board.over)
            .filter_map(move |board| {
                let status = board
                    .status(&service)
                    .unwrap_or(ServingStatus::ServiceUnknown);
                (last.replace(status) != Some(status)).then(|| Ok(response(status)))
            });
        Ok(Response::new(Box::pin(changes)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn check(board: &HealthReporter, service: &str) -> Option<ServingStatus> {
        let request = HealthCheckRequest {
            service: service.into(),
        };
        let response = board.service().check(Request::new(request)).await.ok()?;
        Some(response.into_inner().status())
    }

    #[tokio::test]
    async fn the_app_and_each_domain_have_a_service() {
        let board = HealthReporter::new();
        assert_eq!(check(&board, "").await, Some(ServingStatus::NotServing));
        assert_eq!(check(&board, "domain.users").await, None);
        board.set(None, true);
        board.set(Some("users"), true);
        assert_eq!(check(&board, "").await, Some(ServingStatus::Serving));
        assert_eq!(
            check(&board, "domain.users").await,
            Some(ServingStatus::Serving)
        );
        board.forget("users");
        assert_eq!(check(&board, "domain.users").await, None);
    }

    #[tokio::test]
    async fn a_watch_tells_changes_of_its_service_only_and_ends_with_the_server() {
        let board = HealthReporter::new();
        let request = HealthCheckRequest {
            service: "domain.users".into(),
        };
        let mut watch = board
            .service()
            .watch(Request::new(request))
            .await
            .expect("watching")
            .into_inner();
        let mut next = async || Some(watch.next().await?.expect("no error").status());
        assert_eq!(next().await, Some(ServingStatus::ServiceUnknown));
        board.set(Some("users"), true);
        assert_eq!(next().await, Some(ServingStatus::Serving));
        board.set(Some("orders"), true);
        board.set(Some("users"), false);
        assert_eq!(next().await, Some(ServingStatus::NotServing));
        board.close();
        assert_eq!(next().await, None);
    }
}
