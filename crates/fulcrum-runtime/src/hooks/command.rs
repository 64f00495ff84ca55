//! Runs one hook: a command with the environment of its domain, whose output is logged with it.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::time::Duration;

use fulcrum_config::HookSettings;
use fulcrum_health::truncate_line;
use fulcrum_logs::{Hub, LogQuery, PumpCounters, Source, Stream, pump, without_code};
use fulcrum_spawn::StartError;
use fulcrum_spawn::prepare::plan_command;
use fulcrum_spawn::process::{Process, RunId, Spawner};
use tokio::time::timeout;

use crate::state::process::TOKEN_VAR;

/// How long the output is read after the exit: a process that the command left behind may hold it.
const DRAIN_TIMEOUT: Duration = Duration::from_millis(200);

/// How many of the last lines are searched for the reason of a failure.
const SEARCHED_LINES: usize = 50;

/// A moment of a domain's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HookKind {
    BeforeStart,
    AfterReady,
    OnFailure,
    AfterExit,
}

impl HookKind {
    /// The name of its setting.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::BeforeStart => "before_start",
            Self::AfterReady => "after_ready",
            Self::OnFailure => "on_failure",
            Self::AfterExit => "after_exit",
        }
    }

    /// Its command; empty if there is none.
    pub(crate) fn command(self, hooks: &HookSettings) -> &[String] {
        match self {
            Self::BeforeStart => &hooks.before_start,
            Self::AfterReady => &hooks.after_ready,
            Self::OnFailure => &hooks.on_failure,
            Self::AfterExit => &hooks.after_exit,
        }
    }
}

/// What runs hooks.
#[derive(Clone)]
pub(crate) struct HookSpawner {
    pub(crate) spawner: Spawner,
    /// The run that their tokens name.
    pub(crate) run: RunId,
    pub(crate) hub: Hub,
}

/// One hook that is to run.
pub(crate) struct HookCommand<'a> {
    pub(crate) kind: HookKind,
    pub(crate) domain: &'a str,
    pub(crate) generation: u64,
    pub(crate) settings: &'a HookSettings,
    pub(crate) cwd: &'a Path,
    /// That of the domain.
    pub(crate) env: BTreeMap<OsString, OsString>,
    /// The end of the generation: its exit code and the reason.
    pub(crate) end: Option<(Option<i32>, &'a str)>,
}

impl HookSpawner {
    /// Runs a hook to its end. Its processes carry the token of the run, so that they are found when
    /// the instance ends. When the future is done or dropped, all of them are killed.
    ///
    /// # Errors
    /// It cannot be started, fails, or takes too long.
    pub(crate) async fn run(&self, hook: HookCommand<'_>) -> Result<(), StartError> {
        let kind = hook.kind.as_str();
        let failed = |reason: &str| format!("{kind} hook failed: {reason}");
        let limit = hook.settings.timeout;
        let label = format!("{}.{}.{kind}", hook.domain, hook.generation);
        let argv = hook.kind.command(hook.settings);
        let env = self.environment(&hook)?;
        let path = env.get(OsStr::new("PATH")).cloned().unwrap_or_default();
        let (spec, _) = plan_command(argv, hook.cwd, env, &path).map_err(|error| StartError {
            message: failed(&error.message),
            ..error
        })?;
        let process = self.spawner.spawn(spec, label).await?;
        let pumps = self.log_output(&process, hook.domain);
        let Ok(exit) = timeout(limit, process.exited()).await else {
            let limit = humantime::format_duration(limit);
            let reason = format!("not over within {limit} (process.hooks.timeout)");
            return Err(StartError::transient(failed(&reason)));
        };
        let _ = timeout(DRAIN_TIMEOUT, pumps).await;
        if exit.code == Some(0) {
            return Ok(());
        }
        let mut reason = exit.to_string();
        if let Some(line) = self.last_line(hook.domain, process.pid()) {
            reason.push_str(&format!("; last on stderr: {}", truncate_line(&line)));
        }
        Err(StartError::transient(failed(&reason)))
    }

    fn environment(
        &self,
        hook: &HookCommand<'_>,
    ) -> Result<BTreeMap<OsString, OsString>, StartError> {
        let mut env = hook.env.clone();
        // With the token of the generation its processes would be attributed to that, and could
        // register in its place.
        let token = self.run.token().map_err(|error| {
            StartError::from_io(format!("cannot create a token: {error}"), &error)
        })?;
        env.insert(TOKEN_VAR.into(), token.into());
        env.insert("FULCRUM_HOOK".into(), hook.kind.as_str().into());
        if let Some((code, reason)) = hook.end {
            let code = code.map_or_else(String::new, |code| code.to_string());
            env.insert("FULCRUM_EXIT_CODE".into(), code.into());
            env.insert("FULCRUM_REASON".into(), without_code(reason).into());
        }
        Ok(env)
    }

    /// Logs its output as that of the domain, but of no generation: what explains an exit is sought
    /// in the output of the generation.
    fn log_output(
        &self,
        process: &Process,
        domain: &str,
    ) -> impl Future<Output = ()> + Send + use<> {
        let source = Source {
            domain: domain.into(),
            generation: 0,
            pid: process.pid(),
        };
        let counters = PumpCounters::default();
        let mut tasks = Vec::new();
        if let Some((stdout, stderr)) = process.take_output() {
            for (reader, stream) in [(stdout, Stream::Stdout), (stderr, Stream::Stderr)] {
                let (hub, source) = (self.hub.clone(), source.clone());
                let counters = counters.clone();
                tasks.push(tokio::spawn(async move {
                    let _ = pump(reader, &hub, source, stream, &counters).await;
                }));
            }
        }
        async move {
            for task in tasks {
                let _ = task.await;
            }
        }
    }

    fn last_line(&self, domain: &str, pid: u32) -> Option<String> {
        let lines = self.hub.tail(&LogQuery {
            generation: Some(0),
            stream: Some(Stream::Stderr),
            tail: Some(SEARCHED_LINES),
            ..LogQuery::domain(domain)
        });
        let own = lines.iter().rev().filter(|line| line.source.pid == pid);
        let texts = own.map(|line| line.text().trim().to_owned());
        texts.into_iter().find(|text| !text.is_empty())
    }
}
