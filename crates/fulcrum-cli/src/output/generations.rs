//! Generations of a domain as JSON.

use std::time::Duration;

use fulcrum_logs::{rfc3339_millis, without_code};
use fulcrum_rpc::control::Event;
use fulcrum_runtime::history::{GenerationHistory, between, time};
use serde::Serialize;

/// A generation as JSON.
#[derive(Debug, Serialize)]
pub(crate) struct GenerationJson {
    generation: u64,
    spawned_at: Option<String>,
    ready_in_ms: Option<u64>,
    ended_at: Option<String>,
    /// The kind of the event that started its end; null while it runs.
    ended_by: Option<String>,
    reason: Option<String>,
}

impl From<&GenerationHistory<'_>> for GenerationJson {
    fn from(history: &GenerationHistory<'_>) -> Self {
        let timestamp = |event: Option<&Event>| event.and_then(time).map(rfc3339_millis);
        let millis = |age: Duration| u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
        let ready = history.spawned().zip(history.ready());
        Self {
            generation: history.generation,
            spawned_at: timestamp(history.spawned()),
            ready_in_ms: ready.and_then(|(spawned, ready)| between(spawned, ready).map(millis)),
            ended_at: timestamp(history.end()),
            ended_by: history.end_trigger().map(|end| end.kind.clone()),
            reason: history.end_trigger().map(|end| without_code(&end.reason)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::explanation::tests::one_crash;
    use fulcrum_runtime::history::group_by_generation;

    #[test]
    fn a_generation_has_the_times_of_its_events() {
        let events = one_crash();
        let generations = group_by_generation(&events);
        let json = serde_json::to_value(GenerationJson::from(&generations[1])).expect("JSON");
        assert_eq!(json["ready_in_ms"], 100);
        assert_eq!(json["ended_by"], "exited");
        assert_eq!(json["ended_at"], "1970-01-01T00:00:02.010Z");
    }
}
