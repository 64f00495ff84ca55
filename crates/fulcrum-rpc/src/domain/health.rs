//! The service `grpc.health.v1` for the app and its domains.

use std::collections::BTreeMap;
use std::pin::Pin;

use tokio::sync::watch;
use tokio_stream::wrappers::WatchStream;
use tokio_stream::{Stream, StreamExt};
use tonic::{Request, Response, Status, async_trait};

use crate::health::health_check_response::ServingStatus;
use crate::health::health_server::Health;
use crate::health::{
    HealthCheckRequest, HealthCheckResponse, HealthListRequest, HealthListResponse,
};

/// The service that tells whether Fulcrum itself works, whatever its domains do.
const FULCRUM: &str = "fulcrum";

/// The service of a domain has this prefix and the domain's name.
const DOMAIN_PREFIX: &str = "domain.";

#[derive(Clone, Default)]
struct HealthState {
    serving: BTreeMap<String, bool>,
    /// The server shuts down: watches end.
    closed: bool,
}

impl HealthState {
    fn status(&self, service: &str) -> Option<ServingStatus> {
        self.serving.get(service).map(|serving| match serving {
            true => ServingStatus::Serving,
            false => ServingStatus::NotServing,
        })
    }
}

/// The status of all services.
///
/// Unlike the reporter of `tonic-health`, it is set without waiting, so that the order of the
/// changes is kept under the registry's lock. A watch of an unknown service starts with
/// `SERVICE_UNKNOWN` and stays open, as the protocol requires.
pub(crate) struct HealthReporter {
    state: watch::Sender<HealthState>,
}

impl HealthReporter {
    /// A reporter with Fulcrum as serving, the app as not serving and no known domain.
    pub(crate) fn new() -> Self {
        let mut state = HealthState::default();
        state.serving.insert(String::new(), false);
        state.serving.insert(FULCRUM.to_owned(), true);
        Self {
            state: watch::Sender::new(state),
        }
    }

    pub(crate) fn set(&self, domain: Option<&str>, serving: bool) {
        self.state.send_if_modified(|state| {
            state.serving.insert(service(domain), serving) != Some(serving)
        });
    }

    /// Makes a domain known, as not serving unless it is known already.
    pub(crate) fn add(&self, domain: &str) {
        let service = service(Some(domain));
        self.state
            .send_if_modified(|state| match state.serving.contains_key(&service) {
                true => false,
                false => state.serving.insert(service, false).is_none(),
            });
    }

    /// The names of the known domains.
    pub(crate) fn domains(&self) -> Vec<String> {
        let state = self.state.borrow();
        let services = state.serving.keys();
        let names = services.filter_map(|service| service.strip_prefix(DOMAIN_PREFIX));
        names.map(str::to_owned).collect()
    }

    pub(crate) fn remove(&self, domain: &str) {
        self.state
            .send_if_modified(|state| state.serving.remove(&service(Some(domain))).is_some());
    }

    /// Sets all services to not serving and ends all watches.
    pub(crate) fn close(&self) {
        self.state.send_modify(|state| {
            state
                .serving
                .values_mut()
                .for_each(|serving| *serving = false);
            state.closed = true;
        });
    }

    /// The gRPC service that reports these statuses.
    pub(crate) fn service(&self) -> HealthService {
        HealthService {
            state: self.state.subscribe(),
        }
    }
}

fn service(domain: Option<&str>) -> String {
    domain.map_or_else(String::new, |name| format!("{DOMAIN_PREFIX}{name}"))
}

/// `grpc.health.v1.Health` over the status of all services.
pub(crate) struct HealthService {
    state: watch::Receiver<HealthState>,
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
        let status = self.state.borrow().status(&service);
        match status {
            Some(status) => Ok(Response::new(response(status))),
            None => Err(Status::not_found(
                "unknown service: use \"\" for the app, \"domain.NAME\" for a domain or \"fulcrum\" for Fulcrum itself",
            )),
        }
    }

    async fn list(
        &self,
        _: Request<HealthListRequest>,
    ) -> Result<Response<HealthListResponse>, Status> {
        let state = self.state.borrow();
        let statuses = state.serving.keys().filter_map(|service| {
            let status = state.status(service)?;
            Some((service.clone(), response(status)))
        });
        Ok(Response::new(HealthListResponse {
            statuses: statuses.collect(),
        }))
    }

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let service = request.into_inner().service;
        let mut last = None;
        let changes = WatchStream::new(self.state.clone())
            .take_while(|state| !state.closed)
            .filter_map(move |state| {
                let status = state
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

    async fn check(reporter: &HealthReporter, service: &str) -> Option<ServingStatus> {
        let request = HealthCheckRequest {
            service: service.into(),
        };
        let response = reporter.service().check(Request::new(request)).await.ok()?;
        Some(response.into_inner().status())
    }

    #[tokio::test]
    async fn the_app_and_each_domain_have_a_service() {
        let reporter = HealthReporter::new();
        assert_eq!(check(&reporter, "").await, Some(ServingStatus::NotServing));
        assert_eq!(check(&reporter, "domain.users").await, None);
        reporter.set(None, true);
        reporter.set(Some("users"), true);
        assert_eq!(check(&reporter, "").await, Some(ServingStatus::Serving));
        assert_eq!(
            check(&reporter, "domain.users").await,
            Some(ServingStatus::Serving)
        );
        reporter.remove("users");
        assert_eq!(check(&reporter, "domain.users").await, None);
    }

    #[tokio::test]
    async fn fulcrum_serves_from_the_start_and_a_known_domain_does_not_yet() {
        let reporter = HealthReporter::new();
        reporter.add("users");
        let list = async || {
            let request = Request::new(HealthListRequest {});
            let list = reporter.service().list(request).await.expect("a list");
            let statuses = list.into_inner().statuses.into_iter();
            let statuses = statuses.map(|(service, status)| (service, status.status()));
            statuses.collect::<BTreeMap<_, _>>()
        };
        let expected = |fulcrum, users| {
            BTreeMap::from([
                (String::new(), ServingStatus::NotServing),
                ("domain.users".to_owned(), users),
                ("fulcrum".to_owned(), fulcrum),
            ])
        };
        let (serving, not_serving) = (ServingStatus::Serving, ServingStatus::NotServing);
        assert_eq!(list().await, expected(serving, not_serving));
        reporter.set(Some("users"), true);
        reporter.add("users");
        assert_eq!(list().await, expected(serving, serving));
        reporter.close();
        assert_eq!(list().await, expected(not_serving, not_serving));
    }

    #[tokio::test]
    async fn a_watch_reports_changes_of_its_service_and_ends_with_the_server() {
        let reporter = HealthReporter::new();
        let request = HealthCheckRequest {
            service: "domain.users".into(),
        };
        let mut watch = reporter
            .service()
            .watch(Request::new(request))
            .await
            .expect("watching")
            .into_inner();
        let mut next = async || Some(watch.next().await?.expect("no error").status());
        assert_eq!(next().await, Some(ServingStatus::ServiceUnknown));
        reporter.set(Some("users"), true);
        assert_eq!(next().await, Some(ServingStatus::Serving));
        reporter.set(Some("orders"), true);
        reporter.set(Some("users"), false);
        assert_eq!(next().await, Some(ServingStatus::NotServing));
        reporter.close();
        assert_eq!(next().await, None);
    }
}
