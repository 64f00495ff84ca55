//! Domains as the control API shows them.

use fulcrum_config::{Domain as Configured, Program};
use fulcrum_logs::Stream;
use fulcrum_rpc::control::{Details, Domain, Instance, LastExit};
use fulcrum_spawn::lifecycle::Phase;
use fulcrum_spawn::supervisor::Snapshot;
use tokio::time::Instant;

use crate::context::RuntimeContext;
use crate::exit::describe::{describe_exit, hint};
use fulcrum_config::{redact_arguments, redact_value};

/// How many lines of standard error are shown with a domain's details.
const LAST_STDERR: usize = 20;

/// The instance itself.
pub(crate) fn instance(house: &RuntimeContext) -> Instance {
    Instance {
        pid: std::process::id(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        app: house.agenda().app.root.display().to_string(),
        grpc: house.grpc.clone(),
        socket: house.socket.clone(),
        started_at: Some(house.started.1.into()),
        mode: match house.mode {
            fulcrum_config::Mode::Dev => "dev".to_owned(),
            fulcrum_config::Mode::Serve => "serve".to_owned(),
        },
    }
}

/// A domain as it is now.
pub(crate) fn domain(house: &RuntimeContext, configured: &Configured, details: bool) -> Domain {
    let name = &configured.name;
    let mut shown = Domain {
        name: name.clone(),
        entry: entry(house, configured),
        depends_on: configured.process.depends_on.keys().cloned().collect(),
        phase: "stopped".to_owned(),
        goal: "down".to_owned(),
        reason: "it has no entry point, so there is nothing to start".to_owned(),
        ..Domain::default()
    };
    if let Some(handle) = house.supervisor.domain(name) {
        fill_live_state(house, &mut shown, &handle.snapshot());
    }
    if let Some(desk) = house.desks.get(name).filter(|_| shown.pid.is_some()) {
        let sample = *desk.usage.borrow();
        shown.cpu_percent = f64::from(sample.cpu_percent);
        shown.memory_bytes = sample.memory_bytes;
        shown.heartbeat_age_ms = desk.last_heartbeat.borrow().map(age);
        shown.event_loop_lag_ms = desk
            .event_loop_lag
            .borrow()
            .map(|lag| lag.as_secs_f64() * 1000.0);
    }
    if details {
        shown.details = crate::control::status::details(house, name);
    }
    shown
}

fn fill_live_state(house: &RuntimeContext, shown: &mut Domain, now: &Snapshot) {
    shown.phase = now.phase.as_str().to_owned();
    shown.ready = now.ready;
    shown.goal = now.goal.as_str().to_owned();
    shown.pid = now.pid;
    shown.generation = now.generation;
    shown.restarts = now.restarts;
    shown.uptime_ms = now.spawned_at.map_or(0, age);
    shown.reason = now.reason.clone();
    // Microseconds are as fine as it is worth telling.
    shown.registered_in_ms = now
        .ready_after
        .map(|after| (after.as_micros() as f64) / 1000.0);
    shown.retry_in_ms = now.retry_at.map(|at| {
        let left = at.saturating_duration_since(Instant::now());
        u64::try_from(left.as_millis()).unwrap_or(u64::MAX)
    });
    shown.last_exit = now.last_exit.as_ref().map(|exit| LastExit {
        code: exit.report.code,
        signal: exit.report.signal,
        reason: describe_exit(house, &shown.name, exit),
        at: Some(exit.at.into()),
    });
    let outlook = house
        .desks
        .get(&shown.name)
        .and_then(|desk| desk.restart_schedule.borrow().clone())
        .filter(|_| now.phase == Phase::Backoff);
    if let Some(outlook) = outlook {
        shown.reason = format!("{}; {outlook}", now.reason);
    }
    if let Some(desk) = house.desks.get(&shown.name).filter(|_| now.pid.is_some()) {
        shown.reason = desk.probe_status.borrow().append_to_reason(&shown.reason);
    }
    if let Some(advice) = hint(house, &shown.name, now) {
        shown.reason = format!("{}; {advice}", now.reason);
    }
}

fn entry(house: &RuntimeContext, configured: &Configured) -> Option<String> {
    match &configured.program {
        Program::Node { entry } => Some(house.agenda().app.relative(entry).display().to_string()),
        Program::Command(argv) => argv.first().cloned(),
        Program::NoProcess => None,
    }
}

fn details(house: &RuntimeContext, name: &str) -> Option<Details> {
    let badge = house.desks.get(name)?.process.borrow().clone()?;
    let spec = &badge.spec;
    let text = |text: &std::ffi::OsStr| text.to_string_lossy().into_owned();
    let program = std::iter::once(text(spec.program.as_os_str()));
    let env = spec.env.iter().map(|(key, value)| {
        let (key, value) = (text(key), text(value));
        let value = redact_value(&key, &value);
        (key, value)
    });
    let args: Vec<String> = spec.args.iter().map(|arg| text(arg)).collect();
    let lines = house
        .hub
        .last_lines(name, badge.generation, Stream::Stderr, LAST_STDERR);
    let last_stderr = match house.desks.get(name)?.last_exit.borrow().clone() {
        // A life that has only begun has said nothing yet; what the one before it said explains
        // why there is a new one.
        Some(obituary) if lines.is_empty() && obituary.generation + 1 == badge.generation => {
            obituary.stderr.clone()
        }
        _ => lines.iter().map(|line| line.text().into_owned()).collect(),
    };
    Some(Details {
        command: program.chain(redact_arguments(&args)).collect(),
        cwd: spec.cwd.display().to_string(),
        env: env.collect(),
        runner: spec.runner.clone(),
        last_stderr,
    })
}

fn age(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}
