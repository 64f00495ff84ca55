//! What of the logs is shown, and how.

use fulcrum_logs::Level;
use fulcrum_rpc::control::LogLine;

use super::input::LogItem;
use super::log_buffer::LogBuffer;
use super::log_entry::{EntryKind, LogEntry};
use crate::text::Search;

/// Whose lines are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogTarget {
    /// Nothing yet.
    None,
    /// Those of one domain.
    Domain(String),
    /// All, and the instance's own.
    All,
}

/// The logs and their presentation.
#[derive(Debug)]
pub struct LogView {
    buffer: LogBuffer,
    /// Whose lines these are.
    pub target: LogTarget,
    /// The number of the request for them.
    pub feed: u64,
    /// The entry at the bottom; none to follow new ones.
    bottom: Option<u64>,
    /// The lowest level.
    pub level: Option<Level>,
    /// What is searched for.
    search: Option<Search>,
    /// Whether only lines with it are shown.
    pub only_matches: bool,
    /// Long lines take several rows.
    pub wrap: bool,
    /// JSON takes several rows.
    pub pretty: bool,
    /// Lines begin with their time.
    pub timestamps: bool,
    /// The first column, when lines are not wrapped.
    pub shift: usize,
}

impl Default for LogView {
    fn default() -> Self {
        Self {
            buffer: LogBuffer::default(),
            target: LogTarget::None,
            feed: 0,
            bottom: None,
            level: None,
            search: None,
            only_matches: false,
            wrap: true,
            pretty: false,
            timestamps: false,
            shift: 0,
        }
    }
}

impl LogView {
    /// Begins to show the lines of others.
    pub fn retarget(&mut self, target: LogTarget) -> u64 {
        if self.target != target {
            self.buffer.clear();
            self.bottom = None;
            self.shift = 0;
        }
        self.target = target;
        self.buffer.restart_numbers();
        self.feed += 1;
        self.feed
    }

    /// Adds what was read. Returns whether something shown has changed.
    pub fn push(&mut self, items: Vec<LogItem>) -> bool {
        let before = self.buffer.len();
        let mut changed = false;
        for item in items {
            match item {
                LogItem::Line(line) => changed |= self.push_line(&line),
                LogItem::Missed(count) => {
                    self.buffer.push_missed(count);
                    changed = true;
                }
            }
        }
        // The first lines fill a page that does not follow, too.
        changed && (self.is_following() || before < 200)
    }

    fn push_line(&mut self, line: &LogLine) -> bool {
        // Debug messages of Fulcrum are for `fulcrum logs`.
        let level = line.level.as_deref();
        if line.stream == "fulcrum" && matches!(level, Some("debug" | "trace")) {
            return false;
        }
        let (level, search, only) = (self.level, self.search.as_ref(), self.only_matches);
        self.buffer
            .push_line(line, |entry| shows(entry, level, search.filter(|_| only)))
    }

    /// Adds a remark.
    pub fn note(&mut self, text: &str) {
        self.buffer.push_note(text.to_owned());
    }

    /// Forgets the lines so far.
    pub fn clear(&mut self) {
        self.buffer.clear();
        self.bottom = None;
    }

    /// The shown entries from the bottom up.
    pub fn from_bottom(&self) -> impl Iterator<Item = &LogEntry> {
        self.buffer.shown_up_to(self.bottom)
    }

    /// The shown entries below the bottom, for a page that older lines do not fill.
    pub fn below_bottom(&self) -> impl Iterator<Item = &LogEntry> {
        self.bottom
            .into_iter()
            .flat_map(|id| self.buffer.shown_after(id))
    }

    /// Whether new lines move the view.
    pub fn is_following(&self) -> bool {
        self.bottom.is_none()
    }

    /// Stops or starts to follow.
    pub fn toggle_follow(&mut self) {
        self.bottom = match self.bottom {
            None => self.buffer.shown().next_back().map(|entry| entry.id),
            Some(_) => None,
        };
    }

    /// Follows new lines.
    pub fn to_end(&mut self) {
        self.bottom = None;
    }

    /// Moves to the oldest lines; `page` of them are visible.
    pub fn to_start(&mut self, page: usize) {
        let at = page.saturating_sub(1);
        let target = self.buffer.shown().nth(at).map(|entry| entry.id);
        self.bottom = target.or(self.bottom);
    }

    /// Moves by so many entries, up if negative; `page` of them are visible.
    pub fn scroll(&mut self, entries: isize, page: usize) {
        if entries < 0 {
            let found = self.from_bottom().nth(entries.unsigned_abs());
            match found.map(|entry| entry.id) {
                // A page stays full.
                Some(id)
                    if self
                        .buffer
                        .shown_up_to(Some(id))
                        .nth(page.saturating_sub(1))
                        .is_some() =>
                {
                    self.bottom = Some(id);
                }
                _ => self.to_start(page),
            }
        } else if let Some(bottom) = self.bottom {
            let steps = entries.unsigned_abs().saturating_sub(1);
            let mut after = self.buffer.shown_after(bottom);
            let target = after.nth(steps).map(|entry| entry.id);
            // At the end it follows.
            self.bottom = target.filter(|_| after.next().is_some());
        }
    }

    /// What is searched for.
    pub fn search(&self) -> Option<&Search> {
        self.search.as_ref()
    }

    /// Searches for something else.
    pub fn set_search(&mut self, search: Option<Search>) {
        if search.is_none() {
            self.only_matches = false;
        }
        self.search = search;
        self.refilter();
    }

    /// Shows lines from this level on.
    pub fn set_level(&mut self, level: Option<Level>) {
        self.level = level;
        self.refilter();
    }

    /// Shows only lines that match, or all.
    pub fn toggle_only_matches(&mut self) {
        self.only_matches = !self.only_matches && self.search.is_some();
        self.refilter();
    }

    fn refilter(&mut self) {
        let (level, search, only) = (self.level, self.search.clone(), self.only_matches);
        let search = search.as_ref().filter(|_| only);
        self.buffer.filter(|entry| shows(entry, level, search));
    }

    /// Moves to the next older line that matches, or the next newer one. False if there is none.
    pub fn find(&mut self, older: bool) -> bool {
        let Some(search) = self.search.clone() else {
            return false;
        };
        let current = self.from_bottom().next().map(|entry| entry.id);
        let matches = |entry: &&LogEntry| search.is_in(&entry.plain());
        let found = match (older, current) {
            (_, None) => None,
            // The line at the bottom was found before, unless it follows.
            (true, Some(_)) => {
                let skip = usize::from(!self.is_following());
                self.from_bottom()
                    .skip(skip)
                    .find(matches)
                    .map(|entry| entry.id)
            }
            (false, Some(id)) => self
                .buffer
                .shown_after(id)
                .find(matches)
                .map(|entry| entry.id),
        };
        if found.is_some() {
            self.bottom = found;
        }
        found.is_some()
    }

    /// The entry that a search has found: at the bottom, if it does not follow.
    pub fn current_match(&self) -> Option<u64> {
        self.bottom.filter(|_| self.search.is_some())
    }

    /// Whether nothing was read yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of kept entries.
    pub fn len(&self) -> usize {
        self.buffer.len()
    }
}

/// Whether filters let an entry through.
fn shows(entry: &LogEntry, level: Option<Level>, only: Option<&Search>) -> bool {
    if entry.kind == EntryKind::Note {
        return true;
    }
    let is_severe = level.is_none() || entry.level >= level;
    is_severe && only.is_none_or(|search| search.is_in(&entry.plain()))
}

/// The next level of a filter: all lines, then only more and more severe ones.
pub(crate) fn next_level(level: Option<Level>) -> Option<Level> {
    match level {
        None => Some(Level::Info),
        Some(Level::Trace | Level::Debug | Level::Info) => Some(Level::Warn),
        Some(Level::Warn) => Some(Level::Error),
        Some(Level::Error | Level::Fatal) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(seq: u64, level: Option<&str>, text: &str) -> LogItem {
        LogItem::Line(LogLine {
            seq,
            domain: "users".into(),
            level: level.map(str::to_owned),
            message: text.as_bytes().to_vec(),
            ..LogLine::default()
        })
    }

    fn view() -> LogView {
        let mut view = LogView::default();
        let items = (1..=20).map(|seq| {
            let level = (seq % 10 == 0).then_some("error");
            line(seq, level, &format!("line {seq}"))
        });
        view.push(items.collect());
        view
    }

    fn bottom(view: &LogView) -> &str {
        view.from_bottom()
            .next()
            .map_or("", |entry| entry.text.as_str())
    }

    #[test]
    fn scrolling_up_stops_following_and_the_end_follows_again() {
        let mut view = view();
        view.scroll(-3, 5);
        assert_eq!((bottom(&view), view.is_following()), ("line 17", false));
        view.push(vec![line(21, None, "line 21")]);
        assert_eq!(bottom(&view), "line 17");
        view.scroll(1, 5);
        assert_eq!(bottom(&view), "line 18");
        view.scroll(10, 5);
        assert_eq!((bottom(&view), view.is_following()), ("line 21", true));
        view.scroll(-100, 5);
        assert_eq!(bottom(&view), "line 5");
        view.to_end();
        assert_eq!(bottom(&view), "line 21");
        view.to_start(5);
        assert_eq!(bottom(&view), "line 5");
    }

    #[test]
    fn a_level_hides_lesser_lines() {
        let mut view = view();
        view.set_level(Some(Level::Warn));
        let shown: Vec<_> = view.from_bottom().map(|entry| entry.text.clone()).collect();
        assert_eq!(shown, ["line 20", "line 10"]);
        view.push(vec![
            line(21, Some("info"), "x"),
            line(22, Some("fatal"), "line 22"),
        ]);
        assert_eq!(bottom(&view), "line 22");
        view.set_level(None);
        assert_eq!(view.from_bottom().count(), 22);
        let mut level = None;
        let cycle: Vec<_> = (0..4)
            .map(|_| {
                level = next_level(level);
                level
            })
            .collect();
        assert_eq!(
            cycle,
            [
                Some(Level::Info),
                Some(Level::Warn),
                Some(Level::Error),
                None
            ]
        );
    }

    #[test]
    fn a_search_moves_from_match_to_match() {
        let mut view = view();
        view.set_search(Search::new("line 1"));
        assert!(view.find(true));
        assert_eq!(bottom(&view), "line 19");
        assert!(view.find(true));
        assert_eq!(bottom(&view), "line 18");
        assert!(view.find(false));
        assert_eq!(bottom(&view), "line 19");
        assert!(!view.find(false));
        view.toggle_only_matches();
        view.to_end();
        assert_eq!(view.from_bottom().count(), 11);
        view.set_search(None);
        assert_eq!(view.from_bottom().count(), 20);
        assert!(!view.only_matches);
    }

    #[test]
    fn debug_messages_of_fulcrum_are_not_shown() {
        let mut view = LogView::default();
        let own = LogLine {
            seq: 1,
            stream: "fulcrum".into(),
            level: Some("debug".into()),
            ..LogLine::default()
        };
        view.push(vec![LogItem::Line(own)]);
        assert_eq!(view.len(), 0);
    }
}
