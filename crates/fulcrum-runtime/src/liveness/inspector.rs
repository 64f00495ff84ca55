//! The address of a domain's inspector, which Node prints when it has opened it.

use std::sync::Arc;

use fulcrum_logs::{Capacity, Delivery, Hub, Level, LogQuery};
use fulcrum_spawn::CommandSpec;
use fulcrum_spawn::inspect::inspector_url;
use fulcrum_spawn::process::Process;

use crate::log_lines::log_for_domain;
use crate::state::domain::DomainState;
use crate::state::inspect::inspector_flag;

/// Follows the output of a generation until the address of its inspector is known, if it was started
/// with one.
pub(crate) fn follow(
    hub: &Hub,
    state: &Arc<DomainState>,
    domain: &str,
    generation: u64,
    spec: &CommandSpec,
    process: &Arc<Process>,
) {
    let Some(flag) = inspector_flag(spec) else {
        return;
    };
    let (hub, state, process) = (hub.clone(), Arc::clone(state), Arc::clone(process));
    let domain = domain.to_owned();
    tokio::spawn(async move {
        let url = tokio::select! {
            url = first_url(&hub, &domain, generation) => url,
            _ = process.exited() => return,
        };
        let Some(url) = url else { return };
        let waits = match flag.as_str() {
            "--inspect" => "",
            _ => "; waiting for a debugger before the first line",
        };
        let text = format!("inspector at {url}{waits}");
        state.inspector_url.send_replace(Some((generation, url)));
        log_for_domain(&hub, &domain, generation, Level::Info, text);
    });
}

async fn first_url(hub: &Hub, domain: &str, generation: u64) -> Option<String> {
    let query = LogQuery {
        generation: Some(generation),
        ..LogQuery::domain(domain)
    };
    let mut lines = hub.subscribe(query, Capacity::default());
    loop {
        if let Delivery::Line(line) = lines.next().await?
            && let Some(url) = inspector_url(&line.text())
        {
            return Some(url.to_owned());
        }
    }
}
