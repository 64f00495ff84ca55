//! Transitions of one domain, by the driver over processes that exist in name only.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use fulcrum_spawn::StartError;
use fulcrum_spawn::lifecycle::{
    Command, ExitReport, Fact, GenerationEnd, Phase, RestartPolicy, StopSignal, Timing, Verdict,
};
use fulcrum_spawn::supervisor::{
    Backend, DomainManager, DomainSpec, FactSender, Outcome, ProcessGroup,
};
use rustix::process::Signal;
use tokio::sync::mpsc;

/// Those of one restart: running, stopping, waiting, preparing, starting, running.
const TRANSITIONS_A_RESTART: u32 = 5;

/// Is ready as soon as it is started, and ends as soon as it is signaled.
struct NamedBackend;

impl Backend for NamedBackend {
    type LaunchPlan = ();

    fn prepare(&mut self, _: u64) -> impl Future<Output = Result<(), StartError>> + Send + 'static {
        std::future::ready(Ok(()))
    }

    async fn spawn(
        &mut self,
        (): (),
        facts: FactSender,
    ) -> Result<Arc<dyn ProcessGroup>, StartError> {
        facts.report(Fact::Ready);
        Ok(Arc::new(NamedGroup(facts)))
    }
}

struct NamedGroup(FactSender);

impl ProcessGroup for NamedGroup {
    fn pid(&self) -> u32 {
        4242
    }

    fn signal(&self, _: StopSignal) {
        let exit = ExitReport {
            code: Some(0),
            signal: None,
        };
        self.0.report(Fact::Exited(exit));
        self.0.report(Fact::GroupEmpty);
    }

    fn send(&self, _: Signal, _: bool) {}
}

struct Never;

impl RestartPolicy for Never {
    fn decide(&mut self, _: &GenerationEnd, _: Instant) -> Verdict {
        Verdict::Stay
    }

    fn on_stable(&mut self) {}

    fn reset(&mut self) {}

    fn stable_after(&self) -> Duration {
        Duration::from_secs(10)
    }
}

/// Restarts a domain `restarts` times.
pub(super) async fn transitions(restarts: u32) -> anyhow::Result<()> {
    let (sender, mut transitions) = mpsc::unbounded_channel();
    let mut manager = DomainManager::new(sender);
    manager.add(vec![DomainSpec {
        name: "users".to_owned(),
        dependencies: BTreeMap::new(),
        timing: Timing {
            start_timeout: Duration::from_secs(5),
            time_limit: None,
            stop_grace: Duration::from_secs(2),
            kill_wait: Duration::from_secs(5),
        },
        policy: Box::new(Never),
        backend: NamedBackend,
    }]);
    let supervisor = manager.supervisor();
    supervisor.start(["users"]).await;
    while transitions.recv().await.context("the driver ended")?.to != Phase::Running {}
    let domain = supervisor.domain("users").context("it was added")?;
    for restart in 0..restarts {
        let ticket = domain.request(Command::Restart).await;
        let ticket = ticket.map_err(|rejected| anyhow::anyhow!(rejected.0))?;
        ensure!(
            matches!(ticket.outcome().await, Outcome::Done(_)),
            "restart {restart} failed"
        );
        let mut seen = 0;
        while transitions.try_recv().is_ok() {
            seen += 1;
        }
        ensure!(
            seen == TRANSITIONS_A_RESTART,
            "a restart has {seen} transitions, {TRANSITIONS_A_RESTART} were counted on"
        );
    }
    supervisor.shutdown().await;
    Ok(())
}
