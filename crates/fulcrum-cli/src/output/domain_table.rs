//! The table of `domains list`.

use fulcrum_rpc::control::Domain;
use fulcrum_runtime::format::{format_bytes, format_duration, format_uptime};

use super::color::Color;
use super::table::{Cell, Table};

/// One row per domain.
pub(crate) fn domain_table(domains: &[Domain]) -> Table {
    let mut table = Table::new(&[
        "NAME",
        "PHASE",
        "READY",
        ">PID",
        ">UPTIME",
        ">RESTARTS",
        ">CPU",
        ">MEM",
        "REASON",
    ]);
    for domain in domains {
        table.push(row(domain));
    }
    table
}

fn row(domain: &Domain) -> [Cell; 9] {
    let color = phase_color(domain);
    // Without a process there is nothing to measure.
    let of_process = |text: String| {
        if domain.pid.is_some() {
            Cell::new(&text)
        } else {
            Cell::new("-").colored(Color::Dim)
        }
    };
    [
        Cell::new(&domain.name),
        Cell::new(&domain.phase).colored(color),
        Cell::new(if domain.ready { "yes" } else { "no" }).colored(color),
        of_process(domain.pid.map_or_else(String::new, |pid| pid.to_string())),
        of_process(format_uptime(domain.uptime_ms)),
        Cell::new(&domain.restarts.to_string()),
        of_process(format!("{:.1}%", domain.cpu_percent)),
        of_process(format_bytes(domain.memory_bytes)),
        Cell::new(&reason_text(domain)),
    ]
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
        let text =
            domain_table(&[running, crashed, domain("pricing", "stopped")]).render(false, None);
        let golden = "\
NAME     PHASE    READY  PID  UPTIME  RESTARTS   CPU       MEM  REASON
catalog  running  yes     42   3m12s         2  0.3%  48.3 MiB  registered
orders   backoff  no       -       -         0     -         -  exit code 1
pricing  stopped  no       -       -         0     -         -
";
        assert_eq!(text, golden);
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
