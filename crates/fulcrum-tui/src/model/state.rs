//! Everything that is shown.

use std::time::Duration;

use fulcrum_rpc::control::{Domain, Instance};

use super::areas::Areas;
use super::event_list::EventList;
use super::input::{Effect, Now};
use super::intent::Pane;
use super::log_view::{LogTarget, LogView};
use super::overlay::Overlay;
use super::table::DomainTable;

/// How long a message stays.
pub(super) const NOTICE_TIME: Duration = Duration::from_secs(6);

/// The connection to the instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// Not yet.
    Connecting,
    /// There is one.
    Connected,
    /// It is gone since then.
    Lost {
        /// When.
        since: Duration,
        /// Why.
        reason: String,
    },
}

/// The tone of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Something goes on.
    Plain,
    /// It went well.
    Good,
    /// It failed.
    Bad,
}

/// A message for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What it says.
    pub text: String,
    /// How.
    pub tone: Tone,
    /// Until when.
    pub(super) until: Duration,
}

/// Everything that is shown.
#[derive(Debug)]
pub struct Model {
    /// Columns and rows of the window.
    pub size: (u16, u16),
    /// The time of the last input.
    pub now: Now,
    /// The connection.
    pub link: Link,
    /// The instance.
    pub instance: Option<Instance>,
    /// The domains.
    pub table: DomainTable,
    /// The logs.
    pub logs: LogView,
    /// What happened.
    pub events: EventList,
    /// The domain of the detail pane.
    pub details: Option<Domain>,
    /// The lower part of the screen.
    pub pane: Pane,
    /// Whether that is all of the screen.
    pub zoomed: bool,
    /// The first row of a pane other than the logs.
    pub scroll: usize,
    /// Whether logs and events are those of all domains.
    pub all: bool,
    /// What lies over the screen.
    pub overlay: Option<Overlay>,
    /// A message.
    pub notice: Option<Notice>,
    /// The number of the color theme.
    pub theme: usize,
    /// Whether the mouse is used.
    pub mouse: bool,
    /// How many actions are under way.
    pub busy: usize,
    /// Whether the screen is out of date.
    pub(super) dirty: bool,
    /// Lines have to be asked for again: the connection is another one.
    pub(super) is_feed_stale: bool,
    /// The domain whose details were asked for.
    pub(super) details_of: Option<String>,
    /// When the measurements were taken last.
    pub(super) sampled: Option<Duration>,
}

impl Model {
    /// A model for a window of this size.
    pub fn new(size: (u16, u16), theme: usize, now: Now) -> Self {
        Self {
            size,
            now,
            link: Link::Connecting,
            instance: None,
            table: DomainTable::default(),
            logs: LogView::default(),
            events: EventList::default(),
            details: None,
            pane: Pane::default(),
            zoomed: false,
            scroll: 0,
            all: false,
            overlay: None,
            notice: None,
            theme,
            mouse: true,
            busy: 0,
            dirty: true,
            is_feed_stale: false,
            details_of: None,
            sampled: None,
        }
    }

    /// The parts of the screen.
    pub fn areas(&self) -> Areas {
        let domains = self.table.visible().count();
        Areas::new(self.size.0, self.size.1, domains, self.zoomed)
    }

    /// The name of the selected domain.
    pub fn selected(&self) -> Option<&str> {
        self.table.selected().map(|row| row.state.name.as_str())
    }

    /// Whether the screen is out of date.
    pub fn is_dirty(&self) -> bool {
        self.dirty
    }

    /// The screen is out of date for a reason that is no input.
    pub fn set_dirty(&mut self) {
        self.dirty = true;
    }

    /// Whether the screen is out of date. It is not after this.
    pub fn take_dirty(&mut self) -> bool {
        std::mem::take(&mut self.dirty)
    }

    /// Shows a message for a while.
    pub(super) fn notify(&mut self, text: impl Into<String>, tone: Tone) {
        self.notice = Some(Notice {
            text: text.into(),
            tone,
            until: self.now.elapsed + NOTICE_TIME,
        });
    }

    /// Asks for the lines and details that are to be shown now.
    pub(super) fn request_shown(&mut self, effects: &mut Vec<Effect>) {
        if self.link != Link::Connected {
            return;
        }
        let target = match (self.all, self.selected()) {
            (true, _) => LogTarget::All,
            (false, Some(name)) => LogTarget::Domain(name.to_owned()),
            (false, None) => LogTarget::None,
        };
        if target != self.logs.target || self.is_feed_stale {
            self.is_feed_stale = false;
            self.follow(target, effects);
        }
        let selected = self.selected().map(str::to_owned);
        if self.pane == Pane::Detail && selected != self.details_of {
            effects.extend(selected.clone().map(Effect::Details));
            self.details_of = selected;
        }
    }

    /// Asks for lines.
    pub(super) fn follow(&mut self, target: LogTarget, effects: &mut Vec<Effect>) {
        let domains = match &target {
            LogTarget::Domain(name) => vec![name.clone()],
            LogTarget::None | LogTarget::All => Vec::new(),
        };
        let is_some = target != LogTarget::None;
        let feed = self.logs.retarget(target);
        if is_some {
            effects.push(Effect::Follow { feed, domains });
        }
    }
}
