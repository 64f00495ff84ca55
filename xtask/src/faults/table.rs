//! The printed table: the rows, then the measurements.

use std::fmt;

use super::results::{Row, State};

/// All rows.
pub(super) struct Table<'a>(pub(super) &'a [Row]);

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.0.iter().map(|row| row.title.chars().count()).max();
        let width = width.unwrap_or_default();
        writeln!(f)?;
        for row in self.0 {
            let id = row.id.map_or_else(|| "-".to_owned(), |id| id.to_string());
            let seconds = match row.took.as_secs_f64() {
                0.0 => String::new(),
                seconds => format!("{seconds:.1} s"),
            };
            let line = format!(
                "{id:<4} {:<width$} {seconds:>8}  {}",
                row.title,
                StateText(&row.state)
            );
            writeln!(f, "{}", line.trim_end())?;
        }
        self.measurements(f)?;
        self.summary(f)
    }
}

impl Table<'_> {
    fn measurements(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut any = false;
        for row in self.0 {
            for figure in &row.measurements {
                if !any {
                    writeln!(f, "\nMeasurements")?;
                    any = true;
                }
                let id = row.id.map_or_else(|| "-".to_owned(), |id| id.to_string());
                writeln!(f, "{id:<4} {figure}")?;
            }
        }
        Ok(())
    }

    fn summary(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |is: fn(&State) -> bool| self.0.iter().filter(|row| is(&row.state)).count();
        writeln!(
            f,
            "\n{} passed, {} failed, {} missing, {} not applicable, {} long (not run)",
            count(|state| *state == State::Passed),
            count(|state| *state == State::Failed),
            count(|state| *state == State::NoTest),
            count(|state| matches!(state, State::NotApplicable(_))),
            count(|state| *state == State::Long),
        )
    }
}

struct StateText<'a>(&'a State);

impl fmt::Display for StateText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            State::Passed => f.write_str("pass"),
            State::Failed => f.write_str("FAIL"),
            State::NotApplicable(why) => write!(f, "not applicable: {why}"),
            State::Long => f.write_str("long: not run without --long"),
            State::NoTest => f.write_str("MISSING: no test and no reason"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::row::Id;
    use super::*;

    #[test]
    fn the_table_reads_like_this() {
        let row = |id, title: &str, state, seconds, measurements: &[&str]| Row {
            id: Some(id),
            title: title.to_owned(),
            state,
            took: Duration::from_secs_f64(seconds),
            measurements: measurements.iter().map(ToString::to_string).collect(),
        };
        let rows = [
            row(Id('A', 4), "never registers", State::Passed, 3.25, &[]),
            row(Id('D', 9), "SIGKILL", State::Failed, 1.0, &["1 orphan"]),
            row(Id('D', 19), "stuck", State::Long, 0.0, &[]),
        ];
        let expected = "
A4   never registers    3.2 s  pass
D9   SIGKILL            1.0 s  FAIL
D19  stuck                     long: not run without --long

Measurements
D9   1 orphan

1 passed, 1 failed, 0 missing, 0 not applicable, 1 long (not run)
";
        assert_eq!(Table(&rows).to_string(), expected);
    }
}
