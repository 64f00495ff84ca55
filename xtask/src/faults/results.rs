//! The state of each row of the catalog, from the tests' outcomes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::catalog;
use super::row::Id;
use super::runner::{Outcome, ReportEntry};

/// The state of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    Passed,
    Failed,
    /// It cannot be tested here, or not by a test at all; the reason.
    NotApplicable(String),
    /// Only long tests cover it, and those were not requested.
    Long,
    /// Neither a test nor a reason.
    NoTest,
}

/// One row of the table.
#[derive(Debug, Clone)]
pub(super) struct Row {
    /// None for tests that name no row.
    pub(super) id: Option<Id>,
    pub(super) title: String,
    pub(super) state: State,
    /// How long its tests took, one after another.
    pub(super) took: Duration,
    pub(super) measurements: Vec<String>,
}

impl Row {
    /// Does it make the command fail?
    pub(super) fn is_failure(&self) -> bool {
        matches!(self.state, State::Failed | State::NoTest)
    }
}

/// The rows in the catalog's order; with `whole`, all of them, whether or not they have a test.
pub(super) fn rows(outcomes: &[Outcome], whole: bool) -> Vec<Row> {
    let mut tests: BTreeMap<Id, Vec<&Outcome>> = BTreeMap::new();
    let mut nameless = Vec::new();
    for outcome in outcomes {
        match outcome.test.row {
            Some(id) => tests.entry(id).or_default().push(outcome),
            None => nameless.push(outcome),
        }
    }
    let report: Vec<&ReportEntry> = outcomes
        .iter()
        .flat_map(|outcome| &outcome.report)
        .collect();
    let mut ids: BTreeSet<Id> = tests.keys().copied().collect();
    // A test may report a measurement, or a reason, of a row besides its own.
    ids.extend(report.iter().map(|reported| match reported {
        ReportEntry::NotApplicable(id, _) | ReportEntry::Measurement(id, _) => *id,
    }));
    if whole {
        ids.extend(catalog::ROWS.iter().map(|entry| entry.id));
    }
    let rows = ids.into_iter().map(|id| {
        let empty = Vec::new();
        let tests = tests.get(&id).unwrap_or(&empty);
        let entry = catalog::ROWS.iter().find(|entry| entry.id == id);
        let reason = report.iter().find_map(|reported| match reported {
            ReportEntry::NotApplicable(row, why) if *row == id => Some(why.as_str()),
            _ => None,
        });
        let measurements = report.iter().filter_map(|reported| match reported {
            ReportEntry::Measurement(row, text) if *row == id => Some(text.clone()),
            _ => None,
        });
        Row {
            id: Some(id),
            title: entry.map_or_else(|| title_of(tests), |entry| entry.title.to_owned()),
            state: state(tests, reason, entry.and_then(|entry| entry.untested)),
            took: tests.iter().filter_map(|test| test.took).sum(),
            measurements: measurements.collect(),
        }
    });
    let mut rows: Vec<Row> = rows.collect();
    rows.extend(nameless.into_iter().map(|test| Row {
        id: None,
        title: title_of(&[test]),
        state: state(&[test], None, None),
        took: test.took.unwrap_or_default(),
        measurements: Vec::new(),
    }));
    rows
}

fn state(tests: &[&Outcome], reason: Option<&str>, untested: Option<&str>) -> State {
    // A test that reports that its row is not applicable passes, which proves nothing else.
    let not_applicable = |test: &&Outcome| {
        let mut report = test.report.iter();
        report.any(
            |reported| matches!(reported, ReportEntry::NotApplicable(id, _) if Some(*id) == test.test.row),
        )
    };
    if tests.iter().any(|test| test.failure.is_some()) {
        return State::Failed;
    }
    let ran: Vec<_> = tests.iter().filter(|test| test.took.is_some()).collect();
    if ran.iter().any(|test| !not_applicable(test)) {
        return State::Passed;
    }
    match (reason, untested) {
        (Some(why), _) => State::NotApplicable(why.to_owned()),
        (None, _) if !tests.is_empty() => State::Long,
        (None, Some(why)) => State::NotApplicable(why.to_owned()),
        (None, None) => State::NoTest,
    }
}

/// The first test's name as a sentence, without its row.
fn title_of(tests: &[&Outcome]) -> String {
    let name = tests.first().map_or("", |test| test.test.name.as_str());
    let function = name.rsplit("::").next().unwrap_or_default();
    let rest = match Id::of_test(name) {
        Some(_) => function.split_once('_').map_or("", |(_, rest)| rest),
        None => function,
    };
    rest.replace('_', " ")
}

#[cfg(test)]
mod tests {
    use super::super::discovery::Test;
    use super::*;

    fn test(
        name: &str,
        took: Option<u64>,
        failure: Option<&str>,
        report: Vec<ReportEntry>,
    ) -> Outcome {
        Outcome {
            test: Test {
                executable: "e2e".into(),
                name: format!("faults::x::{name}"),
                row: Id::of_test(name),
                long: took.is_none(),
            },
            took: took.map(Duration::from_secs),
            failure: failure.map(str::to_owned),
            report,
        }
    }

    fn one(outcomes: &[Outcome]) -> Row {
        let mut rows = rows(outcomes, false);
        assert_eq!(rows.len(), 1, "{rows:?}");
        rows.remove(0)
    }

    #[test]
    fn a_row_passes_when_all_its_tests_do() {
        let good = test("z01_one_way", Some(2), None, vec![]);
        let bad = test("z01_another_way", Some(3), Some("no"), vec![]);
        let row = one(std::slice::from_ref(&good));
        assert_eq!((row.title.as_str(), row.state), ("one way", State::Passed));
        let row = one(&[good, bad]);
        assert_eq!(
            (row.state, row.took),
            (State::Failed, Duration::from_secs(5))
        );
    }

    #[test]
    fn a_row_that_cannot_be_tested_has_its_reason_unless_another_test_ran() {
        let why = vec![ReportEntry::NotApplicable(Id('Z', 1), "no root".to_owned())];
        let absent = test("z01_by_cgroup", Some(1), None, why);
        let row = one(std::slice::from_ref(&absent));
        assert_eq!(row.state, State::NotApplicable("no root".to_owned()));
        let row = one(&[absent, test("z01_without", Some(1), None, vec![])]);
        assert_eq!(row.state, State::Passed);
    }

    #[test]
    fn a_row_of_long_tests_only_is_not_run() {
        let row = one(&[test("z01_soak", None, None, vec![])]);
        assert_eq!((row.state, row.took), (State::Long, Duration::ZERO));
    }

    #[test]
    fn every_row_of_the_catalog_has_an_outcome_or_a_reason() {
        let rows = rows(&[], true);
        assert_eq!(rows.len(), catalog::ROWS.len());
        let row = |id| rows.iter().find(|row| row.id == Some(id)).unwrap();
        assert!(
            row(Id('A', 4)).is_failure(),
            "a row without a test must have a reason"
        );
        let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
        assert!(ids.is_sorted(), "{ids:?}");
    }

    #[test]
    fn a_measurement_belongs_to_the_row_it_names() {
        let report = vec![ReportEntry::Measurement(Id('Z', 2), "7 of 7".to_owned())];
        let rows = rows(&[test("z01_x", Some(1), None, report)], false);
        let measurements: Vec<_> = rows.iter().map(|row| row.measurements.len()).collect();
        assert_eq!(measurements, [0, 1]);
    }
}
