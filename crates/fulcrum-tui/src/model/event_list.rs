//! What happened.

use std::collections::VecDeque;

use fulcrum_rpc::control::Event;

/// How many events are kept.
const MAX_EVENTS: usize = 1_000;

/// The latest events, oldest first.
#[derive(Debug, Default)]
pub struct EventList {
    events: VecDeque<Event>,
}

impl EventList {
    /// Adds an event. A repeat replaces the one that it repeats.
    pub fn push(&mut self, event: Event) {
        if event.count > 1 {
            let is_same = |earlier: &Event| {
                earlier.domain == event.domain
                    && earlier.kind == event.kind
                    && earlier.generation == event.generation
                    && earlier.first_time == event.first_time
            };
            if let Some(at) = self.events.iter().rposition(is_same) {
                self.events.remove(at);
            }
        }
        if self.events.len() == MAX_EVENTS {
            self.events.pop_front();
        }
        self.events.push_back(event);
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.events.clear();
    }

    /// The events of a domain, or all, the newest first.
    pub fn newest<'a>(&'a self, domain: Option<&'a str>) -> impl Iterator<Item = &'a Event> {
        let matches = move |event: &&Event| domain.is_none_or(|name| event.domain == name);
        self.events.iter().rev().filter(matches)
    }

    /// The lives of a domain, the newest first: the spawn of a generation, and the event that began
    /// its end.
    pub fn lives<'a>(&'a self, domain: &'a str) -> Vec<Life<'a>> {
        let mut lives: Vec<Life<'a>> = Vec::new();
        for event in self.newest(Some(domain)) {
            if event.generation == 0 {
                continue;
            }
            if lives
                .last()
                .is_none_or(|life| life.generation != event.generation)
            {
                lives.push(Life {
                    generation: event.generation,
                    spawned: None,
                    ready: None,
                    end: None,
                });
            }
            let Some(life) = lives.last_mut() else {
                continue;
            };
            match event.kind.as_str() {
                "spawned" => life.spawned = Some(event),
                "ready" => life.ready = Some(event),
                _ if event.to == "stopping" && event.from != "stopping" => life.end = Some(event),
                _ => {}
            }
        }
        lives.retain(|life| life.spawned.is_some() || life.end.is_some());
        lives
    }
}

/// One generation of a domain.
#[derive(Debug, Clone, Copy)]
pub struct Life<'a> {
    /// Its number.
    pub generation: u64,
    /// Its start, if it is still known.
    pub spawned: Option<&'a Event>,
    /// When it was ready first.
    pub ready: Option<&'a Event>,
    /// What began its end; none while it runs.
    pub end: Option<&'a Event>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(seq: u64, kind: &str, generation: u64, from: &str, to: &str) -> Event {
        Event {
            seq,
            domain: "users".into(),
            kind: kind.into(),
            generation,
            from: from.into(),
            to: to.into(),
            ..Event::default()
        }
    }

    #[test]
    fn a_repeat_replaces_its_event() {
        let mut list = EventList::default();
        let late = event(1, "late", 1, "", "");
        list.push(late.clone());
        list.push(event(2, "ready", 1, "starting", "running"));
        list.push(Event {
            seq: 3,
            count: 2,
            ..late
        });
        let seqs: Vec<_> = list.newest(None).map(|event| event.seq).collect();
        assert_eq!(seqs, [3, 2]);
        assert_eq!(list.newest(Some("orders")).count(), 0);
    }

    #[test]
    fn lives_are_from_spawn_to_end() {
        let mut list = EventList::default();
        list.push(event(1, "asked", 0, "stopped", "waiting"));
        list.push(event(2, "spawned", 1, "preparing", "starting"));
        list.push(event(3, "ready", 1, "starting", "running"));
        list.push(event(4, "exited", 1, "running", "stopping"));
        list.push(event(5, "backoff", 1, "stopping", "backoff"));
        list.push(event(6, "spawned", 2, "waiting", "starting"));
        let lives = list.lives("users");
        let kinds: Vec<_> = lives
            .iter()
            .map(|life| (life.generation, life.end.map(|end| end.kind.as_str())))
            .collect();
        assert_eq!(kinds, [(2, None), (1, Some("exited"))]);
        assert!(lives[1].spawned.is_some() && lives[1].ready.is_some());
    }
}
