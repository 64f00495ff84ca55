//! The one way in which the model changes.

use fulcrum_rpc::control::{Domain, Instance};

use super::input::{Action, Effect, Input, Now};
use super::intent::{Intent, Pane};
use super::state::{Link, Model, Tone};
use crate::term::TermEvent;

/// Measurements are for bars of one second each.
const SAMPLE_MILLIS: u128 = 900;

impl Model {
    /// Takes one input, and returns what is to be done.
    pub fn update(&mut self, input: Input, now: Now) -> Vec<Effect> {
        self.now = now;
        let mut effects = Vec::new();
        // Most inputs show.
        let mut shows = true;
        match input {
            Input::Term(event) => self.on_terminal(event, &mut effects),
            Input::Resize { columns, rows } => {
                self.size = (columns, rows);
                effects.push(Effect::Redraw);
            }
            Input::Connected(instance) => self.on_connected(*instance, &mut effects),
            Input::Disconnected(reason) => self.on_disconnected(reason),
            Input::Status(domains) => self.on_status(domains, &mut effects),
            Input::Details(domain) => self.details = Some(*domain),
            Input::Lines { feed, items } => {
                let changed = feed == self.logs.feed && self.logs.push(items);
                shows = changed && self.pane == Pane::Logs;
            }
            Input::Event(event) => {
                effects.push(Effect::Refresh);
                self.events.push(*event);
            }
            Input::Progress(text) => self.notify(text, Tone::Plain),
            Input::Outcome(outcome) => {
                self.busy = self.busy.saturating_sub(1);
                match outcome {
                    Ok(text) => self.notify(text, Tone::Good),
                    Err(text) => self.notify(text, Tone::Bad),
                }
                effects.push(Effect::Refresh);
            }
            Input::Tick => {}
        }
        if self
            .notice
            .as_ref()
            .is_some_and(|notice| notice.until <= now.elapsed)
        {
            self.notice = None;
        }
        self.request_shown(&mut effects);
        self.dirty |= shows;
        effects
    }

    fn on_terminal(&mut self, event: TermEvent, effects: &mut Vec<Effect>) {
        match event {
            TermEvent::Key(key) => self.on_key(key, effects),
            TermEvent::Mouse(mouse) => self.on_mouse(mouse, effects),
            TermEvent::Paste(text) => self.on_paste(&text),
            TermEvent::Focus(_) => {}
            TermEvent::Closed => effects.push(Effect::Quit),
        }
    }

    fn on_connected(&mut self, instance: Instance, effects: &mut Vec<Effect>) {
        let is_other = self
            .instance
            .as_ref()
            .is_some_and(|old| (old.pid, &old.started_at) != (instance.pid, &instance.started_at));
        if is_other {
            self.logs.note(&format!(
                "connected to a new instance (pid {})",
                instance.pid
            ));
            self.notify(
                format!("connected to a new instance (pid {})", instance.pid),
                Tone::Good,
            );
        } else if self.instance.is_some() {
            self.logs.clear();
        }
        self.link = Link::Connected;
        self.instance = Some(instance);
        self.events.clear();
        self.details_of = None;
        // Actions of a connection that is gone have no outcome.
        self.busy = 0;
        self.is_feed_stale = true;
        effects.push(Effect::Refresh);
    }

    fn on_disconnected(&mut self, reason: String) {
        if let Link::Lost { reason: old, .. } = &mut self.link {
            *old = reason;
            return;
        }
        self.link = Link::Lost {
            since: self.now.elapsed,
            reason,
        };
        self.busy = 0;
    }

    fn on_status(&mut self, domains: Vec<Domain>, effects: &mut Vec<Effect>) {
        let due = self.sampled.is_none_or(|last| {
            (self.now.elapsed.saturating_sub(last)).as_millis() >= SAMPLE_MILLIS
        });
        if due {
            self.sampled = Some(self.now.elapsed);
        }
        self.table.apply(domains, due);
        if due && self.pane == Pane::Detail {
            effects.extend(self.selected().map(|name| Effect::Details(name.to_owned())));
        }
    }

    /// Sends a request, if there is somebody to send it to.
    pub(super) fn act(&mut self, action: Action, effects: &mut Vec<Effect>) {
        if self.link != Link::Connected {
            self.notify("no connection to an instance", Tone::Bad);
            return;
        }
        self.busy += 1;
        self.notify(describe(&action), Tone::Plain);
        effects.push(Effect::Act(action));
    }

    /// Does what the palette or a key asks for.
    pub(super) fn run(&mut self, intent: Intent, effects: &mut Vec<Effect>) {
        match intent {
            Intent::Move(_)
            | Intent::Scroll(_)
            | Intent::Page(_)
            | Intent::ToStart
            | Intent::ToEnd
            | Intent::Shift(_)
            | Intent::Show(_)
            | Intent::NextPane(_)
            | Intent::Zoom => self.navigate(intent),
            Intent::Filter | Intent::Search | Intent::Palette | Intent::Help => self.open(intent),
            Intent::Change(_) | Intent::RestartAll | Intent::Reload => self.ask(intent, effects),
            Intent::Match { .. }
            | Intent::OnlyMatches
            | Intent::Follow
            | Intent::Level
            | Intent::Wrap
            | Intent::Pretty
            | Intent::All
            | Intent::Timestamps
            | Intent::Clear => self.change_logs(intent),
            Intent::Sort => {
                self.table.sort_by_next();
                let by = self.table.sort().as_str();
                self.notify(format!("sorted by {by}"), Tone::Plain);
            }
            Intent::Theme => self.theme += 1,
            Intent::Mouse => {
                self.mouse = !self.mouse;
                let owner = if self.mouse { "top" } else { "the terminal" };
                self.notify(format!("the mouse belongs to {owner}"), Tone::Plain);
                effects.push(Effect::Mouse(self.mouse));
            }
            Intent::Redraw => effects.push(Effect::Redraw),
            Intent::Suspend => effects.push(Effect::Suspend),
            Intent::Back => self.back(),
            Intent::Quit => effects.push(Effect::Quit),
        }
    }
}

/// An action as a message.
pub(super) fn describe(action: &Action) -> String {
    match action {
        Action::Reload => "reload the configuration".to_owned(),
        Action::Change { verb, domains } => match domains.as_slice() {
            [all] if all == "all" => format!("{} all domains", verb.as_str()),
            names => format!("{} {}", verb.as_str(), names.join(", ")),
        },
    }
}
