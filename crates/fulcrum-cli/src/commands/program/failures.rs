//! Which domains have failed while a program ran, and what they wrote last.

use fulcrum_rpc::ControlClient;
use fulcrum_rpc::control::log_record::Record;
use fulcrum_rpc::control::{Domain, LogsRequest};

use crate::client;
use crate::output::{CiReporter, FailedDomain};

/// How many of its last lines are printed of a domain.
const LAST_LINES: u64 = 20;

/// Reports the domains that fail, and, if the app has not become ready, those that are not.
pub(super) async fn report_failures(
    client: &ControlClient,
    was_ready: bool,
    reporter: &CiReporter,
) {
    // The failure of the command itself is printed in any case.
    let domains = client::domains(client, &[]).await.unwrap_or_default();
    for domain in domains
        .iter()
        .filter(|domain| is_failing(domain, was_ready))
    {
        let failed = FailedDomain {
            name: domain.name.clone(),
            phase: domain.phase.clone(),
            reason: domain.reason.clone(),
            lines: last_lines(client, &domain.name).await,
        };
        reporter.report(&failed);
    }
}

fn is_failing(domain: &Domain, was_ready: bool) -> bool {
    match domain.phase.as_str() {
        "failed" | "stuck" | "backoff" => true,
        // It has ended by itself, and nothing starts it again.
        "stopped" if domain.goal == "up" => true,
        "completed" => false,
        _ => !was_ready && domain.goal == "up" && !domain.ready,
    }
}

async fn last_lines(client: &ControlClient, name: &str) -> Vec<String> {
    let request = LogsRequest {
        domains: vec![name.to_owned()],
        tail: Some(LAST_LINES),
        ..LogsRequest::default()
    };
    let mut lines = Vec::new();
    if let Ok(mut records) = client.logs(request).await {
        while let Some(Ok(record)) = records.next().await {
            if let Some(Record::Line(line)) = record.record {
                lines.push(String::from_utf8_lossy(&line.message).into_owned());
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_that_is_not_ready_is_reported_only_if_the_start_failed() {
        let domain = |phase: &str, goal: &str| Domain {
            phase: phase.into(),
            goal: goal.into(),
            ..Domain::default()
        };
        for (phase, goal, at_start, later) in [
            ("failed", "down", true, true),
            ("backoff", "up", true, true),
            ("starting", "up", true, false),
            ("waiting", "up", true, false),
            ("stopped", "down", false, false),
            ("stopped", "up", true, true),
            ("completed", "up", false, false),
        ] {
            let domain = domain(phase, goal);
            assert_eq!(is_failing(&domain, false), at_start, "{phase}");
            assert_eq!(is_failing(&domain, true), later, "{phase}");
        }
    }
}
