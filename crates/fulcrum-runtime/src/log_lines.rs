//! Log lines that the runtime publishes itself.

use fulcrum_logs::{FULCRUM_SOURCE, Hub, Level};

use crate::clock::now;

/// Publishes a log line about the instance itself, stamped with the wall-clock time. Returns the
/// sequence number of the line, or of the last one if `text` has several lines.
pub fn log(hub: &Hub, level: Level, text: impl Into<String>) -> u64 {
    hub.publish_event(FULCRUM_SOURCE, 0, level, text.into(), now())
}

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
