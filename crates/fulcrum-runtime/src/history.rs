//! The generations of a domain, from the events that a client has read.

use std::time::{Duration, SystemTime};

use fulcrum_rpc::control::Event;

use crate::format::format_duration;

/// The events of one generation, from its spawn to the next one's.
#[derive(Debug)]
pub struct GenerationHistory<'a> {
    /// Its number; 0 before the first spawn.
    pub generation: u64,
    /// Oldest first. The first is the spawn, if it is still retained.
    pub events: Vec<&'a Event>,
}

/// The generations of one domain, oldest first. Events before the first spawn have generation 0.
pub fn group_by_generation(events: &[Event]) -> Vec<GenerationHistory<'_>> {
    events
        .chunk_by(|one, next| one.generation == next.generation)
        .map(|events| GenerationHistory {
            generation: events[0].generation,
            events: events.iter().collect(),
        })
        .collect()
}

/// The time of an event.
pub fn time(event: &Event) -> Option<SystemTime> {
    event.time.and_then(|time| SystemTime::try_from(time).ok())
}

/// The time between two events; none where the clock was set back.
pub fn between(earlier: &Event, later: &Event) -> Option<Duration> {
    time(later)?.duration_since(time(earlier)?).ok()
}

/// The reason of an event without its kind, which some reasons start with.
pub fn detail_after_kind(event: &Event) -> &str {
    let reason = event.reason.as_str();
    match reason.strip_prefix(event.kind.as_str()) {
        Some("") => "",
        Some(rest) => rest.strip_prefix(": ").unwrap_or(reason),
        None => reason,
    }
}

impl<'a> GenerationHistory<'a> {
    /// The spawn.
    #[must_use]
    pub fn spawned(&self) -> Option<&'a Event> {
        self.first("spawned")
    }

    /// The event that started its end.
    #[must_use]
    pub fn end_trigger(&self) -> Option<&'a Event> {
        let is_end = |event: &&&Event| event.to == "stopping" && event.from != "stopping";
        self.events.iter().find(is_end).copied()
    }

    /// The event at which all its processes were gone.
    #[must_use]
    pub fn end(&self) -> Option<&'a Event> {
        let mut events = self.events.iter();
        events.find(|event| event.from == "stopping").copied()
    }

    /// The event at which it first became ready.
    #[must_use]
    pub fn ready(&self) -> Option<&'a Event> {
        self.first("ready")
    }

    /// The last request of a user for this domain.
    #[must_use]
    pub fn last_request(&self) -> Option<&'a Event> {
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
    #[must_use]
    pub fn describe(&self) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn event(
        ms: u64,
        generation: u64,
        kind: &str,
        (from, to): (&str, &str),
        reason: &str,
    ) -> Event {
        let time = SystemTime::UNIX_EPOCH + Duration::from_millis(ms);
        Event {
            time: Some(time.into()),
            generation,
            kind: kind.to_owned(),
            from: from.to_owned(),
            to: to.to_owned(),
            reason: reason.to_owned(),
            ..Event::default()
        }
    }

    #[test]
    fn a_generation_has_the_events_between_two_spawns() {
        let starts = ("preparing", "starting");
        let events = [
            event(900, 0, "waiting", ("stopped", "waiting"), "start requested"),
            event(1_000, 1, "spawned", starts, "spawned"),
            event(1_100, 1, "ready", ("starting", "running"), "ready"),
            event(2_000, 1, "exited", ("running", "stopping"), "exit 3"),
            event(
                2_010,
                1,
                "backoff",
                ("stopping", "backoff"),
                "exit 3; restarting",
            ),
            event(2_200, 2, "spawned", starts, "spawned"),
            event(2_300, 2, "ready", ("starting", "running"), "ready"),
        ];
        let generations = group_by_generation(&events);
        let described: Vec<_> = generations
            .iter()
            .map(GenerationHistory::describe)
            .collect();
        assert_eq!(
            described[1..],
            [
                "#1  ready in 100 ms, ran 1.0 s; exited: exit 3",
                "#2  ready in 100 ms; running"
            ]
        );
        assert_eq!(generations[1].end().and_then(time), time(&events[4]));
        assert_eq!(detail_after_kind(&events[1]), "");
    }
}
