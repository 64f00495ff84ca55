//! What reaches the model, and what it asks for.

use std::time::{Duration, SystemTime};

use fulcrum_rpc::control::{Domain, Event, Instance, LogLine};

use crate::term::TermEvent;

/// The time of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Since the program has started.
    pub elapsed: Duration,
    /// The time of day.
    pub wall: SystemTime,
}

/// Something of the logs.
#[derive(Debug, Clone, PartialEq)]
pub enum LogItem {
    /// A line.
    Line(LogLine),
    /// So many lines were left out here; none if their number is not known.
    Missed(Option<u64>),
}

/// Everything that can happen.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// A key, the mouse, the focus.
    Term(TermEvent),
    /// The window has this size now.
    Resize {
        /// Its columns.
        columns: u16,
        /// Its rows.
        rows: u16,
    },
    /// There is a connection to an instance.
    Connected(Box<Instance>),
    /// There is none, and why.
    Disconnected(String),
    /// All domains as they are now.
    Status(Vec<Domain>),
    /// One domain with its details.
    Details(Box<Domain>),
    /// Lines of the feed with this number.
    Lines {
        /// The number of [`Effect::Follow`].
        feed: u64,
        /// The lines.
        items: Vec<LogItem>,
    },
    /// Something happened to a domain.
    Event(Box<Event>),
    /// A step of an action.
    Progress(String),
    /// The end of an action.
    Outcome(Result<String, String>),
    /// A second has passed.
    Tick,
}

/// What to do with domains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Start them.
    Start,
    /// Stop them.
    Stop,
    /// Restart them.
    Restart,
    /// Kill them.
    Kill,
}

impl Verb {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Restart => "restart",
            Self::Kill => "kill",
        }
    }
}

/// A request to the instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// To change domains.
    Change {
        /// How.
        verb: Verb,
        /// Which ones; `all` is a name.
        domains: Vec<String>,
    },
    /// To apply the configuration.
    Reload,
}

/// What the model asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Deliver the lines of these domains under this number, and no others; of all if there is none.
    Follow {
        /// Grows with each request.
        feed: u64,
        /// The domains.
        domains: Vec<String>,
    },
    /// Read the state of all domains soon.
    Refresh,
    /// Read the details of a domain.
    Details(String),
    /// Send a request to the instance.
    Act(Action),
    /// Switch the reports of the mouse.
    Mouse(bool),
    /// Draw everything again.
    Redraw,
    /// Stop this process as Ctrl-Z does.
    Suspend,
    /// End.
    Quit,
}
