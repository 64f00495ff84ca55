//! Runs two programs under a restart policy: `worker` depends on `database` and crashes.
//!
//! Prints each transition, stops both when the policy gives up, and exits:
//! `cargo run -p fulcrum-spawn --example restart_policy --no-default-features`.

use rustix::process::Signal;
use std::collections::BTreeMap;
use std::error::Error;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use fulcrum_spawn::lifecycle::{
    Fact, GenerationEnd, Phase, RestartPolicy, StopSignal, Timing, Verdict,
};
use fulcrum_spawn::process::{Process, ProcessTracker, Spawner};
use fulcrum_spawn::supervisor::{
    Backend, Condition, DomainManager, DomainSpec, FactSender, ProcessGroup,
};
use fulcrum_spawn::{CommandSpec, StartError, signal_number};
use tokio::sync::mpsc;

/// The variable whose value distinguishes the processes of each generation.
const TOKEN_VAR: &str = "EXAMPLE_TOKEN";

/// Starts a shell script for each generation.
struct ShellBackend {
    name: &'static str,
    script: &'static str,
    spawner: Spawner,
}

impl Backend for ShellBackend {
    type LaunchPlan = CommandSpec;

    fn prepare(
        &mut self,
        generation: u64,
    ) -> impl Future<Output = Result<CommandSpec, StartError>> + Send + 'static {
        let spec = CommandSpec {
            terminal: None,
            program: "/bin/sh".into(),
            args: vec!["-c".into(), self.script.into()],
            cwd: "/".into(),
            env: BTreeMap::from([(
                TOKEN_VAR.into(),
                format!("{}.{generation}", self.name).into(),
            )]),
            runner: "sh".to_owned(),
        };
        async move { Ok(spec) }
    }

    async fn spawn(
        &mut self,
        spec: CommandSpec,
        facts: FactSender,
    ) -> Result<Arc<dyn ProcessGroup>, StartError> {
        let label = format!("{}.{}", self.name, facts.generation());
        let process = Arc::new(self.spawner.spawn(spec, label).await?);
        let watched = Arc::clone(&process);
        tokio::spawn(async move {
            // These programs have no readiness check: they are ready once they run.
            facts.report(Fact::Ready);
            facts.report(Fact::Exited(watched.exited().await));
            watched.group_empty().await;
            facts.report(Fact::GroupEmpty);
        });
        Ok(Arc::new(Group(process)))
    }
}

/// A process tree that the supervisor can signal.
struct Group(Arc<Process>);

impl ProcessGroup for Group {
    fn pid(&self) -> u32 {
        self.0.pid()
    }

    fn send(&self, signal: Signal, to_all: bool) {
        if to_all {
            self.0.signal(signal);
        } else {
            self.0.signal_program(signal);
        }
    }

    fn signal(&self, signal: StopSignal) {
        let name = match signal {
            StopSignal::Terminate | StopSignal::TerminateRest => "SIGTERM",
            StopSignal::Kill => "SIGKILL",
        };
        if let Some(signal) = signal_number(name) {
            self.0.signal(signal);
        }
    }
}

/// Restarts with doubled delays, three times.
#[derive(Default)]
struct ThreeRestarts {
    failures: u32,
}

impl RestartPolicy for ThreeRestarts {
    fn decide(&mut self, _end: &GenerationEnd, _now: Instant) -> Verdict {
        self.failures += 1;
        if self.failures > 3 {
            return Verdict::GiveUp("crashed too often".to_owned());
        }
        Verdict::Restart(Duration::from_millis(50) * 2_u32.pow(self.failures))
    }

    fn on_stable(&mut self) {
        self.failures = 0;
    }

    fn reset(&mut self) {
        self.failures = 0;
    }

    fn stable_after(&self) -> Duration {
        Duration::from_secs(10)
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let tracker = ProcessTracker::open("restart-policy-example", TOKEN_VAR);
    let spawner = Spawner::start(tracker.clone())?;
    let spec = |name, script, dependencies| DomainSpec {
        name: String::from(name),
        dependencies,
        timing: Timing {
            start_timeout: Duration::from_secs(5),
            time_limit: None,
            stop_grace: Duration::from_secs(2),
            kill_wait: Duration::from_secs(5),
        },
        policy: Box::new(ThreeRestarts::default()),
        backend: ShellBackend {
            name,
            script,
            spawner: spawner.clone(),
        },
    };

    let (sender, mut transitions) = mpsc::unbounded_channel();
    let mut manager = DomainManager::new(sender);
    let depends_on_database = BTreeMap::from([("database".to_owned(), Condition::Ready)]);
    manager.add(vec![
        spec("database", "exec sleep 60", BTreeMap::new()),
        spec("worker", "sleep 0.05; exit 1", depends_on_database),
    ]);
    manager.set_start_order(vec![vec!["database".into()], vec!["worker".into()]]);
    let supervisor = manager.supervisor();
    supervisor.start(["database", "worker"]).await;

    while let Some(transition) = transitions.recv().await {
        writeln!(
            io::stdout(),
            "{:<8} {:>9} -> {:<9} {}",
            transition.domain,
            transition.from,
            transition.to,
            transition.reason
        )?;
        if transition.to == Phase::Failed {
            break;
        }
    }
    let unkillable = supervisor.shutdown().await;
    let remaining = tracker.close().await;
    writeln!(
        io::stdout(),
        "shut down; {} processes left",
        unkillable.len() + remaining.len()
    )?;
    Ok(())
}
