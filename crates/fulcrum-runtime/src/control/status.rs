//! The instance and its domains as messages of the control API.

use std::ffi::OsStr;
use std::sync::Arc;
use std::time::SystemTime;

use fulcrum_config::{Domain as DomainConfig, Mode, Program, redact_arguments, redact_value};
use fulcrum_logs::{Hub, Stream};
use fulcrum_rpc::control::{Details, Domain, ExternalProcess, FirstStart, Instance, LastExit};
use fulcrum_spawn::lifecycle::Phase;
use fulcrum_spawn::supervisor::{Snapshot, Supervisor};
use tokio::time::Instant;

use crate::command::environment::EnvironmentBase;
use crate::control::first_start::first_start_message;
use crate::control::info::InstanceInfo;
use crate::control::preparing::current_reason;
use crate::exit::describe::{describe_exit, hint};
use crate::readiness::probe_set::describe_readiness;
use crate::readiness::started::is_known_to_register;
use crate::state::desired::DesiredStateReceiver;
use crate::state::domain::{DomainState, SharedDomainStates};

/// How many of the last lines of stderr the details of a domain have.
const STDERR_LINES: usize = 20;

/// What is told about the process of a domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Detail {
    /// Nothing.
    None,
    /// Its command and environment, without secrets.
    Masked,
    /// Its command and environment.
    Full,
}

/// Reads the status of the instance and of domains.
#[derive(Clone)]
pub(crate) struct StatusReader {
    pub(crate) info: InstanceInfo,
    pub(crate) desired: DesiredStateReceiver,
    pub(crate) states: SharedDomainStates,
    pub(crate) supervisor: Supervisor,
    pub(crate) hub: Hub,
    pub(crate) environment: Arc<EnvironmentBase>,
}

impl StatusReader {
    /// The instance.
    pub(crate) fn instance(&self) -> Instance {
        let mode = match self.info.mode {
            Mode::Dev => "dev",
            Mode::Serve => "serve",
        };
        Instance {
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            app: self.desired.current().app.root.display().to_string(),
            grpc: self.info.grpc.clone(),
            http: self.info.http.clone().unwrap_or_default(),
            otlp: self.info.otlp.clone().unwrap_or_default(),
            socket: self.info.socket.clone(),
            started_at: Some(self.info.started_at.into()),
            mode: mode.to_owned(),
        }
    }

    /// The first start of a domain, if it has a process to start.
    pub(crate) fn first_start(&self, config: &DomainConfig) -> Option<FirstStart> {
        let state = self.states.get(&config.name)?;
        let times = state.start_times.borrow().clone();
        let (origin, rule) = (self.info.started, readiness(config, &state));
        let has_process = config.has_process();
        has_process.then(|| first_start_message(&times, config, origin, rule))
    }

    /// A domain as it is now.
    pub(crate) fn domain(&self, config: &DomainConfig, detail: Detail) -> Domain {
        let name = &config.name;
        let mut message = Domain {
            name: name.clone(),
            entry: self.entry(config),
            depends_on: config.process.depends_on.keys().cloned().collect(),
            phase: "stopped".to_owned(),
            goal: "down".to_owned(),
            reason: "no entry point, so there is no process to start".to_owned(),
            ..Domain::default()
        };
        if let Some(handle) = self.supervisor.domain(name) {
            self.fill_live_state(&mut message, config, &handle.snapshot());
        }
        let state = self.states.get(name);
        if let Some(state) = state.filter(|_| message.pid.is_some()) {
            let usage = *state.usage.borrow();
            message.cpu_percent = f64::from(usage.cpu_percent);
            message.memory_bytes = usage.memory_bytes;
            message.heartbeat_age_ms = state.last_heartbeat.borrow().map(age_ms);
            let lag = *state.event_loop_lag.borrow();
            message.event_loop_lag_ms = lag.map(|lag| lag.as_secs_f64() * 1000.0);
            message.inspector_url = state.inspector_url();
        }
        let state = self.states.get(name);
        let external = state.and_then(|state| state.external.borrow().clone());
        if let Some((pid, command)) = external {
            message.reason = format!("external: pid {pid} ({command}); {}", message.reason);
            message.external = Some(ExternalProcess { pid, command });
        }
        message.port = self.environment.auto_ports.known(config).map(u32::from);
        if detail != Detail::None {
            message.details = self.details(config, detail == Detail::Masked);
        }
        message
    }

    fn fill_live_state(&self, message: &mut Domain, config: &DomainConfig, snapshot: &Snapshot) {
        message.phase = snapshot.phase.as_str().to_owned();
        message.ready = snapshot.ready;
        message.goal = snapshot.goal.as_str().to_owned();
        message.pid = snapshot.pid;
        message.generation = snapshot.generation;
        message.restarts = snapshot.restarts;
        message.uptime_ms = snapshot.spawned_at.map_or(0, age_ms);
        // With a resolution of microseconds.
        message.registered_in_ms = snapshot
            .ready_after
            .map(|after| (after.as_micros() as f64) / 1000.0);
        message.retry_in_ms = snapshot.retry_at.map(|at| {
            let wait = at.saturating_duration_since(Instant::now());
            u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)
        });
        message.last_exit = snapshot.last_exit.as_ref().map(|exit| LastExit {
            code: exit.report.code,
            signal: exit.report.signal,
            reason: describe_exit(&self.states, &config.name, exit),
            at: Some(exit.at.into()),
        });
        message.next_run = self.next_run(&config.name).map(Into::into);
        message.reason = self.reason(config, snapshot);
    }

    fn next_run(&self, domain: &str) -> Option<SystemTime> {
        let state = self.states.get(domain)?;
        *state.next_run.borrow()
    }

    /// The reason of a phase, with the attempt of a restart, the failures of probes, or a hint.
    fn reason(&self, config: &DomainConfig, snapshot: &Snapshot) -> String {
        if let Some(hint) = hint(Some(config), snapshot) {
            return format!("{}; {hint}", snapshot.reason);
        }
        let Some(state) = self.states.get(&config.name) else {
            return snapshot.reason.clone();
        };
        let mut reason = match snapshot.phase {
            Phase::Running if config.is_job() => "not completed yet".to_owned(),
            _ => current_reason(&state, snapshot),
        };
        let schedule = state.restart_schedule.borrow().clone();
        if let Some(attempt) = schedule.filter(|_| snapshot.phase == Phase::Backoff) {
            reason = format!("{reason}; {attempt}");
        }
        if let Some(due) = *state.next_run.borrow() {
            let due = humantime::format_rfc3339_seconds(due);
            reason = format!("{reason}; next run at {due}");
        }
        if snapshot.pid.is_some() {
            reason = state.probe_status.borrow().append_to_reason(&reason);
        }
        reason
    }

    fn entry(&self, config: &DomainConfig) -> Option<String> {
        match &config.program {
            Program::Node { entry } => {
                let desired = self.desired.current();
                Some(desired.app.relative(entry).display().to_string())
            }
            Program::Command(argv) => argv.first().cloned(),
            Program::NoProcess => None,
        }
    }

    fn details(&self, config: &DomainConfig, masked: bool) -> Option<Details> {
        let name = &config.name;
        let state = self.states.get(name)?;
        let process = state.process.borrow().clone()?;
        let spec = &process.spec;
        let text = |text: &OsStr| text.to_string_lossy().into_owned();
        let env = spec.env.iter().map(|(key, value)| {
            let key = text(key);
            let value = match masked {
                true => redact_value(&key, &text(value)),
                false => text(value),
            };
            (key, value)
        });
        let args: Vec<String> = spec.args.iter().map(|arg| text(arg)).collect();
        let args = match masked {
            true => redact_arguments(&args),
            false => args,
        };
        let program = std::iter::once(text(spec.program.as_os_str()));
        let (stream, generation) = (Stream::Stderr, process.generation);
        let lines = self.hub.last_lines(name, generation, stream, STDERR_LINES);
        let last_stderr = match state.last_exit.borrow().clone() {
            // A generation that was just started has no output yet. That of the one before
            // explains why it was started.
            Some(exit) if lines.is_empty() && exit.generation + 1 == generation => {
                exit.stderr.clone()
            }
            _ => lines.iter().map(|line| line.text().into_owned()).collect(),
        };
        Some(Details {
            command: program.chain(args).collect(),
            cwd: spec.cwd.display().to_string(),
            env: env.collect(),
            runner: spec.runner.clone(),
            last_stderr,
            readiness: readiness(config, &state),
            env_origins: (self.environment)
                .terminal_variables(&process.config, &spec.env)
                .into_iter()
                .collect(),
        })
    }
}

/// When a domain is ready, and why that may not be certain.
fn readiness(config: &DomainConfig, state: &DomainState) -> String {
    let rule = describe_readiness(config, is_known_to_register(state));
    match &state.probe_status.borrow().unverified {
        Some(why) => format!("{rule}; {why}"),
        None => rule,
    }
}

fn age_ms(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}
