//! The handle by which a program controls an instance.

use std::time::Duration;

use fulcrum_config::select;
use fulcrum_logs::{Capacity, Follower, Hub, LogQuery};
use fulcrum_rpc::{CallOptions, Registry};
use fulcrum_spawn::lifecycle::{Command, Phase};
use fulcrum_spawn::supervisor::{DomainHandle, Snapshot, Supervisor, WaitCondition};
use tokio::sync::mpsc;

use crate::control::wait::DomainWaiter;
use crate::error::{Error, ErrorKind};
use crate::events::log::EventLog;
use crate::events::stream::EventStream;
use crate::exit::left_down::has_failed_for_good;
use crate::outcome::wait_for_outcome;
use crate::reload::request::{ReloadHandle, ReloadResult, ReloadTrigger};
use crate::shutdown::stage::{ShutdownSignal, ShutdownStage};
use crate::state::desired::DesiredStateReceiver;

/// Controls a running instance. Clones are handles to the same instance.
#[derive(Clone)]
pub struct RuntimeHandle {
    pub(crate) desired: DesiredStateReceiver,
    pub(crate) supervisor: Supervisor,
    pub(crate) registry: Registry,
    pub(crate) waiter: DomainWaiter,
    pub(crate) reload: ReloadHandle,
    pub(crate) events: EventLog,
    pub(crate) hub: Hub,
    pub(crate) shutdown: ShutdownSignal,
}

/// A domain as it is at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DomainStatus {
    /// The domain's name.
    pub name: String,
    /// Its phase.
    pub phase: Phase,
    /// Whether it may receive requests.
    pub ready: bool,
    /// The process id of the leader, while its process group may be alive.
    pub pid: Option<u32>,
    /// The current or last generation; 0 before the first.
    pub generation: u64,
    /// How often it was restarted since it was last started by a request.
    pub restarts: u32,
    /// Why it is in this phase.
    pub reason: String,
}

impl DomainStatus {
    fn new(name: &str, snapshot: Snapshot) -> Self {
        Self {
            name: name.to_owned(),
            phase: snapshot.phase,
            ready: snapshot.ready,
            pid: snapshot.pid,
            generation: snapshot.generation,
            restarts: snapshot.restarts,
            reason: snapshot.reason,
        }
    }
}

impl RuntimeHandle {
    /// All domains with a process, in alphabetical order.
    #[must_use]
    pub fn domains(&self) -> Vec<DomainStatus> {
        let handles = self.supervisor.domains().into_iter();
        handles
            .map(|handle| DomainStatus::new(handle.name(), handle.snapshot()))
            .collect()
    }

    /// One domain. `None` if there is none of that name, or it has no process.
    #[must_use]
    pub fn domain(&self, name: &str) -> Option<DomainStatus> {
        let handle = self.supervisor.domain(name)?;
        Some(DomainStatus::new(name, handle.snapshot()))
    }

    /// Waits until all domains that the instance was started with are ready.
    ///
    /// # Errors
    /// A domain cannot become ready without a request ([`ErrorKind::DomainFailed`]).
    pub async fn wait_until_ready(&self) -> Result<(), Error> {
        let selected = self.desired.current().selected.clone();
        let result = self.waiter.wait_all(&selected, WaitCondition::Ready).await;
        result
            .map(drop)
            .map_err(|text| Error::new(ErrorKind::DomainFailed, text))
    }

    /// Waits until a domain has failed for good: it is started again only by a request, or by a change
    /// of its files, or it has failed again after as many restarts as its budget has, in whatever time.
    /// Returns the domain, of several the first in alphabetical order; `None` once the
    /// instance has ended.
    pub async fn first_failure(&self) -> Option<DomainStatus> {
        let mut events = self.events.subscribe();
        loop {
            if let Some(failed) = self.failures().into_iter().next() {
                return Some(failed);
            }
            events.next().await?;
        }
    }

    /// The domains that have failed for good, in alphabetical order.
    #[must_use]
    pub fn failures(&self) -> Vec<DomainStatus> {
        let handles = self.supervisor.domains().into_iter();
        let failed = handles.filter_map(|handle| {
            let (config, now) = (self.desired.domain(handle.name())?, handle.snapshot());
            has_failed_for_good(&config, &now).then(|| DomainStatus::new(handle.name(), now))
        });
        failed.collect()
    }

    /// The last lines of a domain, of all generations, oldest first.
    #[must_use]
    pub fn last_lines(&self, domain: &str, count: usize) -> Vec<String> {
        let query = LogQuery {
            tail: Some(count),
            ..LogQuery::domain(domain)
        };
        let lines = self.hub.tail(&query);
        lines.iter().map(|line| line.text().into_owned()).collect()
    }

    /// Starts a domain and waits until it is ready.
    ///
    /// # Errors
    /// There is no such domain ([`ErrorKind::UnknownDomain`]), it rejects the request, or it does
    /// not become ready ([`ErrorKind::DomainFailed`]).
    pub async fn start(&self, name: &str) -> Result<(), Error> {
        self.execute(name, Command::Start).await
    }

    /// Stops a domain and waits until its processes have exited.
    ///
    /// # Errors
    /// There is no such domain ([`ErrorKind::UnknownDomain`]), it rejects the request, or a process
    /// is still alive after SIGKILL ([`ErrorKind::DomainFailed`]).
    pub async fn stop(&self, name: &str) -> Result<(), Error> {
        self.execute(name, Command::Stop).await
    }

    /// Restarts a domain, and waits until it is ready.
    ///
    /// # Errors
    /// Those of [`Self::start`].
    pub async fn restart(&self, name: &str) -> Result<(), Error> {
        self.execute(name, Command::Restart).await
    }

    /// Sends a request to a domain and waits for its response. `payload` and the response are JSON.
    ///
    /// # Errors
    /// The domain is not registered, did not respond in time, or responded with an error.
    pub async fn call(
        &self,
        domain: &str,
        message_type: &str,
        payload: impl Into<String>,
        timeout: Duration,
    ) -> Result<String, Error> {
        let response = self
            .registry
            .call(
                domain,
                message_type,
                payload.into(),
                CallOptions::timeout(timeout),
            )
            .await;
        match response.success {
            true => Ok(response.payload),
            false => Err(Error::failed(response.error)),
        }
    }

    /// Loads the configuration again and applies what differs. Returns a description of what was
    /// done once all domains that are started for it are ready.
    ///
    /// # Errors
    /// The configuration is invalid, and nothing has changed ([`ErrorKind::ConfigInvalid`]); a
    /// domain failed ([`ErrorKind::DomainFailed`]); or the instance is shutting down.
    pub async fn reload(&self) -> Result<String, Error> {
        // Progress is logged; nothing here reads it.
        let (progress, _) = mpsc::channel(1);
        let trigger = ReloadTrigger::Request;
        match self.reload.reload(trigger, false, progress).await {
            ReloadResult::Done(text) => Ok(text),
            ReloadResult::Invalid(text) => Err(Error::new(ErrorKind::ConfigInvalid, text)),
            ReloadResult::DomainFailed(text) => Err(Error::new(ErrorKind::DomainFailed, text)),
            ReloadResult::Closing => Err(Error::failed("the instance is shutting down")),
        }
    }

    /// The events of all domains: those in memory, and then those that follow.
    #[must_use]
    pub fn events(&self) -> EventStream {
        self.events.subscribe()
    }

    /// The log lines that match a query: those in memory, and then those that follow.
    #[must_use]
    pub fn logs(&self, query: LogQuery) -> Follower {
        self.hub.subscribe(query, Capacity::default())
    }

    /// Requests a shutdown: domains are stopped in reverse start order, and
    /// [`Runtime::run`](crate::Runtime::run) returns.
    pub fn shutdown(&self) {
        self.shutdown.request(ShutdownStage::Stopping);
    }

    async fn execute(&self, name: &str, command: Command) -> Result<(), Error> {
        let handle = self.find(name)?;
        let failed = |text| Error::new(ErrorKind::DomainFailed, text);
        let ticket = handle
            .request(command)
            .await
            .map_err(|rejected| Error::failed(format!("{name}: {}", rejected.0)))?;
        let outcome = wait_for_outcome(&handle, command, ticket, |_| {}).await;
        outcome.map(drop).map_err(failed)
    }

    fn find(&self, name: &str) -> Result<DomainHandle, Error> {
        if let Some(handle) = self.supervisor.domain(name) {
            return Ok(handle);
        }
        let desired = self.desired.current();
        match select(&desired.app, &[name.to_owned()]) {
            Ok(_) => Err(Error::failed(format!("domain {name} has no entry point"))),
            Err(unknown) => {
                let text = unknown.message(&desired.app);
                Err(Error::new(ErrorKind::UnknownDomain, text))
            }
        }
    }
}
