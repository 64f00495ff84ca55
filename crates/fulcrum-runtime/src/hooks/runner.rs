//! Runs the hooks that follow a transition. They delay nothing, and their failure harms no domain.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;

use fulcrum_config::Domain;
use fulcrum_logs::{Level, with_code};
use fulcrum_spawn::lifecycle::Phase;
use fulcrum_spawn::supervisor::{DomainHandle, Snapshot, Supervisor, Transition};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use crate::code::Code;
use crate::command::environment::{EnvironmentBase, ForProcess, environment};
use crate::events::log::EventLog;
use crate::hooks::command::{HookCommand, HookKind, HookSpawner};
use crate::log_lines::log_for_domain;
use crate::shutdown::stage::{ShutdownSignal, ShutdownStage};
use crate::state::desired::DesiredStateReceiver;
use crate::state::domain::SharedDomainStates;
use crate::state::process::ProcessIdentity;

/// How long the end of an instance waits until the last transitions are known here. They are, a
/// moment after the domains have stopped.
const TRANSITIONS_TIMEOUT: Duration = Duration::from_secs(1);

/// Runs hooks. Clones share what is in progress.
#[derive(Clone)]
pub(crate) struct HookRunner {
    pub(crate) spawner: HookSpawner,
    pub(crate) environment: Arc<EnvironmentBase>,
    pub(crate) desired: DesiredStateReceiver,
    pub(crate) states: SharedDomainStates,
    pub(crate) events: EventLog,
    pub(crate) shutdown: ShutdownSignal,
    pub(crate) progress: HookProgress,
}

/// What is in progress.
#[derive(Clone, Default)]
pub(crate) struct HookProgress {
    tasks: TaskTracker,
    /// The last generation of each domain whose end is known here.
    ended: watch::Sender<BTreeMap<String, u64>>,
    /// The process of the current or last generation of each domain, which a reload may remove.
    processes: watch::Sender<BTreeMap<String, ProcessIdentity>>,
}

/// A hook that is due, with all that it needs.
struct DueHook {
    kind: HookKind,
    domain: String,
    generation: u64,
    config: Domain,
    /// The environment of the generation, if there was a process.
    env: Option<BTreeMap<OsString, OsString>>,
    /// The exit code and the reason.
    end: Option<(Option<i32>, String)>,
}

impl HookRunner {
    /// Starts the hooks that follow a transition; `handle` is that of its domain, unless it was
    /// removed.
    pub(crate) fn on_transition(&self, transition: &Transition, handle: Option<&DomainHandle>) {
        let name = &transition.domain;
        if transition.to == Phase::Starting
            && let Some(state) = self.states.get(name)
            && let Some(process) = state.process.borrow().clone()
        {
            let processes = &self.progress.processes;
            processes.send_modify(|known| drop(known.insert(name.clone(), process)));
        }
        for kind in due_hooks(transition) {
            let generation = match kind {
                HookKind::AfterReady => handle.cloned(),
                _ => None,
            };
            if let Some(hook) = self.due_hook(kind, transition, handle) {
                let runner = self.clone();
                self.progress.tasks.spawn(runner.run(hook, generation));
            }
        }
        if !transition.to.has_process() {
            let (name, generation) = (name.clone(), transition.generation);
            let ended = &self.progress.ended;
            ended.send_modify(|known| {
                known.insert(name, generation);
            });
        }
    }

    /// The hook of a kind, if there is one, with the settings in force.
    fn due_hook(
        &self,
        kind: HookKind,
        transition: &Transition,
        handle: Option<&DomainHandle>,
    ) -> Option<DueHook> {
        let name = &transition.domain;
        let process = self.progress.processes.borrow().get(name).cloned();
        let current = self.desired.domain(name).map(|config| (*config).clone());
        let config = current.or_else(|| Some((*process.as_ref()?.config).clone()))?;
        if kind.command(&config.process.hooks).is_empty() {
            return None;
        }
        let exit = handle.and_then(|handle| handle.snapshot().last_exit);
        let exit = exit.filter(|exit| exit.generation == transition.generation);
        let report = exit.as_ref().map(|exit| exit.report);
        // As shells tell it.
        let code =
            report.and_then(|report| report.code.or(report.signal.map(|number| 128 + number)));
        let has_ended = kind != HookKind::AfterReady;
        Some(DueHook {
            kind,
            domain: name.clone(),
            generation: transition.generation,
            config,
            env: process.map(|process| process.spec.env.clone()),
            end: has_ended.then(|| (code, transition.reason.clone())),
        })
    }

    /// `generation` ends the hook when its process is gone.
    async fn run(self, hook: DueHook, generation: Option<DomainHandle>) {
        let gone = async {
            match &generation {
                Some(handle) => handle.wait_until_gone(hook.generation).await,
                None => std::future::pending().await,
            }
        };
        let result = tokio::select! {
            result = self.execute(&hook) => result,
            () = gone => Ok(()),
            () = self.shutdown.wait_for(ShutdownStage::Killing) => Ok(()),
        };
        if let Err(text) = result {
            let (name, generation) = (&hook.domain, hook.generation);
            self.events.record(name, generation, "hook", text.clone());
            let hub = &self.spawner.hub;
            let text = with_code(&text, Code::HookFailed);
            log_for_domain(hub, name, generation, Level::Warn, text);
        }
    }

    async fn execute(&self, hook: &DueHook) -> Result<(), String> {
        let env = match &hook.env {
            Some(env) => env.clone(),
            None => self.environment_of(hook).await?,
        };
        let end = hook.end.as_ref();
        let command = HookCommand {
            kind: hook.kind,
            domain: &hook.domain,
            generation: hook.generation,
            settings: &hook.config.process.hooks,
            cwd: &hook.config.process.cwd,
            env,
            end: end.map(|(code, reason)| (*code, reason.as_str())),
        };
        let result = self.spawner.run(command).await;
        result.map_err(|error| error.to_string())
    }

    /// The environment of a domain that never had a process.
    async fn environment_of(&self, hook: &DueHook) -> Result<BTreeMap<OsString, OsString>, String> {
        let (base, config) = (Arc::clone(&self.environment), hook.config.clone());
        let desired = self.desired.current();
        let reading = tokio::task::spawn_blocking(move || {
            environment(&base, &config, &desired.app, ForProcess::default())
        });
        let env = reading.await.map_err(|error| error.to_string())?;
        env.map_err(|error| format!("{} hook failed: {error}", hook.kind.as_str()))
    }

    /// Waits until the hooks of all stopped domains are done, or the domains are to be killed.
    pub(crate) async fn finish(&self, supervisor: &Supervisor) {
        let mut ended = self.progress.ended.subscribe();
        let all_known = async {
            for handle in supervisor.domains() {
                let now: Snapshot = handle.snapshot();
                let is_known = |ended: &BTreeMap<String, u64>| {
                    let last = ended.get(handle.name());
                    last.is_some_and(|last| *last >= now.generation)
                };
                if now.generation > 0 && !now.phase.has_process() {
                    let _ = ended.wait_for(is_known).await;
                }
            }
        };
        let _ = timeout(TRANSITIONS_TIMEOUT, all_known).await;
        self.progress.tasks.close();
        tokio::select! {
            () = self.progress.tasks.wait() => {}
            () = self.shutdown.wait_for(ShutdownStage::Killing) => {}
        }
    }
}

/// The hooks that a transition makes due, in order.
fn due_hooks(transition: &Transition) -> Vec<HookKind> {
    let mut due = Vec::new();
    let is_gone = !transition.to.has_process();
    // Without a start of its own, a domain has not failed itself.
    let failed = matches!(transition.to, Phase::Backoff | Phase::Failed);
    if failed && transition.from != Phase::Waiting && transition.from != Phase::Stuck {
        due.push(HookKind::OnFailure);
    }
    if is_gone && matches!(transition.from, Phase::Stopping | Phase::Stuck) {
        due.push(HookKind::AfterExit);
    }
    if transition.to == Phase::Running && transition.ready && !transition.was_ready_before {
        due.push(HookKind::AfterReady);
    }
    due
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use fulcrum_spawn::lifecycle::TransitionCause;

    use super::*;

    fn due(from: Phase, to: Phase, ready: bool, before: bool) -> Vec<HookKind> {
        due_hooks(&Transition {
            time: SystemTime::UNIX_EPOCH,
            domain: "api".to_owned(),
            from,
            to,
            ready,
            was_ready_before: before,
            generation: 1,
            reason: String::new(),
            cause: TransitionCause::Normal,
        })
    }

    #[test]
    fn each_moment_of_a_life_has_its_hooks() {
        let (failure, exit, ready) = (
            HookKind::OnFailure,
            HookKind::AfterExit,
            HookKind::AfterReady,
        );
        for (from, to, expected) in [
            (Phase::Stopping, Phase::Stopped, vec![exit]),
            (Phase::Stopping, Phase::Waiting, vec![exit]),
            (Phase::Stopping, Phase::Completed, vec![exit]),
            (Phase::Stopping, Phase::Backoff, vec![failure, exit]),
            (Phase::Stopping, Phase::Failed, vec![failure, exit]),
            (Phase::Preparing, Phase::Backoff, vec![failure]),
            (Phase::Starting, Phase::Failed, vec![failure]),
            // A job that it needs has failed.
            (Phase::Waiting, Phase::Failed, vec![]),
            (Phase::Stopped, Phase::Waiting, vec![]),
            (Phase::Failed, Phase::Stopped, vec![]),
            (Phase::Stopping, Phase::Stuck, vec![]),
            (Phase::Stuck, Phase::Failed, vec![exit]),
        ] {
            assert_eq!(due(from, to, false, false), expected, "{from} to {to}");
        }
        assert_eq!(due(Phase::Starting, Phase::Running, true, false), [ready]);
        assert_eq!(due(Phase::Running, Phase::Running, true, true), []);
        assert_eq!(due(Phase::Starting, Phase::Running, false, false), []);
    }
}
