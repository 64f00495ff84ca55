//! A domain's lives, read from what happened to it.

use std::time::{Duration, SystemTime};

use fulcrum_rpc::control::Event;
use serde::Serialize;

use super::time::rfc3339;
use fulcrum_runtime::format::format_duration;

/// One life: from its spawn to the next one's.
#[derive(Debug)]
pub(crate) struct GenerationHistory<'a> {
    pub(crate) generation: u64,
    /// What happened, oldest first, begun by the spawn where that is still known.
    pub(crate) events: Vec<&'a Event>,
}

/// A life as programs are given it.
#[derive(Debug, Serialize)]
pub(crate) struct GenerationJson {
    generation: u64,
    spawned_at: Option<String>,
    ready_in_ms: Option<u64>,
    ended_at: Option<String>,
    /// What ended it, in one word; null while it goes on.
    ended_by: Option<String>,
    reason: Option<String>,
}

/// The lives that these events of one domain tell of, oldest first. What happened before the first
/// spawn belongs to generation 0, which was no life.
pub(crate) fn lives(events: &[Event]) -> Vec<GenerationHistory<'_>> {
    let mut lives: Vec<GenerationHistory<'_>> = Vec::new();
    for event in events {
        match lives.last_mut() {
            Some(life) if life.generation == event.generation => life.events.push(event),
            _ => lives.push(GenerationHistory {
                generation: event.generation,
                events: vec![event],
            }),
        }
    }
    lives
}

/// When it happened.
pub(crate) fn time(event: &Event) -> Option<SystemTime> {
    event.time.and_then(|time| SystemTime::try_from(time).ok())
}

/// The time between two events; none where the clock was set back.
pub(crate) fn between(earlier: &Event, later: &Event) -> Option<Duration> {
    time(later)?.duration_since(time(earlier)?).ok()
}

/// What an event's reason says beyond its kind, which some reasons begin with.
pub(crate) fn detail_after_kind(event: &Event) -> &str {
    let reason = event.reason.as_str();
    match reason.strip_prefix(event.kind.as_str()) {
        Some("") => "",
        Some(rest) => rest.strip_prefix(": ").unwrap_or(reason),
        None => reason,
    }
}

impl<'a> GenerationHistory<'a> {
    /// Its spawn.
    pub(crate) fn spawned(&self) -> Option<&'a Event> {
        self.first("spawned")
    }

    /// What set its end off.
    pub(crate) fn end_trigger(&self) -> Option<&'a Event> {
        let is_ending = |event: &&&Event| event.to == "stopping" && event.from != "stopping";
        self.events.iter().find(is_ending).copied()
    }

    /// The end itself: nothing of it was left.
    fn end(&self) -> Option<&'a Event> {
        let mut events = self.events.iter();
        events.find(|event| event.from == "stopping").copied()
    }

    /// When it became ready first.
    pub(crate) fn ready(&self) -> Option<&'a Event> {
        self.first("ready")
    }

    /// The last time that somebody asked for something.
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

    /// `#3  ready in 82 ms, lived 4.1 s; exited: exit 3; last on stderr: boom`
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
        // What began it, and how long that took in all.
        parts.extend(
            self.last("reloaded")
                .map(|reloaded| reloaded.reason.clone()),
        );
        let ending = match self.end_trigger() {
            Some(ending) => {
                parts.extend(
                    since_spawn(ending).map(|after| format!("lived {}", format_duration(after))),
                );
                format!("; {}: {}", ending.kind, detail_after_kind(ending))
            }
            None => "; lives".to_owned(),
        };
        format!("#{}  {}{ending}", self.generation, parts.join(", "))
    }
}

impl From<&GenerationHistory<'_>> for GenerationJson {
    fn from(life: &GenerationHistory<'_>) -> Self {
        let stamp = |event: Option<&Event>| event.and_then(time).map(rfc3339);
        let millis = |age: Duration| u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
        let ready = life.spawned().zip(life.ready());
        Self {
            generation: life.generation,
            spawned_at: stamp(life.spawned()),
            ready_in_ms: ready.and_then(|(spawned, ready)| between(spawned, ready).map(millis)),
            ended_at: stamp(life.end()),
            ended_by: life.end_trigger().map(|ending| ending.kind.clone()),
            reason: life.end_trigger().map(|ending| ending.reason.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::explanation::tests::one_crash;

    #[test]
    fn a_life_is_what_happened_between_two_spawns() {
        let events = one_crash();
        let lives = lives(&events);
        let numbers: Vec<_> = lives.iter().map(|life| life.generation).collect();
        assert_eq!(numbers, [0, 1, 2]);
        assert_eq!(
            lives[1].describe(),
            "#1  ready in 100 ms, lived 1.0 s; exited: exit 3; last on stderr: boom"
        );
        assert_eq!(lives[2].describe(), "#2  ready in 100 ms; lives");
        let shape = serde_json::to_value(GenerationJson::from(&lives[1])).expect("JSON");
        assert_eq!(shape["ready_in_ms"], 100);
        assert_eq!(shape["ended_by"], "exited");
        assert_eq!(shape["ended_at"], "1970-01-01T00:00:02.010Z");
    }
}
