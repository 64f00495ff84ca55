//! The table for people: the rows, then the figures.

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
                Words(&row.state)
            );
            writeln!(f, "{}", line.trim_end())?;
        }
        self.figures(f)?;
        self.sum(f)
    }
}

impl Table<'_> {
    fn figures(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut any = false;
        for row in self.0 {
            for figure in &row.figures {
                if !any {
                    writeln!(f, "\nFigures")?;
                    any = true;
                }
                let id = row.id.map_or_else(|| "-".to_owned(), |id| id.to_string());
                writeln!(f, "{id:<4} {figure}")?;
            }
        }
        Ok(())
    }

    fn sum(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |is: fn(&State) -> bool| self.0.iter().filter(|row| is(&row.state)).count();
        writeln!(
            f,
            "\n{} passed, {} failed, {} missing, {} not applicable, {} long (not run)",
            count(|state| *state == State::Passed),
            count(|state| *state == State::Failed),
            count(|state| *state == State::Missing),
            count(|state| matches!(state, State::NotApplicable(_))),
            count(|state| *state == State::Long),
        )
    }
}

struct Words<'a>(&'a State);

impl fmt::Display for Words<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            State::Passed => f.write_str("pass"),
            State::Failed => f.write_str("FAIL"),
            State::NotApplicable(why) => write!(f, "not applicable: {why}"),
            State::Long => f.write_str("long: not run without --long"),
            State::Missing => f.write_str("MISSING: neither a test nor a reason"),
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
        let row = |id, title: &str, state, seconds, figures: &[&str]| Row {
            id: Some(id),
            title: title.to_owned(),
            state,
            took: Duration::from_secs_f64(seconds),
            figures: figures.iter().map(ToString::to_string).collect(),
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

Figures
D9   1 orphan

1 passed, 1 failed, 0 missing, 0 not applicable, 1 long (not run)
";
        assert_eq!(Table(&rows).to_string(), expected);
    }
}
