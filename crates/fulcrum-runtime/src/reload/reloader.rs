//! The reloader: reads, has compared, and carries out what differs.

use std::sync::Arc;

use fulcrum_config::{Action, App, Difference, Loaded, Plan, Severity, load};
use fulcrum_logs::{FULCRUM, Level};
use fulcrum_rpc::control::Progress;
use fulcrum_spawn::lifecycle::Refused;
use fulcrum_spawn::supervisor::{DomainSetup, Keeper};
use tokio::sync::{oneshot, watch};

use crate::context::Shared;
use crate::error::Error;
use crate::format::count;
use crate::launch::backend::DomainBackend;
use crate::launch::setup::Setups;
use crate::reload::compare::compare;
use crate::reload::load::read_steady;
use crate::reload::request::{End, Origin, Step, Tell, Wish, Wishes};
use crate::reload::{plan_text, starts};
use crate::resources::limits;
use crate::shutdown::stage::Stage;
use crate::state::desired::Agenda;
use crate::unsupported;

/// The one who changes what runs.
pub(crate) struct Reloader {
    pub(crate) keeper: Keeper<DomainBackend>,
    pub(crate) agenda: watch::Sender<Arc<Agenda>>,
    pub(crate) setups: Setups,
    /// What was wrong when it was last told in the log.
    pub(crate) last_invalid: Option<String>,
    /// What only another instance would heed, as it was last told.
    pub(crate) last_unheeded: Vec<Difference>,
}

impl Reloader {
    /// Takes wishes until the instance ends; one that is being carried out then is given up, and
    /// nothing is started any more.
    pub(crate) async fn run(mut self, house: Shared, mut wishes: Wishes) {
        let over = house.closing.clone();
        let work = async {
            while let Some(wish) = wishes.0.recv().await {
                self.reload(&house, wish).await;
            }
        };
        tokio::select! {
            biased;
            () = over.reached(Stage::Stopping) => {}
            () = work => {}
        }
    }

    async fn reload(&mut self, house: &Shared, wish: Wish) {
        let Wish {
            origin,
            dry_run,
            tell,
            answer,
        } = wish;
        self.keeper.sweep();
        let request = self.setups.request.clone();
        let read = match origin {
            // Who asks has saved before.
            Origin::Command => tokio::task::spawn_blocking(move || load(&request)).await,
            Origin::Files => read_steady(&request, &house.agenda()).await,
        };
        let end = match read {
            Ok(loaded) => match self.usable(house, origin, dry_run, loaded, &tell) {
                Ok((app, plan)) => {
                    let _ = tell.try_send(Step::Plan(plan_text::message(&plan)));
                    if dry_run {
                        End::Done(plan_text::nothing_new(&plan))
                    } else {
                        return self.carry_out(house, app, &plan, tell, answer).await;
                    }
                }
                Err(why) => End::Invalid(why),
            },
            Err(error) => End::Invalid(format!("the configuration could not be read: {error}")),
        };
        // Who asked may be gone.
        let _ = answer.send(end);
    }

    /// The app and what it means for what runs, or why it can't be used.
    fn usable(
        &mut self,
        house: &Shared,
        origin: Origin,
        dry_run: bool,
        loaded: Loaded,
        tell: &Tell,
    ) -> Result<(App, Plan), String> {
        let texts: Vec<String> = loaded.problems.iter().map(ToString::to_string).collect();
        if !texts.is_empty() {
            let _ = tell.try_send(Step::Findings(texts.clone()));
        }
        let agenda = house.agenda();
        let Some(mut app) = loaded.app else {
            let errors = loaded.problems.iter();
            let errors = errors.filter(|problem| problem.severity == Severity::Error);
            let why = format!(
                "the configuration has {}: nothing has changed",
                count(errors.count(), "error")
            );
            if !dry_run {
                self.tell_invalid(house, origin, &why, &texts);
            }
            return Err(why);
        };
        let plan = compare(house, &agenda, &app, &self.setups.choice.of_changed(&app));
        app.keep_fixed(&agenda.app);
        Ok((app, plan))
    }

    fn tell_invalid(&mut self, house: &Shared, origin: Origin, why: &str, texts: &[String]) {
        let all = texts.join("\n");
        house
            .journal
            .note(FULCRUM, 0, "config_invalid", all.clone());
        // A file that is saved again and again with the same mistake is told once.
        if origin == Origin::Command || self.last_invalid.as_ref() != Some(&all) {
            house.say(Level::Error, format!("{why}\n{all}"));
        }
        self.last_invalid = Some(all);
    }

    /// Carries out a plan as far as others depend on it, and leaves the rest to a task.
    async fn carry_out(
        &mut self,
        house: &Shared,
        app: App,
        plan: &Plan,
        tell: Tell,
        answer: oneshot::Sender<End>,
    ) {
        self.last_invalid = None;
        let before = house.agenda();
        let removed: Vec<String> = named(plan, |action| *action == Action::Stop);
        let mut former = before.former.clone();
        former.extend(removed.iter().cloned());
        former.retain(|name| app.domain(name).is_none());
        let agenda = Arc::new(Agenda {
            selected: self.setups.choice.of_changed(&app),
            former,
            app,
        });
        // Before anything changes: afterwards there would be no way back.
        let new = match self.new_ones(&agenda) {
            Ok(new) => new,
            Err(why) => return drop(answer.send(End::Invalid(why))),
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
            self.keeper.revise(&domain.name, revision);
        }
        self.keeper.order(agenda.app.waves());
        house.tell_health();

        let mut begun = Vec::new();
        for entry in &plan.domains {
            match starts::begin(house, &entry.domain, &entry.action).await {
                Ok(one) => begun.extend(one),
                Err(Refused(why)) => failed.push(format!("{}: {why}", entry.domain)),
            }
        }
        let mut done: Vec<String> = removed
            .iter()
            .filter(|name| !alive.contains(name))
            .map(|name| format!("{name} is gone"))
            .collect();
        let adopts = |action: &Action| matches!(action, Action::Adopt(all) if !all.is_empty());
        let adopted = named(plan, adopts);
        done.extend(adopted.iter().map(|name| format!("{name} has adopted it")));
        if plan.is_empty() {
            done.push(plan_text::nothing_new(plan));
        }
        let house = Shared::clone(house);
        tokio::spawn(async move {
            let end = starts::ends(begun, done, failed, &tell).await;
            house.tell_health();
            let _ = answer.send(end);
        });
    }

    /// Domains that come to have a process.
    fn new_ones(&self, agenda: &Agenda) -> Result<Vec<DomainSetup<DomainBackend>>, String> {
        let mut new = Vec::new();
        for domain in agenda
            .app
            .domains
            .iter()
            .filter(|domain| domain.has_process())
        {
            let why = |error: Error| error.to_string();
            if self.keeper.knows(&domain.name) {
                // It goes on with the policy that it has, which adopts these settings.
                self.setups.policy(domain).map_err(why)?;
            } else {
                new.push(self.setups.setup(agenda, domain).map_err(why)?);
            }
        }
        Ok(new)
    }

    /// Says what has changed, in the log and in the journal.
    fn announce(&mut self, house: &Shared, plan: &Plan, agenda: &Agenda) {
        let note = |name: &str, text: String| {
            let handle = house.supervisor.domain(name);
            let generation = handle.map_or(0, |handle| handle.snapshot().generation);
            house.journal.note(name, generation, "config_changed", text);
        };
        for entry in &plan.domains {
            match &entry.action {
                Action::Unchanged => {}
                Action::Adopt(differences) | Action::Restart(differences) => {
                    note(&entry.domain, plan_text::changes(differences));
                }
                Action::Start => note(&entry.domain, "it is new".to_owned()),
                Action::Stop => note(&entry.domain, "it is no longer there".to_owned()),
            }
        }
        if self.last_unheeded != plan.needs_new_instance {
            self.last_unheeded.clone_from(&plan.needs_new_instance);
            if !plan.needs_new_instance.is_empty() {
                let text = format!(
                    "only another instance would heed this (`fulcrum down`, then start it again): {}",
                    plan_text::changes(&plan.needs_new_instance)
                );
                house.say(Level::Warn, text);
            }
        }
        let text = plan_text::summary(plan);
        if text.is_empty() {
            return;
        }
        house
            .journal
            .note(FULCRUM, 0, "config_changed", text.clone());
        house.say(
            Level::Info,
            format!("the configuration has changed: {text}"),
        );
        let old = house.agenda();
        let known = unsupported::unserved(&old.app);
        let mut shortcomings = unsupported::unserved(&agenda.app);
        shortcomings.retain(|text| !known.contains(text));
        let known = limits::shortcomings(&old.app, &house.containment);
        let limits = limits::shortcomings(&agenda.app, &house.containment);
        shortcomings.extend(limits.into_iter().filter(|text| !known.contains(text)));
        for text in shortcomings {
            house.say(Level::Warn, text);
        }
    }

    /// Ends what isn't wanted any more. Gives what could not be ended.
    async fn remove(&mut self, house: &Shared, names: &[String], tell: &Tell) -> Vec<String> {
        for name in names {
            let _ = tell.try_send(Step::Progress(Progress {
                domain: name.clone(),
                message: "stopping (it is no longer part of the configuration)".to_owned(),
                outcome: None,
            }));
        }
        let left = self.keeper.remove(names).await;
        for name in names.iter().filter(|name| !left.contains(name)) {
            house.desks.remove(name);
            house.registry.forget(name);
        }
        left
    }
}

fn named(plan: &Plan, is: impl Fn(&Action) -> bool) -> Vec<String> {
    let entries = plan.domains.iter().filter(|entry| is(&entry.action));
    entries.map(|entry| entry.domain.clone()).collect()
}
