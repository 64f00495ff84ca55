//! All checks with what they are about, to be pasted into a report.

use std::fmt::Write as _;

use serde::Serialize;

use crate::check::{Check, Status};
use crate::facts::MachineFacts;
use crate::words::{count, format_bytes};

/// The number of checks by status.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// All is well.
    pub ok: usize,
    /// Works, but not well.
    pub warn: usize,
    /// Does not work.
    pub fail: usize,
}

/// The result of all checks. Serialized, it is the JSON of `fulcrum doctor`.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Fulcrum's version.
    pub version: String,
    /// The machine, on one line.
    pub machine: String,
    /// The app's directory.
    pub app: Option<String>,
    /// The checks.
    pub checks: Vec<Check>,
    /// How many there are of each status.
    pub summary: Summary,
}

impl Report {
    /// A report of these checks.
    #[must_use]
    pub fn new(
        version: &str,
        machine: &MachineFacts,
        app: Option<String>,
        checks: Vec<Check>,
    ) -> Self {
        let number = |status| checks.iter().filter(|check| check.status == status).count();
        Self {
            version: version.to_owned(),
            machine: describe(machine),
            app,
            summary: Summary {
                ok: number(Status::Ok),
                warn: number(Status::Warn),
                fail: number(Status::Fail),
            },
            checks,
        }
    }

    /// The report as text. `paint` colors a status; the text has no other escape sequences.
    #[must_use]
    pub fn render(&self, paint: impl Fn(Status, &str) -> String) -> String {
        let mut text = format!("fulcrum {} on {}\n", self.version, self.machine);
        if let Some(app) = &self.app {
            let _ = writeln!(text, "app {app}");
        }
        text.push('\n');
        let width = self.checks.iter().map(|check| check.id.len()).max();
        let width = width.unwrap_or_default();
        for check in &self.checks {
            let status = paint(check.status, &format!("{:<4}", check.status));
            let _ = writeln!(text, "{status}  {:<width$}  {}", check.id, check.what);
            let indent = " ".repeat(width + 8);
            for detail in &check.details {
                let _ = writeln!(text, "{indent}{detail}");
            }
            if check.status == Status::Ok {
                continue;
            }
            if let Some(why) = check.why {
                let _ = writeln!(text, "{indent}why: {why}");
            }
            if let Some(cure) = &check.cure {
                let _ = writeln!(text, "{indent}cure: {cure}");
            }
            if let Some(fixed) = &check.fixed {
                let _ = writeln!(text, "{indent}fixed: {fixed}");
            }
        }
        let Summary { ok, warn, fail } = self.summary;
        let _ = writeln!(
            text,
            "\n{}, {}, {ok} ok",
            count(fail, "failure"),
            count(warn, "warning")
        );
        text
    }
}

fn describe(machine: &MachineFacts) -> String {
    let MachineFacts {
        system,
        kernel,
        architecture,
        cpus,
        memory,
        ..
    } = machine;
    format!(
        "{system}, Linux {kernel} {architecture}, {}, {}",
        count(*cpus, "CPU"),
        format_bytes(*memory)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_has_the_machine_each_check_and_the_numbers() {
        let machine = MachineFacts {
            system: "Debian 12".into(),
            kernel: "6.1".into(),
            architecture: "x86_64".into(),
            cpus: 2,
            memory: 8 << 30,
            ..MachineFacts::default()
        };
        let checks = vec![
            Check::ok("disk", "1 GiB free"),
            Check::warn("proxy", "HTTP_PROXY", "calls fail")
                .cure("unset it")
                .details(["d".to_owned()]),
        ];
        let report = Report::new("0.1.0", &machine, Some("/srv/shop".into()), checks);
        assert_eq!(
            report.render(|_, text| text.to_owned()),
            "\
fulcrum 0.1.0 on Debian 12, Linux 6.1 x86_64, 2 CPUs, 8.0 GiB
app /srv/shop

ok    disk   1 GiB free
warn  proxy  HTTP_PROXY
             d
             why: calls fail
             cure: unset it

0 failures, 1 warning, 1 ok
"
        );
    }
}
