//! The driver of the keys of `fulcrum dev`: reads the terminal, is a client of the instance in the same
//! process, and writes through the one thread that writes to the terminal.

use std::io;
use std::time::Duration;

use fulcrum_rpc::control::{Domain, Event, EventsRequest, LogsRequest, StatusRequest, log_record};
use fulcrum_rpc::{ControlClient, RuntimeDir};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, channel, unbounded_channel};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use super::keys::{DevEffect, DevKeys};
use super::line_filter::LineFilter;
use super::notify::Notify;
use super::screen::ScreenHandle;
use super::summary::{DevInfo, all_ready, progress, summary, window_title};
use crate::model::{Action, Verb};
use crate::term::{self, ColorDepth, InputReader, Key, ModeGuard, Modes, TermEvent};
use crate::top::{self, TopOptions, act, window_size};
use crate::view::app_name;

/// How often the state is read while domains start, and how soon after an event.
const STATUS_INTERVAL: Duration = Duration::from_millis(500);
const REFRESH_DELAY: Duration = Duration::from_millis(60);

/// The sign that something goes on turns this fast.
const SPINNER_INTERVAL: Duration = Duration::from_millis(120);

/// How often a job in the background looks whether it is in the foreground again.
const BACKGROUND_INTERVAL: Duration = Duration::from_secs(1);

/// How many of the last lines are searched, and how many are shown again.
const SEARCHED_LINES: u64 = 5_000;
const SHOWN_LINES: usize = 20;

/// What the keys are for.
#[derive(Debug)]
pub struct DevOptions {
    /// Where the instance is found.
    pub dir: RuntimeDir,
    /// Whoever writes to the terminal.
    pub screen: ScreenHandle,
    /// What is known of the instance.
    pub info: DevInfo,
    /// Whether colors and movements of the cursor are wanted.
    pub color: bool,
    /// The colors of the full-screen view.
    pub depth: ColorDepth,
    /// How failures are told.
    pub notify: Notify,
    /// Whether the window's title is set.
    pub title: bool,
    /// Whether the full-screen view is shown first.
    pub full_screen: bool,
}

/// What the instance is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DevRequest {
    /// To shut down, as for Ctrl-C.
    Quit,
    /// To end at once: SIGQUIT.
    Abort,
}

/// The task that reads keys.
#[derive(Debug)]
pub struct DevCompanion {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl DevCompanion {
    /// Starts it.
    ///
    /// # Errors
    /// The system rejects the handlers of signals.
    pub fn start(options: DevOptions, requests: UnboundedSender<DevRequest>) -> io::Result<Self> {
        let resume = SignalKind::from_raw(rustix::process::Signal::CONT.as_raw());
        let signals = (signal(resume)?, signal(SignalKind::quit())?);
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(Companion::new(options, requests).run(signals, stopped));
        Ok(Self { stop, task })
    }

    /// Ends it and restores the terminal.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        let _ = self.task.await;
    }
}

/// Everything that wakes the task.
enum WakeUp {
    Term(Option<TermEvent>),
    Event(Option<Event>),
    Status,
    Spin,
    Foreground,
    Continued,
    Abort,
    Stop,
}

struct Companion {
    options: DevOptions,
    requests: UnboundedSender<DevRequest>,
    keys: DevKeys,
    client: Option<ControlClient>,
    domains: Vec<Domain>,
    events: UnboundedReceiver<Event>,
    events_sender: UnboundedSender<Event>,
    term: (UnboundedSender<TermEvent>, UnboundedReceiver<TermEvent>),
    /// None while the terminal is somebody else's.
    terminal: Option<(InputReader, ModeGuard)>,
    next_status: Option<Instant>,
    is_focused: bool,
    was_ready: bool,
    frame: usize,
    status: Option<String>,
    title: String,
}

impl Companion {
    fn new(options: DevOptions, requests: UnboundedSender<DevRequest>) -> Self {
        let (events_sender, events) = unbounded_channel();
        Self {
            options,
            requests,
            keys: DevKeys::default(),
            client: None,
            domains: Vec::new(),
            events,
            events_sender,
            term: unbounded_channel(),
            terminal: None,
            next_status: Some(Instant::now()),
            // Until the terminal tells otherwise, nobody is known to look.
            is_focused: false,
            was_ready: false,
            frame: 0,
            status: None,
            title: String::new(),
        }
    }

    async fn run(mut self, mut signals: (Signal, Signal), mut stopped: watch::Receiver<bool>) {
        self.take_terminal();
        self.connect().await;
        if self.options.full_screen {
            self.full_screen(&mut stopped).await;
        }
        loop {
            match self.wait(&mut signals, &mut stopped).await {
                WakeUp::Stop => break,
                WakeUp::Abort => {
                    self.leave_terminal();
                    let _ = self.requests.send(DevRequest::Abort);
                }
                WakeUp::Term(Some(TermEvent::Key(key))) => self.on_key(key, &mut stopped).await,
                WakeUp::Term(Some(TermEvent::Focus(focused))) => self.is_focused = focused,
                WakeUp::Term(Some(TermEvent::Closed) | None) => self.leave_terminal(),
                WakeUp::Term(Some(TermEvent::Mouse(_) | TermEvent::Paste(_))) => {}
                WakeUp::Event(Some(event)) => self.on_event(&event),
                WakeUp::Event(None) => {}
                WakeUp::Status => self.read_status().await,
                WakeUp::Spin => {
                    self.frame += 1;
                    self.show_status();
                }
                WakeUp::Foreground => self.take_terminal(),
                WakeUp::Continued => {
                    self.leave_terminal();
                    self.take_terminal();
                    self.status = None;
                    self.show_status();
                }
            }
        }
        self.options.screen.status(None);
        self.options.screen.pause(false);
        self.leave_terminal();
    }

    async fn wait(
        &mut self,
        (resume, quit): &mut (Signal, Signal),
        stopped: &mut watch::Receiver<bool>,
    ) -> WakeUp {
        let now = Instant::now();
        let status_at = self.next_status.unwrap_or(now);
        let is_spinning = self.options.color && !self.was_ready && !self.domains.is_empty();
        tokio::select! {
            biased;
            () = is_stopped(stopped) => WakeUp::Stop,
            Some(()) = quit.recv() => WakeUp::Abort,
            Some(()) = resume.recv() => WakeUp::Continued,
            event = self.term.1.recv() => WakeUp::Term(event),
            event = self.events.recv() => WakeUp::Event(event),
            () = sleep_until(status_at), if self.next_status.is_some() => WakeUp::Status,
            () = sleep_until(now + BACKGROUND_INTERVAL), if self.terminal.is_none() => WakeUp::Foreground,
            () = sleep_until(now + SPINNER_INTERVAL), if is_spinning => WakeUp::Spin,
        }
    }

    /// Reads keys, unless the job is in the background, or the terminal is gone.
    fn take_terminal(&mut self) {
        if self.terminal.is_some() || !term::is_interactive() || !term::is_foreground() {
            return;
        }
        let modes = Modes {
            focus: self.options.notify != Notify::Off,
            title: self.options.title,
            ..Modes::default()
        };
        let taken = term::enter(modes)
            .and_then(|guard| Ok((InputReader::start(self.term.0.clone())?, guard)));
        self.terminal = taken.ok();
        self.title.clear();
    }

    fn leave_terminal(&mut self) {
        self.terminal = None;
    }

    async fn connect(&mut self) {
        // Without it keys only filter lines.
        let Ok(client) = ControlClient::connect(&self.options.dir).await else {
            return;
        };
        let (reader, sender) = (client.clone(), self.events_sender.clone());
        tokio::spawn(async move {
            let request = EventsRequest {
                follow: true,
                ..EventsRequest::default()
            };
            let Ok(mut events) = reader.events(request).await else {
                return;
            };
            while let Some(Ok(event)) = events.next().await {
                if sender.send(event).is_err() {
                    return;
                }
            }
        });
        self.client = Some(client);
    }

    fn on_event(&mut self, event: &Event) {
        let soon = Instant::now() + REFRESH_DELAY;
        self.next_status = Some(self.next_status.map_or(soon, |at| at.min(soon)));
        let app = app_name(&self.options.info.app);
        if let Some(sequence) = self.options.notify.sequence(app, event)
            && !self.is_focused
        {
            self.options.screen.raw(sequence);
        }
    }

    async fn read_status(&mut self) {
        self.next_status = None;
        let Some(client) = &self.client else {
            return;
        };
        let Ok(status) = client.status(StatusRequest::default()).await else {
            return;
        };
        self.domains = status.domains;
        let names = self
            .domains
            .iter()
            .map(|domain| domain.name.clone())
            .collect();
        self.keys.set_domains(names);
        if !self.was_ready && all_ready(&self.domains) {
            self.was_ready = true;
            self.options
                .screen
                .print(summary(&self.domains, self.options.color));
        }
        if !self.was_ready {
            self.next_status = Some(Instant::now() + STATUS_INTERVAL);
        }
        if self.options.title && self.terminal.is_some() {
            let title = window_title(&self.options.info.app, &self.domains);
            if title != self.title {
                self.options.screen.raw(format!("\x1b]2;{title}\x07"));
                self.title = title;
            }
        }
        self.show_status();
    }

    /// Sets the row below the lines, if it has changed.
    fn show_status(&mut self) {
        let starting = || {
            let columns = usize::from(window_size().0);
            progress(&self.domains, self.frame, columns).filter(|_| !self.was_ready)
        };
        let status = self.keys.status().or_else(starting);
        if !self.options.color || status == self.status {
            return;
        }
        self.status.clone_from(&status);
        self.options.screen.status(status);
    }

    async fn on_key(&mut self, key: Key, stopped: &mut watch::Receiver<bool>) {
        let was_prompting = self.keys.is_prompting();
        for effect in self.keys.on_key(key) {
            match effect {
                DevEffect::Restart(domains) => self.restart(domains),
                DevEffect::Show(filter) => self.show(filter).await,
                DevEffect::Pause(paused) => self.options.screen.pause(paused),
                DevEffect::Print(text) => self.options.screen.print(text),
                DevEffect::Clear if self.options.color => {
                    self.options.screen.raw("\x1b[H\x1b[2J\x1b[3J".to_owned());
                }
                DevEffect::Clear => {}
                DevEffect::Addresses => self.print_addresses(),
                DevEffect::Inspectors => self.print_inspectors(),
                DevEffect::FullScreen => self.full_screen(stopped).await,
                DevEffect::Suspend => self.suspend().await,
                DevEffect::Quit => {
                    let _ = self.requests.send(DevRequest::Quit);
                }
            }
        }
        // Without movements of the cursor, a question is a line.
        if !self.options.color && !was_prompting && self.keys.is_prompting() {
            let question = self.keys.status().unwrap_or_default();
            self.options.screen.print(question.replace('▏', ""));
        }
        self.show_status();
    }

    fn restart(&self, domains: Vec<String>) {
        let Some(client) = self.client.clone() else {
            return;
        };
        let screen = self.options.screen.clone();
        let action = Action::Change {
            verb: Verb::Restart,
            domains,
        };
        tokio::spawn(async move {
            // The steps are lines of the log anyway.
            if let Err(error) = act(&client, &action, &channel(1).0).await {
                screen.print(format!("restart: {error}"));
            }
        });
    }

    /// Shows other lines, and again the last ones of those.
    async fn show(&self, filter: LineFilter) {
        let recent = match (&self.client, filter.is_all()) {
            (Some(client), false) => recent_lines(client, &filter, self.name_width()).await,
            _ => Vec::new(),
        };
        self.options.screen.filter(filter);
        if !recent.is_empty() {
            self.options.screen.print(recent.join("\n"));
        }
    }

    /// The width of the names before lines.
    fn name_width(&self) -> usize {
        let widths = self
            .domains
            .iter()
            .map(|domain| domain.name.chars().count());
        widths
            .max()
            .unwrap_or_default()
            .max(fulcrum_logs::FULCRUM_SOURCE.len())
    }

    fn print_addresses(&self) {
        let text = match &self.options.info.http {
            Some(http) => {
                format!("metrics: http://{http}/metrics; t shows the domains in full screen")
            }
            None => "no address is served; t shows the domains in full screen".to_owned(),
        };
        self.options.screen.print(text);
    }

    fn print_inspectors(&self) {
        let inspectors = self.domains.iter().filter_map(|domain| {
            let url = domain.inspector_url.as_ref()?;
            Some(format!("inspector of {}: {url}", domain.name))
        });
        let mut lines: Vec<String> = inspectors.collect();
        if lines.is_empty() {
            let text = "no domain has an inspector: `fulcrum dev --inspect` opens them";
            lines.push(text.to_owned());
        }
        for line in lines {
            self.options.screen.print(line);
        }
    }

    /// Gives the terminal to the full-screen view until it is closed.
    async fn full_screen(&mut self, stopped: &mut watch::Receiver<bool>) {
        if self.terminal.take().is_none() {
            return;
        }
        self.options.screen.hide().await;
        let options = TopOptions {
            dir: self.options.dir.clone(),
            depth: self.options.depth,
            theme: 0,
            mouse: true,
        };
        let (stop, stop_view) = oneshot::channel();
        let mut view = tokio::task::spawn_blocking(move || top::run(options, Some(stop_view)));
        let result = tokio::select! {
            result = &mut view => result,
            () = is_stopped(stopped) => {
                let _ = stop.send(());
                view.await
            }
        };
        self.take_terminal();
        self.options.screen.reveal();
        if let Ok(Err(error)) = result {
            self.options
                .screen
                .print(format!("cannot use the terminal: {error}"));
        }
        self.status = None;
    }

    async fn suspend(&mut self) {
        self.options.screen.hide().await;
        self.leave_terminal();
        // Without SIGCONT, Ctrl-Z does nothing.
        let _ = term::suspend().await;
        self.options.screen.reveal();
        self.take_terminal();
        self.status = None;
    }
}

/// Waits until the task is to end, now and whenever it is asked again.
async fn is_stopped(stopped: &mut watch::Receiver<bool>) {
    // Whoever could tell is gone: that is the end, too.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

/// The last lines that match, as they are shown.
async fn recent_lines(client: &ControlClient, filter: &LineFilter, width: usize) -> Vec<String> {
    let request = LogsRequest {
        domains: filter.domains.clone(),
        tail: Some(SEARCHED_LINES),
        ..LogsRequest::default()
    };
    let Ok(mut records) = client.logs(request).await else {
        return Vec::new();
    };
    let mut found = std::collections::VecDeque::new();
    while let Some(Ok(record)) = records.next().await {
        let Some(log_record::Record::Line(line)) = record.record else {
            continue;
        };
        if !filter.matches_message(&line) {
            continue;
        }
        if found.len() == SHOWN_LINES {
            found.pop_front();
        }
        let mut text = Vec::new();
        fulcrum_logs::sanitize(&line.message, false, &mut text);
        let text = String::from_utf8_lossy(&text);
        found.push_back(format!("{:width$} │ {text}", line.domain));
    }
    found.into()
}
