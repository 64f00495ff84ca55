//! What keys mean. The help, the palette and the keys are one table.

use super::input::Verb;
use crate::term::Key;

/// The lower part of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pane {
    /// Lines of the selected domain, or of all.
    #[default]
    Logs,
    /// What happened.
    Events,
    /// Who depends on whom.
    Tree,
    /// One domain in full.
    Detail,
}

impl Pane {
    /// All, in order.
    pub const ALL: [Self; 4] = [Self::Logs, Self::Events, Self::Tree, Self::Detail];

    /// The title.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Logs => "Logs",
            Self::Events => "Events",
            Self::Tree => "Tree",
            Self::Detail => "Detail",
        }
    }

    /// The one after, or before.
    pub fn neighbor(self, forward: bool) -> Self {
        let at = Self::ALL.iter().position(|pane| *pane == self);
        let step = if forward { 1 } else { Self::ALL.len() - 1 };
        Self::ALL[(at.unwrap_or_default() + step) % Self::ALL.len()]
    }
}

/// What a user wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intent {
    /// To select the domain so many rows below.
    Move(isize),
    /// To scroll by so many lines.
    Scroll(isize),
    /// To scroll by pages.
    Page(isize),
    /// To see the start.
    ToStart,
    /// To see the end.
    ToEnd,
    /// To move sideways.
    Shift(isize),
    /// To see another pane.
    Show(Pane),
    /// The next pane, or the one before.
    NextPane(bool),
    /// To give the pane the whole screen.
    Zoom,
    /// To change the selected domain.
    Change(Verb),
    /// To restart all domains.
    RestartAll,
    /// To apply the configuration.
    Reload,
    /// To see some domains only.
    Filter,
    /// To search the logs.
    Search,
    /// The next match, older or newer.
    Match {
        /// Toward older lines.
        older: bool,
    },
    /// To see lines that match only.
    OnlyMatches,
    /// To stop or start following.
    Follow,
    /// To see another level.
    Level,
    /// To wrap lines.
    Wrap,
    /// To see JSON on several lines.
    Pretty,
    /// To see lines and events of all domains.
    All,
    /// To see times.
    Timestamps,
    /// To forget the lines so far.
    Clear,
    /// To sort otherwise.
    Sort,
    /// To see other colors.
    Theme,
    /// To give the mouse to the terminal, or to take it.
    Mouse,
    /// To choose a command by its name.
    Palette,
    /// To see the keys.
    Help,
    /// To draw everything again.
    Redraw,
    /// To stop the program for a while.
    Suspend,
    /// To close what is open, or undo what narrows the view.
    Back,
    /// To end.
    Quit,
}

/// Keys for an intent.
#[derive(Debug)]
pub struct Binding {
    /// The keys.
    pub keys: &'static [Key],
    /// Their names.
    pub label: &'static str,
    /// What they do, for the palette and the help; empty where only keys make sense.
    pub title: &'static str,
    /// What that is.
    pub intent: Intent,
}

const fn bind(
    keys: &'static [Key],
    label: &'static str,
    title: &'static str,
    intent: Intent,
) -> Binding {
    Binding {
        keys,
        label,
        title,
        intent,
    }
}

/// All keys, in the order of the help.
pub const BINDINGS: &[Binding] = &[
    bind(
        &[Key::Down, Key::Char('j')],
        "↓ j",
        "Select the next domain",
        Intent::Move(1),
    ),
    bind(
        &[Key::Up, Key::Char('k')],
        "↑ k",
        "Select the previous domain",
        Intent::Move(-1),
    ),
    bind(
        &[Key::Char('r')],
        "r",
        "Restart the domain",
        Intent::Change(Verb::Restart),
    ),
    bind(
        &[Key::Char('s')],
        "s",
        "Start the domain",
        Intent::Change(Verb::Start),
    ),
    bind(
        &[Key::Char('x')],
        "x",
        "Stop the domain",
        Intent::Change(Verb::Stop),
    ),
    bind(
        &[Key::Char('X')],
        "X",
        "Kill the domain",
        Intent::Change(Verb::Kill),
    ),
    bind(
        &[Key::Char('R')],
        "R",
        "Restart all domains",
        Intent::RestartAll,
    ),
    bind(
        &[Key::Ctrl('r')],
        "^R",
        "Reload the configuration",
        Intent::Reload,
    ),
    bind(
        &[Key::Char('f')],
        "f",
        "Filter domains by name",
        Intent::Filter,
    ),
    bind(
        &[Key::Char('o')],
        "o",
        "Sort by the next column",
        Intent::Sort,
    ),
    bind(
        &[Key::Char('1')],
        "1",
        "Show the logs",
        Intent::Show(Pane::Logs),
    ),
    bind(
        &[Key::Char('2')],
        "2",
        "Show the events",
        Intent::Show(Pane::Events),
    ),
    bind(
        &[Key::Char('3')],
        "3",
        "Show the dependency tree",
        Intent::Show(Pane::Tree),
    ),
    bind(
        &[Key::Char('4')],
        "4",
        "Show the details",
        Intent::Show(Pane::Detail),
    ),
    bind(
        &[Key::Tab],
        "Tab",
        "Show the next pane",
        Intent::NextPane(true),
    ),
    bind(
        &[Key::BackTab],
        "⇧Tab",
        "Show the previous pane",
        Intent::NextPane(false),
    ),
    bind(
        &[Key::Enter, Key::Char('z')],
        "⏎ z",
        "Zoom the pane",
        Intent::Zoom,
    ),
    bind(
        &[Key::PageUp, Key::Ctrl('b')],
        "PgUp",
        "Scroll up",
        Intent::Page(-1),
    ),
    bind(
        &[Key::PageDown, Key::Char(' ')],
        "PgDn",
        "Scroll down",
        Intent::Page(1),
    ),
    bind(&[Key::Ctrl('u')], "^U", "", Intent::Page(-1)),
    bind(&[Key::Ctrl('d')], "^D", "", Intent::Page(1)),
    bind(&[Key::Ctrl('y')], "^Y", "", Intent::Scroll(-1)),
    bind(&[Key::Ctrl('e')], "^E", "", Intent::Scroll(1)),
    bind(
        &[Key::Home, Key::Char('g')],
        "Home g",
        "Go to the start",
        Intent::ToStart,
    ),
    bind(
        &[Key::End, Key::Char('G')],
        "End G",
        "Go to the end",
        Intent::ToEnd,
    ),
    bind(&[Key::Left, Key::Char('h')], "← h", "", Intent::Shift(-8)),
    bind(&[Key::Right, Key::Char('l')], "→ l", "", Intent::Shift(8)),
    bind(
        &[Key::Char('F')],
        "F",
        "Follow new lines or stop",
        Intent::Follow,
    ),
    bind(
        &[Key::Char('a')],
        "a",
        "Logs and events of all domains",
        Intent::All,
    ),
    bind(&[Key::Char('/')], "/", "Search the logs", Intent::Search),
    bind(
        &[Key::Char('n')],
        "n",
        "Next older match",
        Intent::Match { older: true },
    ),
    bind(
        &[Key::Char('N')],
        "N",
        "Next newer match",
        Intent::Match { older: false },
    ),
    bind(
        &[Key::Char('&')],
        "&",
        "Show lines that match only",
        Intent::OnlyMatches,
    ),
    bind(&[Key::Char('v')], "v", "Show another level", Intent::Level),
    bind(&[Key::Char('w')], "w", "Wrap long lines", Intent::Wrap),
    bind(
        &[Key::Char('J')],
        "J",
        "Show JSON on several lines",
        Intent::Pretty,
    ),
    bind(&[Key::Char('T')], "T", "Show times", Intent::Timestamps),
    bind(
        &[Key::Char('c')],
        "c",
        "Clear the logs on the screen",
        Intent::Clear,
    ),
    bind(&[Key::Char('C')], "C", "Use other colors", Intent::Theme),
    bind(
        &[Key::Char('m')],
        "m",
        "Give the mouse to the terminal",
        Intent::Mouse,
    ),
    bind(
        &[Key::Char(':'), Key::Ctrl('p')],
        ": ^P",
        "",
        Intent::Palette,
    ),
    bind(
        &[Key::Char('?'), Key::F(1)],
        "? F1",
        "Show the keys",
        Intent::Help,
    ),
    bind(
        &[Key::Ctrl('l')],
        "^L",
        "Draw the screen again",
        Intent::Redraw,
    ),
    bind(&[Key::Ctrl('z')], "^Z", "", Intent::Suspend),
    bind(&[Key::Esc], "Esc", "", Intent::Back),
    bind(
        &[Key::Char('q'), Key::F(10), Key::Ctrl('c')],
        "q",
        "Quit; domains keep running",
        Intent::Quit,
    ),
];

/// What a key means.
pub(crate) fn intent_of(key: Key) -> Option<Intent> {
    let binding = BINDINGS.iter().find(|binding| binding.keys.contains(&key));
    binding.map(|binding| binding.intent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_has_two_meanings() {
        let mut keys: Vec<Key> = BINDINGS
            .iter()
            .flat_map(|binding| binding.keys)
            .copied()
            .collect();
        let count = keys.len();
        keys.sort_by_key(|key| format!("{key:?}"));
        keys.dedup();
        assert_eq!(keys.len(), count);
    }

    #[test]
    fn panes_are_a_ring() {
        assert_eq!(Pane::Detail.neighbor(true), Pane::Logs);
        assert_eq!(Pane::Logs.neighbor(false), Pane::Detail);
        assert_eq!(intent_of(Key::Char('4')), Some(Intent::Show(Pane::Detail)));
    }
}
