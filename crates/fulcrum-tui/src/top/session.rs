//! The client of the instance: connects, reads, sends requests, and connects again.

use std::time::Duration;

use fulcrum_rpc::control::outcome::Kind;
use fulcrum_rpc::control::{
    ChangeRequest, EventsRequest, Progress, ReloadProgress, ReloadRequest, StatusRequest,
    change_request, reload_progress,
};
use fulcrum_rpc::{ControlClient, ControlError, RuntimeDir};
use tokio::sync::mpsc::{Sender, UnboundedReceiver};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep, sleep_until};

use super::log_feed::LogFeed;
use crate::model::{Action, Effect, Input, Verb};

/// The pause between two attempts to connect.
const RETRY_INTERVAL: Duration = Duration::from_millis(300);

/// How often the state of all domains is read.
const STATUS_INTERVAL: Duration = Duration::from_secs(1);

/// How soon after an event.
const REFRESH_DELAY: Duration = Duration::from_millis(120);

/// Why a connection ended.
enum End {
    Lost,
    /// Nobody is interested any more.
    Quit,
}

/// Serves the model until its channels are closed.
pub(super) async fn run(
    dir: RuntimeDir,
    inputs: Sender<Input>,
    mut requests: UnboundedReceiver<Effect>,
) {
    loop {
        let reason = match ControlClient::connect(&dir).await {
            Ok(client) => {
                let instance = Box::new(client.instance().clone());
                if inputs.send(Input::Connected(instance)).await.is_err() {
                    return;
                }
                match Connection::new(client, inputs.clone())
                    .serve(&mut requests)
                    .await
                {
                    End::Quit => return,
                    End::Lost => "connection to the instance lost".to_owned(),
                }
            }
            Err(error) => error.to_string(),
        };
        if inputs.send(Input::Disconnected(reason)).await.is_err() {
            return;
        }
        sleep(RETRY_INTERVAL).await;
        // What was asked of an instance that is gone is asked again of the next one.
        while requests.try_recv().is_ok() {}
        if requests.is_closed() {
            return;
        }
    }
}

struct Connection {
    client: ControlClient,
    inputs: Sender<Input>,
    started: Instant,
    tasks: JoinSet<Option<End>>,
    feed: Option<AbortHandle>,
    next_status: Instant,
}

impl Connection {
    fn new(client: ControlClient, inputs: Sender<Input>) -> Self {
        Self {
            client,
            inputs,
            started: Instant::now(),
            tasks: JoinSet::new(),
            feed: None,
            next_status: Instant::now(),
        }
    }

    async fn serve(mut self, requests: &mut UnboundedReceiver<Effect>) -> End {
        self.tasks
            .spawn(read_events(self.client.clone(), self.inputs.clone()));
        loop {
            tokio::select! {
                request = requests.recv() => match request {
                    Some(request) => self.handle(request),
                    None => return End::Quit,
                },
                () = sleep_until(self.next_status) => {
                    self.next_status = Instant::now() + STATUS_INTERVAL;
                    if let Some(end) = self.read_status().await {
                        return end;
                    }
                }
                Some(done) = self.tasks.join_next() => {
                    if let Ok(Some(end)) = done {
                        return end;
                    }
                }
            }
        }
    }

    fn handle(&mut self, request: Effect) {
        match request {
            Effect::Follow { feed, domains } => {
                let log_feed = LogFeed {
                    client: self.client.clone(),
                    feed,
                    domains,
                    inputs: self.inputs.clone(),
                    started: self.started,
                };
                if let Some(old) = self.feed.take() {
                    old.abort();
                }
                let task = async move {
                    log_feed.run().await;
                    None
                };
                self.feed = Some(self.tasks.spawn(task));
            }
            Effect::Refresh => {
                let soon = Instant::now() + REFRESH_DELAY;
                self.next_status = self.next_status.min(soon);
            }
            Effect::Details(name) => {
                let task = read_details(self.client.clone(), name, self.inputs.clone());
                self.tasks.spawn(task);
            }
            Effect::Act(action) => {
                let (client, inputs) = (self.client.clone(), self.inputs.clone());
                self.tasks.spawn(async move {
                    let outcome = act(&client, &action, &inputs).await;
                    let _ = inputs.send(Input::Outcome(outcome)).await;
                    None
                });
            }
            // These are the driver's.
            Effect::Mouse(_) | Effect::Redraw | Effect::Suspend | Effect::Quit => {}
        }
    }

    async fn read_status(&self) -> Option<End> {
        let status = match self.client.status(StatusRequest::default()).await {
            Ok(status) => status,
            Err(ControlError::Disconnected(_)) => return Some(End::Lost),
            // The next one may succeed.
            Err(_) => return None,
        };
        match self.inputs.send(Input::Status(status.domains)).await {
            Ok(()) => None,
            Err(_) => Some(End::Quit),
        }
    }
}

/// Delivers events. Its end is that of the connection.
async fn read_events(client: ControlClient, inputs: Sender<Input>) -> Option<End> {
    let request = EventsRequest {
        domains: Vec::new(),
        follow: true,
    };
    let Ok(mut events) = client.events(request).await else {
        return Some(End::Lost);
    };
    while let Some(Ok(event)) = events.next().await {
        if inputs.send(Input::Event(Box::new(event))).await.is_err() {
            return Some(End::Quit);
        }
    }
    Some(End::Lost)
}

async fn read_details(client: ControlClient, name: String, inputs: Sender<Input>) -> Option<End> {
    let request = StatusRequest {
        domains: vec![name],
        details: true,
        ..StatusRequest::default()
    };
    // A domain that is gone has none.
    let status = client.status(request).await.ok()?;
    let domain = status.domains.into_iter().next()?;
    let _ = inputs.send(Input::Details(Box::new(domain))).await;
    None
}

/// Sends a request and passes its steps on. The text of its outcome.
pub(crate) async fn act(
    client: &ControlClient,
    action: &Action,
    inputs: &Sender<Input>,
) -> Result<String, String> {
    let (verb, domains) = match action {
        Action::Reload => return reload(client, inputs).await,
        Action::Change { verb, domains } => (*verb, domains.clone()),
    };
    use change_request::Action as Change;
    let (change, past) = match verb {
        Verb::Start => (Change::Start, "started"),
        Verb::Stop => (Change::Stop, "stopped"),
        Verb::Restart => (Change::Restart, "restarted"),
        Verb::Kill => (Change::Kill, "killed"),
    };
    let request = ChangeRequest {
        action: change.into(),
        domains: domains.clone(),
        ..ChangeRequest::default()
    };
    let mut steps = client
        .change(request)
        .await
        .map_err(|error| error.to_string())?;
    while let Some(step) = steps.next().await {
        let step = step.map_err(|error| error.to_string())?;
        if let Some(done) = finish(step, inputs).await {
            return done.map(|text| match text.is_empty() {
                true => format!("{}: {past}", domains.join(", ")),
                false => text,
            });
        }
    }
    Err("connection to the instance lost before the operation completed".to_owned())
}

async fn reload(client: &ControlClient, inputs: &Sender<Input>) -> Result<String, String> {
    let request = ReloadRequest::default();
    let mut steps = client
        .reload(request)
        .await
        .map_err(|error| error.to_string())?;
    let mut findings = String::new();
    while let Some(step) = steps.next().await {
        let ReloadProgress { step } = step.map_err(|error| error.to_string())?;
        match step {
            Some(reload_progress::Step::Progress(progress)) => {
                if let Some(done) = finish(progress, inputs).await {
                    return done.map_err(|text| match findings.is_empty() {
                        true => text,
                        false => format!("{text}: {findings}"),
                    });
                }
            }
            Some(reload_progress::Step::Findings(found)) => {
                findings = found.texts.into_iter().next().unwrap_or_default();
            }
            Some(reload_progress::Step::Plan(_)) | None => {}
        }
    }
    Err("connection to the instance lost before the operation completed".to_owned())
}

/// Passes a step on, or returns the outcome.
async fn finish(step: Progress, inputs: &Sender<Input>) -> Option<Result<String, String>> {
    if let Some(outcome) = step.outcome {
        let is_done = outcome.kind() == Kind::Done;
        return Some(if is_done {
            Ok(outcome.message)
        } else {
            Err(outcome.message)
        });
    }
    let text = match step.domain.is_empty() {
        true => step.message,
        false => format!("{}: {}", step.domain, step.message),
    };
    let _ = inputs.send(Input::Progress(text)).await;
    None
}
