//! The task that runs the TypeScript compiler and logs what it reports.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use fulcrum_logs::{Hub, Level, with_code};
use fulcrum_spawn::StartError;
use fulcrum_spawn::prepare::PrepareContext;
use fulcrum_spawn::process::{RunId, Spawner, signal_number};
use fulcrum_spawn::supervisor::WaitCondition;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::compiler;
use super::errors::{CompilerOutput, TypeError, compare};
use crate::code::Code;
use crate::control::wait::DomainWaiter;
use crate::format::{format_measured, pluralize};
use crate::log_lines::log_for_domain;
use crate::shutdown::stage::{ShutdownSignal, ShutdownStage};
use crate::state::desired::DesiredStateReceiver;
use crate::state::process::TOKEN_VAR;

/// How many errors of a round are logged one by one. More of them have one cause.
const MAX_LOGGED: usize = 50;

/// The lines of standard error that are kept, to explain a compiler that exits.
const KEPT_LINES: usize = 5;

/// How long a killed compiler may take to be gone.
const KILL_TIMEOUT: Duration = Duration::from_secs(1);

/// Checks the types of the app until the instance stops.
pub(crate) struct TypeCheckTask {
    pub(crate) desired: DesiredStateReceiver,
    pub(crate) waiter: DomainWaiter,
    pub(crate) spawner: Spawner,
    pub(crate) run: RunId,
    pub(crate) prepare: Arc<PrepareContext>,
    pub(crate) environment: BTreeMap<OsString, OsString>,
    pub(crate) hub: Hub,
    pub(crate) shutdown: ShutdownSignal,
}

impl TypeCheckTask {
    /// Runs after the first start of the domains, so that it takes no processor from them.
    pub(crate) async fn run(self) {
        let selected = self.desired.current().selected.clone();
        let task = Arc::new(self);
        tokio::select! {
            // A domain that does not start may have a type error.
            _ = task.waiter.wait_all(&selected, WaitCondition::Ready) => {}
            () = task.shutdown.wait_for(ShutdownStage::Stopping) => return,
        }
        let mut checks = JoinSet::new();
        for project in compiler::projects(&task.desired.current().app) {
            let task = Arc::clone(&task);
            checks.spawn(async move { task.check(&project).await });
        }
        if checks.is_empty() {
            let root = task.desired.current().app.root.clone();
            task.hub.log(
                Level::Warn,
                with_code(
                    &format!(
                        "types are not checked: neither {} nor any domain has a tsconfig.json",
                        root.display()
                    ),
                    Code::NoTypeCheck,
                ),
            );
        }
        while checks.join_next().await.is_some() {}
    }

    async fn check(&self, project: &Path) {
        if let Err(error) = self.run_compiler(project).await {
            let text = with_code(&error.to_string(), Code::NoTypeCheck);
            self.hub.log(Level::Warn, text);
        }
    }

    /// Runs the compiler of a project until it exits, which it does not do by itself.
    async fn run_compiler(&self, project: &Path) -> Result<(), StartError> {
        let mut command = self.plan(project.to_path_buf()).await?;
        let token = self.run.token().map_err(|error| {
            StartError::from_io(format!("cannot create a token: {error}"), &error)
        })?;
        command.env.insert(TOKEN_VAR.into(), token.into());
        let started = Instant::now();
        let process = self.spawner.spawn(command, "typecheck").await?;
        let Some((stdout, stderr)) = process.take_output() else {
            return Ok(());
        };
        let mut report = Report::new(self, project, started);
        let mut last = Vec::new();
        let output = async {
            tokio::join!(
                each_line(stdout, |line| report.read(line)),
                each_line(stderr, |line| {
                    last.push(line.to_owned());
                    if last.len() > KEPT_LINES {
                        last.remove(0);
                    }
                })
            );
            process.exited().await
        };
        let exit = tokio::select! {
            exit = output => exit,
            () = self.shutdown.wait_for(ShutdownStage::Stopping) => {
                if let Some(kill) = signal_number("SIGKILL") {
                    process.signal(kill);
                }
                let _ = timeout(KILL_TIMEOUT, process.group_empty()).await;
                return Ok(());
            }
        };
        let words = last.join(" ");
        Err(StartError::permanent(format!(
            "types are no longer checked in {}: the compiler exited with {exit}: {words}",
            project.display()
        ))
        .hint("run `npx tsc --noEmit` there and read its output"))
    }

    async fn plan(&self, project: PathBuf) -> Result<fulcrum_spawn::CommandSpec, StartError> {
        let root = self.desired.current().app.root.clone();
        let (environment, context) = (self.environment.clone(), Arc::clone(&self.prepare));
        tokio::task::spawn_blocking(move || {
            compiler::command(&project, &root, &environment, &context)
        })
        .await
        .map_err(|error| StartError::permanent(format!("cannot check types: {error}")))?
    }
}

/// Calls `read` with each line until the stream ends.
async fn each_line(stream: impl AsyncRead + Unpin, mut read: impl FnMut(&str)) {
    let mut stream = BufReader::new(stream);
    let mut line = Vec::new();
    while stream
        .read_until(b'\n', &mut line)
        .await
        .is_ok_and(|length| length > 0)
    {
        read(String::from_utf8_lossy(&line).trim_end());
        line.clear();
    }
}

/// Logs what changes from round to round.
struct Report<'a> {
    task: &'a TypeCheckTask,
    output: CompilerOutput,
    /// The errors of the last round; none before the first.
    errors: Option<Vec<TypeError>>,
    started: Instant,
}

impl<'a> Report<'a> {
    fn new(task: &'a TypeCheckTask, project: &Path, started: Instant) -> Self {
        Self {
            task,
            output: CompilerOutput::new(project),
            errors: None,
            started,
        }
    }

    fn read(&mut self, line: &str) {
        let Some(now) = self.output.read(line) else {
            return;
        };
        let is_first = self.errors.is_none();
        let before = self.errors.take().unwrap_or_default();
        let changes = compare(&before, &now);
        for error in changes.new.iter().take(MAX_LOGGED) {
            self.log_error(error);
        }
        let hub = &self.task.hub;
        if changes.new.len() > MAX_LOGGED {
            let more = pluralize(changes.new.len() - MAX_LOGGED, "type error");
            hub.log(
                Level::Error,
                with_code(&format!("and {more} more"), Code::TypeError),
            );
        }
        if is_first && now.is_empty() {
            let took = format_measured(self.started.elapsed());
            hub.log(Level::Info, format!("types checked in {took}: no errors"));
        } else if changes.all_fixed {
            hub.log(Level::Info, "types: no errors any more".to_owned());
        }
        self.errors = Some(now);
    }

    /// Logs an error for the domain that has the file, else for the app.
    fn log_error(&self, error: &TypeError) {
        let desired = self.task.desired.current();
        let Some((file, line, column)) = &error.position else {
            let text = with_code(&error.message, Code::TypeError);
            self.task.hub.log(Level::Error, text);
            return;
        };
        let domain = desired.app.domains.iter();
        let domain = domain.clone().find(|domain| file.starts_with(&domain.dir));
        let base = domain.map_or(&desired.app.root, |domain| &domain.dir);
        let shown = file.strip_prefix(base).unwrap_or(file).display();
        let text = format!("{shown}:{line}:{column}: {}", error.message);
        let text = with_code(&text, Code::TypeError);
        match domain {
            Some(domain) => {
                log_for_domain(&self.task.hub, &domain.name, 0, Level::Error, text);
            }
            None => {
                self.task.hub.log(Level::Error, text);
            }
        }
    }
}
