//! Log lines about domains that the runtime publishes.

use fulcrum_logs::{Hub, Level};

use crate::clock::now;

/// Publishes a log line about one generation of a domain; generation 0 is none in particular.
pub(crate) fn log_for_domain(
    hub: &Hub,
    domain: &str,
    generation: u64,
    level: Level,
    text: impl Into<String>,
) {
    hub.publish_event(domain, generation, level, text.into(), now());
}
