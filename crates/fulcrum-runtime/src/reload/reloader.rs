//! The reloader: reads, has compared, and carries out what differs.

use std::sync::Arc;

use fulcrum_config::{
    Action, App, Difference, LoadResult, ReloadPlan, Severity, describe_changes, load,
};
use fulcrum_logs::{FULCRUM_SOURCE, Level};
use fulcrum_rpc::control::Progress;
use fulcrum_spawn::lifecycle::CommandRejected;
use fulcrum_spawn::supervisor::{DomainManager, DomainSpec};
use tokio::sync::{oneshot, watch};

use crate::context::SharedContext;
use crate::error::Error;
use crate::format::pluralize;
use crate::launch::backend::DomainBackend;
use crate::launch::setup::DomainFactory;
use crate::reload::compare::compare;
use crate::reload::load::load_when_stable;
use crate::reload::request::{
    ProgressSender, ReloadProgress, ReloadReceiver, ReloadRequest, ReloadResult, ReloadTrigger,
};
use crate::reload::{plan_text, starts};
use crate::resources::limits;
use crate::shutdown::stage::ShutdownStage;
use crate::state::desired::DesiredState;

/// The one who changes what runs.
pub(crate) struct ReloadTask {
    pub(crate) keeper: DomainManager<DomainBackend>,
    pub(crate) agenda: watch::Sender<Arc<DesiredState>>,
    pub(crate) setups: DomainFactory,
    /// What was wrong when it was last told in the log.
    pub(crate) last_invalid: Option<String>,
    /// What only another instance would heed, as it was last told.
    pub(crate) last_requires_restart: Vec<Difference>,
}

impl ReloadTask {
    /// Takes wishes until the instance ends; one that is being carried out then is given up, and
    /// nothing is started any more.
    pub(crate) async fn run(mut self, house: SharedContext, mut wishes: ReloadReceiver) {
        let over = house.closing.clone();
        let work = async {
            while let Some(wish) = wishes.0.recv().await {
                self.reload(&house, wish).await;
            }
        };
        tokio::select! {
            biased;
            () = over.wait_for(ShutdownStage::Stopping) => {}
            () = work => {}
        }
    }

    async fn reload(&mut self, house: &SharedContext, wish: ReloadRequest) {
        let ReloadRequest {
            origin,
            dry_run,
            tell,
            answer,
        } = wish;
        self.keeper.drop_finished();
        let request = self.setups.request.clone();
        let read = match origin {
            // Who asks has saved before.
            ReloadTrigger::Request => tokio::task::spawn_blocking(move || load(&request)).await,
            ReloadTrigger::FileChange => load_when_stable(&request, &house.agenda()).await,
        };
        let end = match read {
            Ok(loaded) => match self.validate(house, origin, dry_run, loaded, &tell) {
                Ok((app, plan)) => {
                    let _ = tell.try_send(ReloadProgress::Plan(plan_text::plan_message(&plan)));
                    if dry_run {
                        ReloadResult::Done(plan_text::no_changes(&plan))
                    } else {
                        return self.carry_out(house, app, &plan, tell, answer).await;
                    }
                }
                Err(why) => ReloadResult::Invalid(why),
            },
            Err(error) => {
                ReloadResult::Invalid(format!("the configuration could not be read: {error}"))
            }
        };
        // Who asked may be gone.
        let _ = answer.send(end);
    }

    /// The app and what it means for what runs, or why it can't be used.
    fn validate(
        &mut self,
        house: &SharedContext,
        origin: ReloadTrigger,
        dry_run: bool,
        loaded: LoadResult,
        tell: &ProgressSender,
    ) -> Result<(App, ReloadPlan), String> {
        let texts: Vec<String> = loaded.problems.iter().map(ToString::to_string).collect();
        if !texts.is_empty() {
            let _ = tell.try_send(ReloadProgress::Diagnostics(texts.clone()));
        }
        let agenda = house.agenda();
        let Some(mut app) = loaded.app else {
            let errors = loaded.problems.iter();
            let errors = errors.filter(|problem| problem.severity == Severity::Error);
            let why = format!(
                "the configuration has {}: nothing has changed",
                pluralize(errors.count(), "error")
            );
            if !dry_run {
                self.report_invalid(house, origin, &why, &texts);
            }
            return Err(why);
        };
        let plan = compare(
            house,
            &agenda,
            &app,
            &self.setups.choice.resolve_after_reload(&app),
        );
        app.retain_immutable(&agenda.app);
        Ok((app, plan))
    }

    fn report_invalid(
        &mut self,
        house: &SharedContext,
        origin: ReloadTrigger,
        why: &str,
        texts: &[String],
    ) {
        let all = texts.join("\n");
        house
            .journal
            .record(FULCRUM_SOURCE, 0, "config_invalid", all.clone());
        // A file that is saved again and again with the same mistake is told once.
        if origin == ReloadTrigger::Request || self.last_invalid.as_ref() != Some(&all) {
            house.log(Level::Error, format!("{why}\n{all}"));
        }
        self.last_invalid = Some(all);
    }

    /// Carries out a plan as far as others depend on it, and leaves the rest to a task.
    async fn carry_out(
        &mut self,
        house: &SharedContext,
        app: App,
        plan: &ReloadPlan,
        tell: ProgressSender,
        answer: oneshot::Sender<ReloadResult>,
    ) {
        self.last_invalid = None;
        let before = house.agenda();
        let removed: Vec<String> = named(plan, |action| *action == Action::Stop);
        let mut former = before.former.clone();
        former.extend(removed.iter().cloned());
        former.retain(|name| app.domain(name).is_none());
        let agenda = Arc::new(DesiredState {
            selected: self.setups.choice.resolve_after_reload(&app),
            former,
            app,
        });
        // Before anything changes: afterwards there would be no way back.
        let new = match self.added_domains(&agenda) {
            Ok(new) => new,
            Err(why) => return drop(answer.send(ReloadResult::Invalid(why))),
        };
        self.announce(house, plan, &agenda);

        let alive = self.remove(house, &removed, &tell).await;
        let words = |name: &String| format!("{name}: a process of it is still alive after SIGKILL");
        let mut failed: Vec<String> = alive.iter().map(words).collect();
        house.desks.add(new.iter().map(|setup| setup.name.as_str()));
        self.agenda.send_replace(Arc::clone(&agenda));
        self.keeper.add(new);
        for domain in agenda
            .app
            .domains
            .iter()
            .filter(|domain| domain.has_process())
        {
            let revision = self.setups.revision(&agenda, domain);
            self.keeper.update(&domain.name, revision);
        }
        self.keeper.set_start_order(agenda.app.waves());
        house.update_serving_status();

        let mut begun = Vec::new();
        for entry in &plan.domains {
            match starts::start(house, &entry.domain, &entry.action).await {
                Ok(one) => begun.extend(one),
                Err(CommandRejected(why)) => failed.push(format!("{}: {why}", entry.domain)),
            }
        }
        let mut done: Vec<String> = removed
            .iter()
            .filter(|name| !alive.contains(name))
            .map(|name| format!("{name} is gone"))
            .collect();
        let adopts =
            |action: &Action| matches!(action, Action::UpdateInPlace(all) if !all.is_empty());
        let adopted = named(plan, adopts);
        done.extend(adopted.iter().map(|name| format!("{name} has adopted it")));
        if plan.is_empty() {
            done.push(plan_text::no_changes(plan));
        }
        let house = SharedContext::clone(house);
        tokio::spawn(async move {
            let end = starts::wait_all(begun, done, failed, &tell).await;
            house.update_serving_status();
            let _ = answer.send(end);
        });
    }

    /// Domains that come to have a process.
    fn added_domains(
        &self,
        agenda: &DesiredState,
    ) -> Result<Vec<DomainSpec<DomainBackend>>, String> {
        let mut new = Vec::new();
        for domain in agenda
            .app
            .domains
            .iter()
            .filter(|domain| domain.has_process())
        {
            let why = |error: Error| error.to_string();
            if self.keeper.contains(&domain.name) {
                // It goes on with the policy that it has, which adopts these settings.
                self.setups.policy(domain).map_err(why)?;
            } else {
                new.push(self.setups.setup(agenda, domain).map_err(why)?);
            }
        }
        Ok(new)
    }

    /// Says what has changed, in the log and in the journal.
    fn announce(&mut self, house: &SharedContext, plan: &ReloadPlan, agenda: &DesiredState) {
        let note = |name: &str, text: String| {
            let handle = house.supervisor.domain(name);
            let generation = handle.map_or(0, |handle| handle.snapshot().generation);
            house
                .journal
                .record(name, generation, "config_changed", text);
        };
        for entry in &plan.domains {
            match &entry.action {
                Action::Unchanged => {}
                Action::UpdateInPlace(differences) | Action::Restart(differences) => {
                    note(&entry.domain, describe_changes(differences));
                }
                Action::Start => note(&entry.domain, "it is new".to_owned()),
                Action::Stop => note(&entry.domain, "it is no longer there".to_owned()),
            }
        }
        if self.last_requires_restart != plan.requires_restart {
            self.last_requires_restart
                .clone_from(&plan.requires_restart);
            if !plan.requires_restart.is_empty() {
                let text = format!(
                    "only another instance would heed this (`fulcrum down`, then start it again): {}",
                    describe_changes(&plan.requires_restart)
                );
                house.log(Level::Warn, text);
            }
        }
        let text = plan.summary();
        if text.is_empty() {
            return;
        }
        house
            .journal
            .record(FULCRUM_SOURCE, 0, "config_changed", text.clone());
        house.log(
            Level::Info,
            format!("the configuration has changed: {text}"),
        );
        let old = house.agenda();
        let known = fulcrum_config::unsupported_settings(&old.app);
        let mut shortcomings = fulcrum_config::unsupported_settings(&agenda.app);
        shortcomings.retain(|text| !known.contains(text));
        let known = limits::unenforceable(&old.app, &house.containment);
        let limits = limits::unenforceable(&agenda.app, &house.containment);
        shortcomings.extend(limits.into_iter().filter(|text| !known.contains(text)));
        for text in shortcomings {
            house.log(Level::Warn, text);
        }
    }

    /// Ends what isn't wanted any more. Gives what could not be ended.
    async fn remove(
        &mut self,
        house: &SharedContext,
        names: &[String],
        tell: &ProgressSender,
    ) -> Vec<String> {
        for name in names {
            let _ = tell.try_send(ReloadProgress::Progress(Progress {
                domain: name.clone(),
                message: "stopping (it is no longer part of the configuration)".to_owned(),
                outcome: None,
            }));
        }
        let left = self.keeper.remove(names).await;
        for name in names.iter().filter(|name| !left.contains(name)) {
            house.desks.remove(name);
            house.registry.remove(name);
        }
        left
    }
}

fn named(plan: &ReloadPlan, is: impl Fn(&Action) -> bool) -> Vec<String> {
    let entries = plan.domains.iter().filter(|entry| is(&entry.action));
    entries.map(|entry| entry.domain.clone()).collect()
}
