//! The domains: rows, selection, order and filter.

use std::cmp::Ordering;

use fulcrum_rpc::control::Domain;

use super::history::History;

/// A domain and its latest measurements.
#[derive(Debug, Clone, Default)]
pub struct DomainRow {
    /// As the instance reports it.
    pub state: Domain,
    /// Percent of one CPU.
    pub cpu: History,
    /// Bytes.
    pub memory: History,
}

/// The order of the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SortKey {
    /// By name.
    #[default]
    Name,
    /// What needs attention first.
    Phase,
    /// The most CPU first.
    Cpu,
    /// The most memory first.
    Memory,
    /// The most restarts first.
    Restarts,
    /// The latest start first.
    Uptime,
}

impl SortKey {
    /// The next one.
    pub fn next(self) -> Self {
        match self {
            Self::Name => Self::Phase,
            Self::Phase => Self::Cpu,
            Self::Cpu => Self::Memory,
            Self::Memory => Self::Restarts,
            Self::Restarts => Self::Uptime,
            Self::Uptime => Self::Name,
        }
    }

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Phase => "phase",
            Self::Cpu => "CPU",
            Self::Memory => "memory",
            Self::Restarts => "restarts",
            Self::Uptime => "uptime",
        }
    }

    fn compare(self, one: &Domain, other: &Domain) -> Ordering {
        match self {
            Self::Name => Ordering::Equal,
            Self::Phase => urgency(one).cmp(&urgency(other)),
            Self::Cpu => other.cpu_percent.total_cmp(&one.cpu_percent),
            Self::Memory => other.memory_bytes.cmp(&one.memory_bytes),
            Self::Restarts => other.restarts.cmp(&one.restarts),
            Self::Uptime => {
                let age = |domain: &Domain| domain.pid.map_or(u64::MAX, |_| domain.uptime_ms);
                age(one).cmp(&age(other))
            }
        }
    }
}

/// The table of domains.
#[derive(Debug, Default)]
pub struct DomainTable {
    /// In the order in which they are shown.
    rows: Vec<DomainRow>,
    selected: Option<String>,
    sort: SortKey,
    filter: String,
}

impl DomainTable {
    /// Takes the state of all domains; `sampled` once a second, for the measurements.
    pub fn apply(&mut self, domains: Vec<Domain>, sampled: bool) {
        let mut old = std::mem::take(&mut self.rows);
        self.rows = domains
            .into_iter()
            .map(|state| {
                let at = old.iter().position(|row| row.state.name == state.name);
                let mut row = at.map(|at| old.swap_remove(at)).unwrap_or_default();
                // Another process has another history.
                if row.state.pid != state.pid {
                    row.cpu.clear();
                    row.memory.clear();
                }
                if sampled {
                    row.cpu.push(state.cpu_percent);
                    #[expect(clippy::cast_precision_loss, reason = "for a bar of eight steps")]
                    row.memory.push(state.memory_bytes as f64);
                }
                row.state = state;
                row
            })
            .collect();
        self.order();
    }

    /// Sorts by name, then by the chosen key.
    fn order(&mut self) {
        let sort = self.sort;
        self.rows.sort_by(|one, other| {
            let (one, other) = (&one.state, &other.state);
            let by_name = || fulcrum_rpc::control::compare_names(&one.name, &other.name);
            sort.compare(one, other).then_with(by_name)
        });
        if self.position().is_none() {
            self.selected = self.visible_name(0);
        }
    }

    /// All rows.
    pub fn rows(&self) -> &[DomainRow] {
        &self.rows
    }

    /// The rows that the filter lets through.
    pub fn visible(&self) -> impl Iterator<Item = &DomainRow> {
        self.rows.iter().filter(|row| {
            let name = row.state.name.to_lowercase();
            name.contains(&self.filter.to_lowercase())
        })
    }

    fn visible_name(&self, at: usize) -> Option<String> {
        self.visible().nth(at).map(|row| row.state.name.clone())
    }

    /// The row of the selected domain.
    pub fn selected(&self) -> Option<&DomainRow> {
        let name = self.selected.as_deref()?;
        self.visible().find(|row| row.state.name == name)
    }

    /// The number of the selected row among the visible ones.
    pub fn position(&self) -> Option<usize> {
        let name = self.selected.as_deref()?;
        self.visible().position(|row| row.state.name == name)
    }

    /// Moves the selection by so many rows.
    pub fn move_by(&mut self, rows: isize) {
        let count = self.visible().count();
        let at = self.position().unwrap_or_default();
        self.select_at(at.saturating_add_signed(rows).min(count.saturating_sub(1)));
    }

    /// Selects a visible row by its number, if there is one.
    pub fn select_at(&mut self, at: usize) {
        if let Some(name) = self.visible_name(at) {
            self.selected = Some(name);
        }
    }

    /// Selects a domain. A filter that hides it is removed.
    pub fn select(&mut self, name: &str) {
        self.selected = Some(name.to_owned());
        if self.position().is_none() {
            self.filter.clear();
        }
    }

    /// The text that visible names contain.
    pub fn filter(&self) -> &str {
        &self.filter
    }

    /// Shows only names with this text.
    pub fn set_filter(&mut self, filter: &str) {
        filter.clone_into(&mut self.filter);
        if self.position().is_none() {
            self.select_at(0);
        }
    }

    /// The order.
    pub fn sort(&self) -> SortKey {
        self.sort
    }

    /// Orders the rows by the next key.
    pub fn sort_by_next(&mut self) {
        self.sort = self.sort.next();
        self.order();
    }
}

/// What needs attention has a small number.
fn urgency(domain: &Domain) -> u8 {
    match domain.phase.as_str() {
        "stuck" | "failed" => 0,
        "backoff" => 1,
        "stopping" | "starting" | "preparing" | "waiting" => 2,
        "running" if !domain.ready => 3,
        "running" => 4,
        _ => 5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domain(name: &str, cpu_percent: f64) -> Domain {
        Domain {
            name: name.into(),
            phase: "running".into(),
            ready: true,
            pid: Some(1),
            cpu_percent,
            ..Domain::default()
        }
    }

    fn table() -> DomainTable {
        let mut table = DomainTable::default();
        let domains = [
            domain("web-10", 1.0),
            domain("web-2", 9.0),
            domain("users", 5.0),
        ];
        table.apply(domains.into(), true);
        table
    }

    fn names(table: &DomainTable) -> Vec<&str> {
        table.visible().map(|row| row.state.name.as_str()).collect()
    }

    fn selected(table: &DomainTable) -> Option<&str> {
        table.selected().map(|row| row.state.name.as_str())
    }

    #[test]
    fn rows_are_in_the_order_of_people() {
        let mut table = table();
        assert_eq!(names(&table), ["users", "web-2", "web-10"]);
        table.sort_by_next();
        table.sort_by_next();
        assert_eq!(table.sort(), SortKey::Cpu);
        assert_eq!(names(&table), ["web-2", "users", "web-10"]);
    }

    #[test]
    fn the_selection_stays_with_its_domain() {
        let mut table = table();
        assert_eq!(selected(&table), Some("users"));
        table.move_by(1);
        table.apply(vec![domain("web-2", 0.0), domain("api", 0.0)], true);
        assert_eq!(selected(&table), Some("web-2"));
        table.move_by(-5);
        assert_eq!(selected(&table), Some("api"));
        table.apply(vec![domain("web-2", 0.0)], true);
        assert_eq!(selected(&table), Some("web-2"));
        table.apply(vec![], true);
        assert_eq!(selected(&table), None);
        table.move_by(1);
    }

    #[test]
    fn a_filter_hides_rows_and_moves_the_selection_to_a_visible_one() {
        let mut table = table();
        table.set_filter("WEB");
        assert_eq!(names(&table), ["web-2", "web-10"]);
        assert_eq!(selected(&table), Some("web-2"));
        table.select("users");
        assert_eq!(names(&table).len(), 3);
        assert_eq!(selected(&table), Some("users"));
    }

    #[test]
    fn a_new_process_has_a_new_history() {
        let mut table = table();
        table.apply(vec![domain("users", 7.0)], true);
        assert_eq!(table.rows()[0].cpu.values().collect::<Vec<_>>(), [5.0, 7.0]);
        table.apply(vec![domain("users", 8.0)], false);
        assert_eq!(table.rows()[0].cpu.values().count(), 2);
        let other = Domain {
            pid: Some(2),
            ..domain("users", 1.0)
        };
        table.apply(vec![other], true);
        assert_eq!(table.rows()[0].cpu.values().collect::<Vec<_>>(), [1.0]);
    }
}
