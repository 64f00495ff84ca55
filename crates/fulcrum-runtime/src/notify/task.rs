//! The task that turns events into notifications, and reports receivers that fail.

use std::sync::Arc;
use std::time::UNIX_EPOCH;

use fulcrum_config::{NotifyEvent, WebhookFormat, WebhookSettings, redact_url_path};
use fulcrum_logs::{Hub, Level, with_code};
use fulcrum_spawn::supervisor::Supervisor;
use fulcrum_telemetry::metrics::Metrics;
use fulcrum_telemetry::notify::{BodyFormat, Notification, Notifier, Webhook, WebhookReport};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::code::Code;
use crate::control::info::InstanceInfo;
use crate::events::event::Event;
use crate::events::stream::EventStream;
use crate::exit::left_down::is_left_down;
use crate::notify::occasion::{Circumstances, occasion};
use crate::state::desired::DesiredStateReceiver;
use crate::state::domain::SharedDomainStates;

/// Notifies the webhooks of the configuration in force.
pub(crate) struct NotifyTask {
    pub(crate) info: InstanceInfo,
    pub(crate) desired: DesiredStateReceiver,
    pub(crate) states: SharedDomainStates,
    pub(crate) supervisor: Supervisor,
    pub(crate) hub: Hub,
    pub(crate) metrics: Option<Metrics>,
}

impl NotifyTask {
    /// Runs until there are no more events.
    pub(crate) async fn run(self, mut events: EventStream) {
        let (notifier, reports) = Notifier::new(self.metrics.clone());
        tokio::spawn(log_reports(reports, self.hub.clone()));
        while let Some(event) = events.next().await {
            self.notify(&notifier, &event);
        }
    }

    fn notify(&self, notifier: &Notifier, event: &Event) {
        let desired = self.desired.current();
        let webhooks = &desired.app.runtime.notify;
        if webhooks.is_empty() {
            return;
        }
        let known = Known { task: self, event };
        let Some(occasion) = occasion(event, &known) else {
            return;
        };
        let app = desired.app.root.display().to_string();
        let notification = Arc::new(self.notification(occasion, event, app));
        let wanted = webhooks
            .iter()
            .filter(|webhook| webhook.on.contains(&occasion));
        for webhook in wanted {
            notifier.send(&Arc::new(receiver(webhook)), &notification);
        }
    }

    fn notification(&self, occasion: NotifyEvent, event: &Event, app: String) -> Notification {
        let started = self.info.started_at.duration_since(UNIX_EPOCH);
        let started = started.unwrap_or_default().as_secs();
        let phase = event.phases.map_or("", |(_, to)| to.as_str());
        let host = rustix::system::uname();
        Notification {
            // The time of the start tells instances apart.
            id: format!("msg_{started:x}_{}", event.seq),
            event: occasion.as_str(),
            domain: event.domain.clone(),
            generation: event.generation,
            reason: event.reason.clone(),
            phase,
            app,
            host: host.nodename().to_string_lossy().into_owned(),
            time: event.time,
        }
    }
}

/// Reads what is known of an event's generation, if that is asked for.
struct Known<'a> {
    task: &'a NotifyTask,
    event: &'a Event,
}

impl Circumstances for Known<'_> {
    fn is_oom_killed(&self) -> bool {
        let state = self.task.states.get(&self.event.domain);
        let exit = state.and_then(|state| state.exit_record(self.event.generation));
        exit.is_some_and(|exit| exit.oom_kill.is_some())
    }

    fn is_left_down(&self) -> bool {
        let config = self.task.desired.domain(&self.event.domain);
        let handle = self.task.supervisor.domain(&self.event.domain);
        let known = config.zip(handle.map(|handle| handle.snapshot()));
        known.is_some_and(|(config, now)| is_left_down(&config, &now))
    }
}

fn receiver(settings: &WebhookSettings) -> Webhook {
    Webhook {
        url: settings.url.clone(),
        shown: redact_url_path(&settings.url),
        format: match settings.format {
            WebhookFormat::Json => BodyFormat::Json,
            WebhookFormat::Slack => BodyFormat::Slack,
        },
        secret: settings.secret.clone(),
    }
}

async fn log_reports(mut reports: UnboundedReceiver<WebhookReport>, hub: Hub) {
    while let Some(report) = reports.recv().await {
        let text = report.to_string();
        match report.failure {
            Some(_) => hub.log(Level::Warn, with_code(&text, Code::WebhookFailed)),
            None => hub.log(Level::Info, text),
        };
    }
}
