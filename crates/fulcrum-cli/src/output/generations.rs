//! Generations of a domain, from its events.

use std::time::{Duration, SystemTime};

use fulcrum_logs::rfc3339_millis;
use fulcrum_logs::without_code;
use fulcrum_rpc::control::Event;
use fulcrum_runtime::format::format_duration;
use serde::Serialize;

/// The events of one generation, from its spawn to the next one's.
#[derive(Debug)]
pub(crate) struct GenerationHistory<'a> {
    pub(crate) generation: u64,
    /// Oldest first. The first is the spawn, if it is still retained.
    pub(crate) events: Vec<&'a Event>,
}

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

/// The generations of one domain, oldest first. Events before the first spawn have generation 0.
pub(crate) fn group_by_generation(events: &[Event]) -> Vec<GenerationHistory<'_>> {
    events
        .chunk_by(|one, next| one.generation == next.generation)
        .map(|events| GenerationHistory {
            generation: events[0].generation,
            events: events.iter().collect(),
        })
        .collect()
}

/// The time of an event.
pub(crate) fn time(event: &Event) -> Option<SystemTime> {
    event.time.and_then(|time| SystemTime::try_from(time).ok())
}

/// The time between two events; none where the clock was set back.
pub(crate) fn between(earlier: &Event, later: &Event) -> Option<Duration> {
    time(later)?.duration_since(time(earlier)?).ok()
}

/// The reason of an event without its kind, which some reasons start with.
pub(crate) fn detail_after_kind(event: &Event) -> &str {
    let reason = event.reason.as_str();
    match reason.strip_prefix(event.kind.as_str()) {
        Some("") => "",
        Some(rest) => rest.strip_prefix(": ").unwrap_or(reason),
        None => reason,
    }
}

impl<'a> GenerationHistory<'a> {
    /// The spawn.
    pub(crate) fn spawned(&self) -> Option<&'a Event> {
        self.first("spawned")
    }

    /// The event that started its end.
    pub(crate) fn end_trigger(&self) -> Option<&'a Event> {
        let is_end = |event: &&&Event| event.to == "stopping" && event.from != "stopping";
        self.events.iter().find(is_end).copied()
    }

    /// The event at which all its processes were gone.
    fn end(&self) -> Option<&'a Event> {
        let mut events = self.events.iter();
        events.find(|event| event.from == "stopping").copied()
    }

    /// The event at which it first became ready.
    pub(crate) fn ready(&self) -> Option<&'a Event> {
        self.first("ready")
    }

    /// The last request of a user for this domain.
    pub(crate) fn last_request(&self) -> Option<&'a Event> {
        self.last("asked")
    }

    fn first(&self, kind: &str) -> Option<&'a Event> {
        let mut events = self.events.iter();
        events.find(|event| event.kind == kind).copied()
    }

    fn last(&self, kind: &str) -> Option<&'a Event> {
        let mut events = self.events.iter().rev();
        events.find(|event| event.kind == kind).copied()
    }

    /// `#3  ready in 82 ms, ran 4.1 s; exited: exit 3; last on stderr: boom`
    pub(crate) fn describe(&self) -> String {
        let mut parts = Vec::new();
        let since_spawn = |event| between(self.spawned()?, event);
        match self.ready() {
            Some(ready) => parts.extend(
                since_spawn(ready).map(|after| format!("ready in {}", format_duration(after))),
            ),
            None if self.end_trigger().is_some() => parts.push("never ready".to_owned()),
            None => parts.push("not ready yet".to_owned()),
        }
        // The reload that started it, with its duration.
        parts.extend(self.last("reloaded").map(|event| event.reason.clone()));
        let end = match self.end_trigger() {
            Some(end) => {
                let ran = since_spawn(end).map(|after| format!("ran {}", format_duration(after)));
                parts.extend(ran);
                format!("{}: {}", end.kind, detail_after_kind(end))
            }
            None => "running".to_owned(),
        };
        format!("#{}  {}; {end}", self.generation, parts.join(", "))
    }
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

    #[test]
    fn a_generation_has_the_events_between_two_spawns() {
        let events = one_crash();
        let generations = group_by_generation(&events);
        let numbers: Vec<_> = generations
            .iter()
            .map(|history| history.generation)
            .collect();
        assert_eq!(numbers, [0, 1, 2]);
        assert_eq!(
            generations[1].describe(),
            "#1  ready in 100 ms, ran 1.0 s; exited: exit 3; last on stderr: boom"
        );
        assert_eq!(generations[2].describe(), "#2  ready in 100 ms; running");
        let json = serde_json::to_value(GenerationJson::from(&generations[1])).expect("JSON");
        assert_eq!(json["ready_in_ms"], 100);
        assert_eq!(json["ended_by"], "exited");
        assert_eq!(json["ended_at"], "1970-01-01T00:00:02.010Z");
    }
}
