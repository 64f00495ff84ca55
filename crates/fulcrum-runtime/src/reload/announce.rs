//! Events and log lines about a changed or invalid configuration.

use fulcrum_config::{Action, App, Difference, ReloadPlan, describe_changes, unsupported_settings};
use fulcrum_logs::{FULCRUM_SOURCE, Hub, Level, with_code};
use fulcrum_spawn::process::ProcessTracker;
use fulcrum_spawn::supervisor::Supervisor;

use crate::code::Code;
use crate::events::log::EventLog;
use crate::reload::request::ReloadTrigger;
use crate::resources::limits;

/// Announces configurations.
pub(crate) struct ReloadAnnouncer {
    hub: Hub,
    events: EventLog,
    supervisor: Supervisor,
    tracker: ProcessTracker,
    /// The diagnostics that were last logged, while the configuration is invalid.
    last_invalid: Option<String>,
    /// The changes that were last logged as needing a restart of the instance.
    last_requires_restart: Vec<Difference>,
}

impl ReloadAnnouncer {
    pub(crate) fn new(
        hub: Hub,
        events: EventLog,
        supervisor: Supervisor,
        tracker: ProcessTracker,
    ) -> Self {
        Self {
            hub,
            events,
            supervisor,
            tracker,
            last_invalid: None,
            last_requires_restart: Vec::new(),
        }
    }

    /// Announces an invalid configuration.
    pub(crate) fn announce_invalid(
        &mut self,
        trigger: ReloadTrigger,
        reason: &str,
        diagnostics: &[String],
    ) {
        let all = diagnostics.join("\n");
        self.events
            .record(FULCRUM_SOURCE, 0, "config_invalid", all.clone());
        // A file that is saved again and again with the same error is logged once.
        if trigger == ReloadTrigger::Request || self.last_invalid.as_ref() != Some(&all) {
            let reason = format!("{reason} [{}]", Code::ConfigRejected);
            self.hub.log(Level::Error, format!("{reason}\n{all}"));
        }
        self.last_invalid = Some(all);
    }

    /// Announces the changes of a valid configuration before they are applied.
    pub(crate) fn announce_plan(&mut self, plan: &ReloadPlan, old: &App, new: &App) {
        self.last_invalid = None;
        self.record_domain_changes(plan);
        self.log_requires_restart(plan);
        let text = plan.summary();
        if text.is_empty() {
            return;
        }
        self.events
            .record(FULCRUM_SOURCE, 0, "config_changed", text.clone());
        self.hub
            .log(Level::Info, format!("configuration changed: {text}"));
        for text in self.new_warnings(old, new) {
            self.hub
                .log(Level::Warn, with_code(&text, Code::NotSupported));
        }
    }

    fn record_domain_changes(&self, plan: &ReloadPlan) {
        for change in &plan.domains {
            let text = match &change.action {
                Action::Unchanged => continue,
                Action::UpdateInPlace(differences) | Action::Restart(differences) => {
                    describe_changes(differences)
                }
                Action::Start => "it is new".to_owned(),
                Action::Stop => "it was removed".to_owned(),
            };
            let name = &change.domain;
            let handle = self.supervisor.domain(name);
            let generation = handle.map_or(0, |handle| handle.snapshot().generation);
            self.events.record(name, generation, "config_changed", text);
        }
    }

    fn log_requires_restart(&mut self, plan: &ReloadPlan) {
        if self.last_requires_restart == plan.requires_restart {
            return;
        }
        self.last_requires_restart
            .clone_from(&plan.requires_restart);
        if !plan.requires_restart.is_empty() {
            let text = format!(
                "restart required to apply: {}\nhint: run `fulcrum down`, then start again",
                describe_changes(&plan.requires_restart)
            );
            self.hub
                .log(Level::Warn, with_code(&text, Code::RestartRequired));
        }
    }

    /// Warnings about settings of the new configuration that the old one did not cause already.
    fn new_warnings(&self, old: &App, new: &App) -> Vec<String> {
        let warnings = |app: &App| {
            let mut all = unsupported_settings(app);
            all.extend(limits::unenforceable(app, &self.tracker));
            all
        };
        let known = warnings(old);
        let mut new = warnings(new);
        new.retain(|text| !known.contains(text));
        new
    }
}
