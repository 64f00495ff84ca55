//! The table of `domains list`.

use fulcrum_rpc::control::Domain;
use fulcrum_runtime::format::{format_bytes, format_duration, format_uptime};

use super::color::Color;
use super::table::{Cell, Table};

/// Which columns a table of domains has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Columns {
    /// Those that matter, and those of ports and inspectors if a domain has one.
    Usual,
    /// All.
    All,
}

/// A column: its title, and the cell of a domain.
struct Column(&'static str, fn(&Domain) -> Cell);

const FIRST: [Column; 8] = [
    Column("NAME", |domain| Cell::new(&domain.name)),
    Column("PHASE", |domain| {
        Cell::new(&domain.phase).colored(phase_color(domain))
    }),
    Column("READY", |domain| {
        Cell::new(if domain.ready { "yes" } else { "no" }).colored(phase_color(domain))
    }),
    Column(">PID", |domain| {
        of_process(domain, domain.pid.map(|pid| pid.to_string()))
    }),
    Column(">UPTIME", |domain| {
        of_process(domain, Some(format_uptime(domain.uptime_ms)))
    }),
    Column(">RESTARTS", |domain| {
        Cell::new(&domain.restarts.to_string())
    }),
    Column(">CPU", |domain| {
        of_process(domain, Some(format!("{:.1}%", domain.cpu_percent)))
    }),
    Column(">MEM", |domain| {
        of_process(domain, Some(format_bytes(domain.memory_bytes)))
    }),
];

const PORT: Column = Column(">PORT", |domain| {
    optional(domain.port.map(|port| port.to_string()))
});

const LAG: Column = Column(">LAG", |domain| {
    let lag = domain.event_loop_lag_ms.map(|lag| format!("{lag:.0} ms"));
    of_process(domain, lag)
});

const ENTRY: Column = Column("ENTRY", |domain| optional(domain.entry.clone()));

const INSPECTOR: Column = Column("INSPECTOR", |domain| optional(domain.inspector_url.clone()));

const REASON: Column = Column("REASON", |domain| Cell::new(&reason_text(domain)));

/// One row per domain.
pub(crate) fn domain_table(domains: &[Domain], columns: Columns) -> Table {
    let is_wide = columns == Columns::All;
    let mut shown: Vec<Column> = FIRST.into();
    if is_wide || domains.iter().any(|domain| domain.port.is_some()) {
        shown.push(PORT);
    }
    if is_wide {
        shown.extend([LAG, ENTRY]);
    }
    if is_wide || domains.iter().any(|domain| domain.inspector_url.is_some()) {
        shown.push(INSPECTOR);
    }
    shown.push(REASON);
    let titles: Vec<&str> = shown.iter().map(|Column(title, _)| *title).collect();
    let mut table = Table::new(&titles);
    for domain in domains {
        table.push(shown.iter().map(|Column(_, cell)| cell(domain)));
    }
    table
}

/// A cell about a process: without one there is nothing to measure.
fn of_process(domain: &Domain, text: Option<String>) -> Cell {
    optional(text.filter(|_| domain.pid.is_some()))
}

fn optional(text: Option<String>) -> Cell {
    match text {
        Some(text) => Cell::new(&text),
        None => Cell::new("-").colored(Color::Dim),
    }
}

/// The reason for the phase, with the time until the next attempt.
pub(super) fn reason_text(domain: &Domain) -> String {
    match domain.retry_in_ms {
        Some(milliseconds) => {
            let due = format_duration(std::time::Duration::from_millis(milliseconds));
            format!("{} (retry in {due})", domain.reason)
        }
        None => domain.reason.clone(),
    }
}

/// The color of a phase. The text has the same information.
pub(super) fn phase_color(domain: &Domain) -> Color {
    match domain.phase.as_str() {
        "completed" => Color::Green,
        "running" if domain.ready => Color::Green,
        "failed" | "stuck" => Color::Red,
        "stopped" => Color::Dim,
        _ => Color::Yellow,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domain(name: &str, phase: &str) -> Domain {
        Domain {
            name: name.into(),
            phase: phase.into(),
            ..Domain::default()
        }
    }

    #[test]
    fn each_domain_is_one_row() {
        let running = Domain {
            ready: true,
            pid: Some(42),
            uptime_ms: 192_000,
            restarts: 2,
            cpu_percent: 0.34,
            memory_bytes: 50_645_811,
            reason: "registered".into(),
            ..domain("catalog", "running")
        };
        let crashed = Domain {
            reason: "exit code 1\nError: boom".into(),
            retry_in_ms: Some(1_600),
            ..domain("orders", "backoff")
        };
        let domains = [running, crashed, domain("pricing", "stopped")];
        let text = domain_table(&domains, Columns::Usual).render(false, None);
        let golden = "\
NAME     PHASE    READY  PID  UPTIME  RESTARTS   CPU       MEM  REASON
catalog  running  yes     42   3m12s         2  0.3%  48.3 MiB  registered
orders   backoff  no       -       -         0     -         -  exit code 1
pricing  stopped  no       -       -         0     -         -
";
        assert_eq!(text, golden);
    }

    #[test]
    fn ports_and_inspectors_are_columns_if_there_are_any() {
        let web = Domain {
            pid: Some(42),
            port: Some(3000),
            ..domain("web", "running")
        };
        let titles = |domains: &[Domain], columns| -> Vec<String> {
            let text = domain_table(domains, columns).render(false, None);
            let titles = text.lines().next().unwrap_or_default();
            titles.split_whitespace().map(str::to_owned).collect()
        };
        let usual = titles(std::slice::from_ref(&web), Columns::Usual);
        assert_eq!(usual[7..], ["MEM", "PORT", "REASON"]);
        let debugged = Domain {
            inspector_url: Some("ws://127.0.0.1:9229/x".into()),
            ..domain("users", "running")
        };
        let usual = titles(&[web.clone(), debugged], Columns::Usual);
        assert_eq!(usual[7..], ["MEM", "PORT", "INSPECTOR", "REASON"]);
        let all = titles(&[domain("pricing", "stopped")], Columns::All);
        assert_eq!(
            all[7..],
            ["MEM", "PORT", "LAG", "ENTRY", "INSPECTOR", "REASON"]
        );
    }

    #[test]
    fn the_reason_includes_the_time_until_the_next_attempt() {
        let waiting = Domain {
            reason: "exit code 1".into(),
            retry_in_ms: Some(1_600),
            ..domain("a", "backoff")
        };
        assert_eq!(reason_text(&waiting), "exit code 1 (retry in 1.6 s)");
    }

    #[test]
    fn the_color_follows_phase_and_readiness() {
        let ready = Domain {
            ready: true,
            ..domain("a", "running")
        };
        for (domain, color) in [
            (ready, Color::Green),
            (domain("a", "running"), Color::Yellow),
            (domain("a", "backoff"), Color::Yellow),
            (domain("a", "stuck"), Color::Red),
            (domain("a", "stopped"), Color::Dim),
        ] {
            assert_eq!(phase_color(&domain), color, "{}", domain.phase);
        }
    }
}
