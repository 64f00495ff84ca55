//! The reload task: loads the configuration, compares it with what runs, and applies the plan.

use std::sync::Arc;

use fulcrum_config::{Action, App, LoadResult, ReloadPlan, Severity};
use fulcrum_rpc::Registry;
use fulcrum_spawn::supervisor::{DomainManager, DomainSpec};
use tokio::sync::oneshot;

use crate::error::Error;
use crate::format::pluralize;
use crate::launch::backend::DomainBackend;
use crate::launch::setup::DomainFactory;
use crate::outcome::ProgressStep;
use crate::readiness::serving::ServingStatus;
use crate::reload::announce::ReloadAnnouncer;
use crate::reload::compare::compare;
use crate::reload::load::load_when_stable;
use crate::reload::request::{
    ProgressSender, ReloadProgress, ReloadReceiver, ReloadRequest, ReloadResult, ReloadTrigger,
};
use crate::reload::restart::ChangeRestarter;
use crate::reload::starts::{self, PlannedStarts};
use crate::shutdown::stage::ShutdownStage;
use crate::state::desired::{DesiredState, DesiredStateSender};
use crate::state::domain::SharedDomainStates;

/// The only task that changes the set of domains and the desired state.
pub(crate) struct ReloadTask {
    pub(crate) manager: DomainManager<DomainBackend>,
    pub(crate) factory: DomainFactory,
    pub(crate) desired: DesiredStateSender,
    pub(crate) states: SharedDomainStates,
    pub(crate) registry: Registry,
    pub(crate) restarter: ChangeRestarter,
    pub(crate) serving: ServingStatus,
    pub(crate) announcer: ReloadAnnouncer,
}

impl ReloadTask {
    /// Handles requests until a shutdown is requested. A reload in progress is then abandoned:
    /// nothing is started any more.
    pub(crate) async fn run(mut self, mut requests: ReloadReceiver) {
        let shutdown = self.restarter.shutdown.clone();
        let work = async {
            while let Some(request) = requests.recv().await {
                self.handle_request(request).await;
            }
        };
        tokio::select! {
            biased;
            () = shutdown.wait_for(ShutdownStage::Stopping) => {}
            () = work => {}
        }
    }

    async fn handle_request(&mut self, request: ReloadRequest) {
        let ReloadRequest {
            trigger,
            dry_run,
            progress,
            response,
        } = request;
        self.manager.drop_finished();
        let options = Arc::clone(&self.factory.load_options);
        // A client may ask while its editor, or another program, still saves.
        let loaded = load_when_stable(&options, &self.current()).await;
        let result = match loaded {
            Ok(loaded) => match self.validate(trigger, dry_run, loaded, &progress) {
                Ok((app, plan)) => {
                    let _ = progress.try_send(ReloadProgress::Plan(plan.clone()));
                    if !dry_run {
                        return self.apply(app, &plan, progress, response).await;
                    }
                    ReloadResult::Done(describe_no_changes(&plan))
                }
                Err(reason) => ReloadResult::Invalid(reason),
            },
            Err(error) => {
                ReloadResult::Invalid(format!("failed to load the configuration: {error}"))
            }
        };
        // The client may be gone.
        let _ = response.send(result);
    }

    fn current(&self) -> Arc<DesiredState> {
        Arc::clone(&self.desired.borrow())
    }

    /// The app of a valid configuration and the plan that leads to it; the reason if it is invalid.
    fn validate(
        &mut self,
        trigger: ReloadTrigger,
        dry_run: bool,
        loaded: LoadResult,
        progress: &ProgressSender,
    ) -> Result<(App, ReloadPlan), String> {
        let diagnostics = loaded.diagnostics;
        let texts: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
        if !texts.is_empty() {
            let _ = progress.try_send(ReloadProgress::Diagnostics(texts.clone()));
        }
        let Some(mut app) = loaded.app else {
            let errors = diagnostics.iter();
            let errors = errors.filter(|diagnostic| diagnostic.severity == Severity::Error);
            let reason = format!(
                "invalid configuration ({}); no changes applied",
                pluralize(errors.count(), "error")
            );
            if !dry_run {
                self.announcer.announce_invalid(trigger, &reason, &texts);
            }
            return Err(reason);
        };
        let desired = self.current();
        let selected = self.factory.selection.resolve_after_reload(&app);
        let supervisor = &self.restarter.supervisor;
        let plan = compare(supervisor, &self.states, &desired, &app, &selected);
        app.retain_immutable(&desired.app);
        Ok((app, plan))
    }

    /// Applies a plan. A task waits for the starts and sends the result.
    async fn apply(
        &mut self,
        app: App,
        plan: &ReloadPlan,
        progress: ProgressSender,
        response: oneshot::Sender<ReloadResult>,
    ) {
        let before = self.current();
        let removed = domains_with(plan, |action| *action == Action::Stop);
        let desired = Arc::new(self.next_desired_state(&before, app, &removed));
        // Before anything changes: afterwards there would be no way back.
        let added = match self.added_domains(&desired) {
            Ok(added) => added,
            Err(reason) => return drop(response.send(ReloadResult::Invalid(reason))),
        };
        self.announcer
            .announce_plan(plan, &before.app, &desired.app);

        let mut starts = PlannedStarts::new(self.restarter.clone(), plan);
        // They cannot start again before the new settings are in force, which have other
        // dependencies.
        starts.request_dependents(&before.app, &removed).await;
        let alive = self.remove_domains(&removed, &progress).await;
        let describe = |name: &String| format!("{name}: still alive after SIGKILL");
        let failed: Vec<String> = alive.iter().map(describe).collect();
        self.set_desired_state(desired, added);

        let requested = starts.request_all();
        let done = describe_done(plan, &removed, &alive);
        let serving = self.serving.clone();
        tokio::spawn(async move {
            let result = starts::wait_all(requested, done, failed, &progress).await;
            serving.update_app();
            let _ = response.send(result);
        });
    }

    fn next_desired_state(
        &self,
        before: &DesiredState,
        app: App,
        removed: &[String],
    ) -> DesiredState {
        let mut all_removed = before.removed.clone();
        all_removed.extend(removed.iter().cloned());
        all_removed.retain(|name| app.domain(name).is_none());
        DesiredState {
            selected: self.factory.selection.resolve_after_reload(&app),
            removed: all_removed,
            app,
        }
    }

    /// The domains that are to be supervised from now on.
    fn added_domains(
        &self,
        desired: &DesiredState,
    ) -> Result<Vec<DomainSpec<DomainBackend>>, String> {
        let mut added = Vec::new();
        for domain in desired.app.domains.iter().filter(|one| one.has_process()) {
            let text = |error: Error| error.to_string();
            if self.manager.contains(&domain.name) {
                // It keeps its policy, which will apply these settings: check them.
                self.factory.policy(domain).map_err(text)?;
            } else {
                added.push(self.factory.setup(desired, domain).map_err(text)?);
            }
        }
        Ok(added)
    }

    /// Stops and removes domains. Returns those whose processes are still alive.
    async fn remove_domains(&mut self, names: &[String], progress: &ProgressSender) -> Vec<String> {
        for name in names {
            let _ = progress.try_send(ReloadProgress::Step(ProgressStep {
                domain: name.clone(),
                message: "stopping (removed from the configuration)".to_owned(),
            }));
        }
        let alive = self.manager.remove(names).await;
        for name in names.iter().filter(|name| !alive.contains(name)) {
            self.states.remove(name);
            self.registry.remove(name);
        }
        alive
    }

    fn set_desired_state(
        &mut self,
        desired: Arc<DesiredState>,
        added: Vec<DomainSpec<DomainBackend>>,
    ) {
        self.states
            .add(added.iter().map(|domain| domain.name.as_str()));
        for domain in &desired.app.domains {
            self.registry.add(&domain.name);
        }
        self.desired.send_replace(Arc::clone(&desired));
        self.manager.add(added);
        for domain in desired.app.domains.iter().filter(|one| one.has_process()) {
            let update = self.factory.update(&desired, domain);
            self.manager.update(&domain.name, update);
        }
        self.manager.set_start_order(desired.app.waves());
        self.serving.update_app();
    }
}

fn domains_with(plan: &ReloadPlan, matches: impl Fn(&Action) -> bool) -> Vec<String> {
    let changes = plan.domains.iter().filter(|change| matches(&change.action));
    changes.map(|change| change.domain.clone()).collect()
}

/// What is done once the plan is applied, the starts aside.
fn describe_done(plan: &ReloadPlan, removed: &[String], alive: &[String]) -> Vec<String> {
    let gone = removed.iter().filter(|name| !alive.contains(name));
    let mut done: Vec<String> = gone.map(|name| format!("{name} is removed")).collect();
    let is_updated = |action: &Action| matches!(action, Action::UpdateInPlace(differences) if !differences.is_empty());
    let updated = domains_with(plan, is_updated);
    done.extend(updated.iter().map(|name| format!("{name} is updated")));
    if plan.is_empty() {
        done.push(describe_no_changes(plan));
    }
    done
}

/// `no changes` for a plan that changes nothing, otherwise nothing.
fn describe_no_changes(plan: &ReloadPlan) -> String {
    if plan.is_empty() {
        "no changes".to_owned()
    } else {
        String::new()
    }
}
