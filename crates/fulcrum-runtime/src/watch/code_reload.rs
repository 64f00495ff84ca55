//! The code reload of one domain: its changed files are parsed, then it is restarted.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fulcrum_config::{Domain, JsRuntime, Program};
use fulcrum_logs::{Hub, Level, with_code};
use fulcrum_spawn::lifecycle::{CommandRejected, Phase};
use fulcrum_spawn::prepare::{CheckedImports, SyntaxChecker, SyntaxError};
use fulcrum_spawn::standby::StandbyPool;
use fulcrum_spawn::supervisor::{DomainHandle, Outcome, Ticket, Turn};
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::Instant;

use crate::code::Code;
use crate::events::log::EventLog;
use crate::format::{display_file, display_files};
use crate::log_lines::log_for_domain;
use crate::reload::restart::{ChangeRestarter, RestartResult};
use crate::standby::NodeStandby;
use crate::state::desired::DesiredStateReceiver;
use crate::state::domain::{DomainState, PendingReload, SharedDomainStates};
use crate::watch::messages::WatchMessage;

/// Up to this many files with syntax errors are shown.
const MAX_SHOWN: usize = 3;

/// What a code reload reads and writes.
#[derive(Clone)]
pub(crate) struct CodeReloadHandles {
    pub(crate) desired: DesiredStateReceiver,
    pub(crate) states: SharedDomainStates,
    pub(crate) restarter: ChangeRestarter,
    pub(crate) standby: StandbyPool<NodeStandby>,
    pub(crate) events: EventLog,
    pub(crate) hub: Hub,
}

/// One code reload.
pub(crate) struct CodeReload {
    pub(crate) handles: CodeReloadHandles,
    /// The domain.
    pub(crate) name: String,
    /// The number of this reload.
    pub(crate) number: u64,
    /// The files that have changed since the last generation was started.
    pub(crate) files: BTreeSet<PathBuf>,
    /// When the first of them has changed.
    pub(crate) since: Instant,
    pub(crate) checker: Arc<SyntaxChecker>,
    /// Its place among the reloads of the same moment; dropped if it restarts nothing.
    pub(crate) turn: Option<Turn>,
    pub(crate) messages: UnboundedSender<WatchMessage>,
}

/// Options of Node with which files, and packages, may be found that do not exist.
const LOADERS: [&str; 6] = [
    "--import",
    "--loader",
    "--experimental-loader",
    "--require",
    "-r",
    "--experimental-default-type",
];

fn is_loader(argument: &str) -> bool {
    let name = argument.split_once('=').map_or(argument, |(name, _)| name);
    LOADERS.contains(&name)
}

/// The entry from which the imports of a domain can be followed as Node does it, and which of them:
/// not with a loader of its own, and packages only where Node looks for them.
fn program_entry(domain: &Domain) -> Option<(PathBuf, CheckedImports)> {
    let Program::Node { entry } = &domain.program else {
        return None;
    };
    let process = &domain.process;
    let variable = |name: &str| {
        let own = process.env.get(name).cloned();
        own.or_else(|| std::env::var(name).ok()).unwrap_or_default()
    };
    let mut arguments = process.node_args.iter().map(String::as_str);
    if arguments.any(is_loader) {
        return None;
    }
    let finds_by_itself = process.runtime == JsRuntime::Node
        && variable("NODE_PATH").is_empty()
        && !variable("NODE_OPTIONS").split_whitespace().any(is_loader);
    let checked = match finds_by_itself {
        true => CheckedImports::FilesAndPackages,
        false => CheckedImports::Files,
    };
    Some((entry.clone(), checked))
}

impl CodeReload {
    /// Runs the reload. A later reload aborts it.
    pub(crate) async fn run(mut self) {
        let desired = self.handles.desired.current();
        let Some(domain) = desired.app.domain(&self.name) else {
            return;
        };
        if domain.process.schedule.is_some() {
            // Its next run has the new code.
            return self.report_started();
        }
        let bases = [domain.dir.as_path(), &desired.app.root];
        let what = display_files(&self.files, &bases);
        if self.has_errors(domain, &desired.app.root).await {
            let (name, number) = (self.name.clone(), self.number);
            let rejected = WatchMessage::ReloadRejected { name, number };
            let _ = self.messages.send(rejected);
            // The error is likely to be fixed soon.
            self.handles.standby.prepare(&self.name);
            return;
        }
        if let Some(state) = self.handles.states.get(&self.name) {
            let turn = self.turn.take();
            self.restart(&state, &what, turn).await;
        }
    }

    async fn restart(&self, state: &DomainState, what: &str, turn: Option<Turn>) {
        let reload = PendingReload {
            since: self.since,
            what: what.to_owned(),
        };
        state.pending_reload.send_replace(Some(reload.clone()));
        let clear = || {
            state.pending_reload.send_if_modified(|pending| {
                let is_this = pending.as_ref() == Some(&reload);
                is_this && pending.take().is_some()
            });
        };
        let reason = format!("reload: {what} changed");
        let restarter = &self.handles.restarter;
        match restarter.restart(&self.name, reason, turn).await {
            Ok(RestartResult::Started(handle, ticket)) => {
                self.report_started();
                if !self.is_ready(&handle, ticket, what).await {
                    clear();
                }
            }
            Ok(RestartResult::Stopped) => {
                self.report_started();
                clear();
            }
            Err(CommandRejected(reason)) => {
                clear();
                let text = format!("not reloaded ({what}): {reason}");
                self.log(Level::Warn, with_code(&text, Code::NotReloaded));
            }
        }
    }

    /// Whether a changed file has a syntax error, or the program imports a file that does not exist;
    /// new errors are logged. What programs other than Node read is unknown, so theirs are not
    /// parsed.
    async fn has_errors(&self, domain: &Domain, app: &Path) -> bool {
        let is_node = match &domain.program {
            Program::Node { .. } => true,
            Program::Command(argv) => argv
                .first()
                .is_some_and(|word| Path::new(word).file_name() == Some("node".as_ref())),
            Program::NoProcess => false,
        };
        if !is_node {
            return false;
        }
        let (checker, files) = (Arc::clone(&self.checker), self.files.clone());
        let entry = program_entry(domain);
        let checking = tokio::task::spawn_blocking(move || {
            let mut errors = checker.errors(&files);
            if errors.is_empty() {
                let error =
                    entry.and_then(|(entry, checked)| checker.program_error(&entry, checked));
                errors.extend(error);
            }
            errors
        });
        // A failed check is no syntax error.
        let mut errors = checking.await.unwrap_or_default();
        for SyntaxError { error, .. } in &mut errors {
            error.file = PathBuf::from(display_file(&error.file, &[app]));
        }
        let new = errors.iter().filter(|error| error.is_new);
        let new: Vec<String> = new.map(|error| error.error.to_string()).collect();
        if !new.is_empty() {
            self.report_rejected(new);
        }
        !errors.is_empty()
    }

    fn report_rejected(&self, mut errors: Vec<String>) {
        let more = errors.len().saturating_sub(MAX_SHOWN);
        errors.truncate(MAX_SHOWN);
        if more > 0 {
            errors.push(format!("and {more} more files"));
        }
        let text = errors.join("\n");
        let generation = self.generation();
        let events = &self.handles.events;
        events.record(&self.name, generation, "reload_rejected", text.clone());
        let handle = self.handles.restarter.supervisor.domain(&self.name);
        let runs = handle.is_some_and(|handle| handle.snapshot().phase == Phase::Running);
        let kept = if runs {
            ", keeping the running process"
        } else {
            ""
        };
        let text = format!("reload rejected{kept}: {text}");
        self.log(Level::Error, with_code(&text, Code::ReloadRejected));
    }

    /// Waits for the outcome of the restart. True if the domain is ready.
    async fn is_ready(&self, handle: &DomainHandle, ticket: Ticket, what: &str) -> bool {
        match ticket.outcome().await {
            Outcome::Done(_) => true,
            // It waits for its dependencies as at any other start.
            Outcome::Superseded(_) | Outcome::Blocked(_) => false,
            Outcome::Failed(snapshot) => {
                let text = format!("reload failed ({what}): {}", snapshot.reason);
                let (events, generation) = (&self.handles.events, snapshot.generation);
                events.record(handle.name(), generation, "reload_failed", text);
                let text = "reload failed; the next change restarts the domain";
                self.log(Level::Warn, with_code(text, Code::NotReloaded));
                false
            }
        }
    }

    fn report_started(&self) {
        // During shutdown the watch task may be gone.
        let _ = self.messages.send(WatchMessage::ReloadStarted {
            name: self.name.clone(),
            number: self.number,
        });
    }

    fn generation(&self) -> u64 {
        let handle = self.handles.restarter.supervisor.domain(&self.name);
        handle.map_or(0, |handle| handle.snapshot().generation)
    }

    fn log(&self, level: Level, text: String) {
        let generation = self.generation();
        log_for_domain(&self.handles.hub, &self.name, generation, level, text);
    }
}
