//! The reloader: reads, compares, and carries out what differs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fulcrum_config::{Action, App, Difference, Domain, Loaded, Plan, Running, Severity, load};
use fulcrum_logs::{FULCRUM, Level};
use fulcrum_rpc::control::Progress;
use fulcrum_spawn::lifecycle::{Command, Goal, Refused};
use fulcrum_spawn::supervisor::{DomainSetup, Handle, Keeper, Ticket};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;

use super::super::agenda::Agenda;
use super::super::backend::DomainBackend;
use super::super::change;
use super::super::closing::Stage;
use super::super::house::Shared;
use super::super::setup::Setups;
use super::super::{limits, unserved};
use super::{End, Origin, Step, Tell, Wish, Wishes, told};
use crate::output::count;

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

/// A start or restart that is under way.
type Begun = (Handle, Command, Ticket);

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
        let request = self.setups.request.clone();
        let reading = tokio::task::spawn_blocking(move || load(&request));
        let end = match reading.await {
            Ok(loaded) => match self.usable(house, origin, dry_run, loaded, &tell) {
                Ok((app, plan)) => {
                    let _ = tell.try_send(Step::Plan(told::message(&plan)));
                    if dry_run {
                        End::Done(nothing_new(&plan))
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
        let plan = plan(house, &agenda, &app, &self.setups.choice.of_changed(&app));
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
        let new = match self.new_ones(&before, &agenda) {
            Ok(new) => new,
            Err(why) => return drop(answer.send(End::Invalid(why))),
        };
        self.announce(house, plan, &agenda);

        let mut failed = self.remove(house, &removed, &tell).await;
        house.desks.add(new.iter().map(|setup| setup.name.as_str()));
        self.agenda.send_replace(Arc::clone(&agenda));
        for name in self.keeper.add(new) {
            failed.push(format!(
                "{name}: a process of its earlier self is still alive"
            ));
        }
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
            match begin(house, &entry.domain, &entry.action).await {
                Ok(one) => begun.extend(one),
                Err(Refused(why)) => failed.push(format!("{}: {why}", entry.domain)),
            }
        }
        let mut done: Vec<String> = removed
            .iter()
            .map(|name| format!("{name} is gone"))
            .collect();
        let adopted = named(plan, |action| matches!(action, Action::Adopt(_)));
        done.extend(adopted.iter().map(|name| format!("{name} has adopted it")));
        if plan.is_empty() {
            done.push(nothing_new(plan));
        }
        let house = Shared::clone(house);
        tokio::spawn(async move {
            let end = ends(begun, done, failed, &tell).await;
            house.tell_health();
            let _ = answer.send(end);
        });
    }

    /// Domains that come to have a process.
    fn new_ones(
        &self,
        before: &Agenda,
        agenda: &Agenda,
    ) -> Result<Vec<DomainSetup<DomainBackend>>, String> {
        let runs = |app: &App, name: &str| app.domain(name).is_some_and(Domain::has_process);
        let mut new = Vec::new();
        for domain in agenda
            .app
            .domains
            .iter()
            .filter(|domain| domain.has_process())
        {
            let setup = self.setups.setup(agenda, domain);
            let setup = setup.map_err(|stop| stop.to_string())?;
            if !runs(&before.app, &domain.name) {
                new.push(setup);
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
                    note(&entry.domain, told::changes(differences));
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
                    told::changes(&plan.needs_new_instance)
                );
                house.say(Level::Warn, text);
            }
        }
        if plan.is_empty() {
            return;
        }
        let text = summary(plan);
        house
            .journal
            .note(FULCRUM, 0, "config_changed", text.clone());
        house.say(
            Level::Info,
            format!("the configuration has changed: {text}"),
        );
        let old = house.agenda();
        let known = unserved::unserved(&old.app);
        let mut shortcomings = unserved::unserved(&agenda.app);
        shortcomings.retain(|text| !known.contains(text));
        let known = limits::shortcomings(&old.app, &house.containment);
        let limits = limits::shortcomings(&agenda.app, &house.containment);
        shortcomings.extend(limits.into_iter().filter(|text| !known.contains(text)));
        for text in shortcomings {
            house.say(Level::Warn, text);
        }
    }

    /// Ends what isn't wanted any more. Gives what could not be ended, in words.
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
        }
        let words = |name: &String| format!("{name}: a process of it is still alive after SIGKILL");
        left.iter().map(words).collect()
    }
}

/// Compares what runs with an app of which these are to be started.
fn plan(house: &Shared, agenda: &Agenda, app: &App, selected: &[String]) -> Plan {
    let lives: Vec<(String, Arc<Domain>)> = house
        .desks
        .iter()
        .filter_map(|(name, desk)| Some((name, desk.living()?.settings)))
        .collect();
    let rests = |name: &&str| match house.supervisor.domain(name) {
        Some(handle) => handle.snapshot().goal == Goal::Down,
        None => !selected.iter().any(|selected| selected == name),
    };
    let names = app.domains.iter().map(|domain| domain.name.as_str());
    let resting: BTreeSet<&str> = names.filter(rests).collect();
    let lives: BTreeMap<&str, &Domain> = lives
        .iter()
        .map(|(name, settings)| (name.as_str(), settings.as_ref()))
        .collect();
    let running = Running {
        app: &agenda.app,
        lives,
        resting,
    };
    Plan::new(&running, app)
}

/// Sets off what a domain's new life takes.
async fn begin(house: &Shared, name: &str, action: &Action) -> Result<Option<Begun>, Refused> {
    match action {
        Action::Unchanged | Action::Adopt(_) | Action::Stop => Ok(None),
        Action::Start => {
            let Some(handle) = house.supervisor.domain(name) else {
                return Ok(None);
            };
            let ticket = handle.request(Command::Start).await?;
            Ok(Some((handle, Command::Start, ticket)))
        }
        Action::Restart(differences) => {
            match super::restart_for(house, name, told::reason(differences)).await? {
                super::Renewed::Begun(handle, ticket) => {
                    Ok(Some((handle, Command::Restart, ticket)))
                }
                // Stopped since the plan was made.
                super::Renewed::Rests => Ok(None),
            }
        }
    }
}

/// Waits for what was begun, and says what came of it all.
async fn ends(
    begun: Vec<Begun>,
    mut done: Vec<String>,
    mut failed: Vec<String>,
    tell: &Tell,
) -> End {
    let mut starts = JoinSet::new();
    for (handle, command, ticket) in begun {
        let tell = tell.clone();
        starts.spawn(async move {
            let tell = |step| drop(tell.try_send(Step::Progress(step)));
            change::attend(&handle, command, ticket, tell).await
        });
    }
    for end in starts.join_all().await {
        match end {
            Ok(text) => done.push(text),
            Err(text) => failed.push(text),
        }
    }
    done.sort();
    failed.sort();
    if failed.is_empty() {
        End::Done(done.join("; "))
    } else {
        End::DomainFailed(failed.join("; "))
    }
}

fn named(plan: &Plan, is: impl Fn(&Action) -> bool) -> Vec<String> {
    let entries = plan.domains.iter().filter(|entry| is(&entry.action));
    entries.map(|entry| entry.domain.clone()).collect()
}

fn nothing_new(plan: &Plan) -> String {
    if plan.is_empty() {
        "nothing has changed".to_owned()
    } else {
        String::new()
    }
}

/// `pay starts, users restarts (env.FOO: one → two), old stops`
fn summary(plan: &Plan) -> String {
    let of_domain = plan.domains.iter().filter_map(|entry| {
        let name = &entry.domain;
        Some(match &entry.action {
            Action::Unchanged => return None,
            Action::Adopt(differences) if differences.is_empty() => format!("{name} is new"),
            Action::Adopt(differences) => format!("{name} adopts {}", told::changes(differences)),
            Action::Restart(differences) => {
                format!("{name} restarts ({})", told::changes(differences))
            }
            Action::Start => format!("{name} starts"),
            Action::Stop => format!("{name} stops"),
        })
    });
    let mut parts: Vec<String> = of_domain.collect();
    let whole: Vec<Difference> = [&plan.app[..], &plan.needs_new_instance[..]].concat();
    if !whole.is_empty() {
        parts.push(told::changes(&whole));
    }
    parts.join(", ")
}
