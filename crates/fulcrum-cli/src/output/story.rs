//! The story of one domain: why it is as it is, and how that came about.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use fulcrum_rpc::control::{Domain, Event};

use super::domain_table::paint_of;
use super::lives::{Life, between, lives, time};
use super::table::harmless;
use super::{Paint, elapsed, rfc3339};

/// How many lines of standard error stand below an end: the newest life's, and an older one's.
const LINES: (usize, usize) = (10, 3);

/// A domain, and what is known of its past.
#[derive(Debug)]
pub(crate) struct Story<'a> {
    pub(crate) domain: &'a Domain,
    /// What happened to it, oldest first.
    pub(crate) events: &'a [Event],
    /// What its lives wrote to standard error last, by generation.
    pub(crate) stderr: &'a BTreeMap<u64, Vec<String>>,
    pub(crate) now: SystemTime,
}

impl Story<'_> {
    /// Why it is as it is now, in one line.
    pub(crate) fn summary(&self) -> String {
        let Domain {
            name,
            phase,
            reason,
            generation,
            ..
        } = self.domain;
        let lives = lives(self.events);
        let since = |event: Option<&Event>| {
            let age = event
                .and_then(time)
                .and_then(|at| self.now.duration_since(at).ok());
            age.map_or_else(String::new, |age| format!(" since {}", elapsed(age)))
        };
        let last = lives.last();
        match phase.as_str() {
            "running" if self.domain.ready => format!(
                "{name} is ready{} (generation {generation}){}",
                since(self.last("ready")),
                self.trigger(&lives)
            ),
            "running" => format!("{name} runs, but is not ready: {reason}"),
            "starting" => format!(
                "{name} is starting{} (generation {generation}){}",
                since(last.and_then(Life::spawned)),
                self.trigger(&lives)
            ),
            "waiting" | "preparing" => {
                format!("{name} is {phase}: {reason}{}", self.trigger(&lives))
            }
            "backoff" => {
                let wait = Duration::from_millis(self.domain.retry_in_ms.unwrap_or_default());
                format!("{name} starts again in {}: {reason}", elapsed(wait))
            }
            "failed" => format!("{name} has failed{}: {reason}", since(self.last("failed"))),
            "stopped" => {
                let stopped = since(self.last("stopped"));
                let asked = last.and_then(Life::asked);
                match asked.filter(|_| self.domain.goal == "down") {
                    Some(asked) => {
                        format!("{name} is stopped{stopped}: {} asked for it", asked.reason)
                    }
                    None => format!("{name} is stopped{stopped}: {reason}"),
                }
            }
            _ => format!("{name} is {phase}: {reason}"),
        }
    }

    fn last(&self, kind: &str) -> Option<&Event> {
        self.events.iter().rev().find(|event| event.kind == kind)
    }

    /// Why there is a new life: what became of the one before.
    fn trigger(&self, lives: &[Life<'_>]) -> String {
        let generation = self.domain.generation;
        let begun = matches!(self.domain.phase.as_str(), "running" | "starting");
        let before = if begun {
            generation.saturating_sub(1)
        } else {
            generation
        };
        let Some(life) = lives.iter().find(|life| life.generation == before) else {
            return String::new();
        };
        match (life.ending(), life.asked()) {
            // Somebody asked, and not about an end that had been before.
            (ending, Some(asked))
                if ending
                    .is_none_or(|ending| ending.kind == "stopping" || ending.seq < asked.seq) =>
            {
                format!(": {} asked for it", asked.reason)
            }
            (Some(ending), _) => {
                format!(": generation {before} ended: {}", ending.reason)
            }
            (None, _) if before == 0 => ": started with the instance".to_owned(),
            (None, _) => String::new(),
        }
    }

    /// The summary, and then the last `shown` lives, oldest first, with times relative to their
    /// spawns.
    pub(crate) fn tell(&self, shown: usize, colour: bool) -> String {
        let mut page = paint_of(self.domain).apply(&harmless(&self.summary()), colour);
        page.push('\n');
        let lives = lives(self.events);
        let from = lives.len().saturating_sub(shown.max(1));
        for (at, life) in lives.iter().enumerate().skip(from) {
            // What came before the first spawn is of interest only while there is none.
            if life.generation == 0 && at + 1 < lives.len() && life.asked().is_none() {
                continue;
            }
            page.push('\n');
            let lines = if at + 1 == lives.len() {
                LINES.0
            } else {
                LINES.1
            };
            self.tell_life(life, lines, colour, &mut page);
        }
        page
    }

    fn tell_life(&self, life: &Life<'_>, lines: usize, colour: bool, page: &mut String) {
        let Some(first) = life.events.first().copied() else {
            return;
        };
        let zero = life.spawned().unwrap_or(first);
        let when = time(zero).map_or_else(String::new, |at| {
            let age = self.now.duration_since(at);
            let ago = age.map_or_else(|_| String::new(), |age| format!(" ({} ago)", elapsed(age)));
            format!("{}{ago}", rfc3339(at))
        });
        let title = match (life.generation, life.spawned()) {
            (0, _) => format!("before the first start, {when}"),
            (generation, Some(_)) => format!("generation {generation}, spawned {when}"),
            (generation, None) => format!("generation {generation}, from {when} on"),
        };
        line(page, &Paint::Bold.apply(&title, colour));
        let ending = life.ending();
        for event in &life.events {
            // Passed in no time as a rule; whoever waits in them now is told in the summary.
            let passing = ["waiting", "preparing"].contains(&event.kind.as_str());
            if passing && !event.reason.starts_with("waiting for") {
                continue;
            }
            let after = between(zero, event)
                .map_or_else(String::new, |after| format!("+{}", elapsed(after)));
            let kind = kind_paint(&event.kind).apply(&format!("{:<13}", event.kind), colour);
            let text = format!("{after:>9}  {kind}  {}", harmless(self.news(event, ending)));
            line(page, text.trim_end());
            if ending.is_some_and(|ending| ending.seq == event.seq) {
                let said = self.stderr.get(&life.generation);
                let said = said.map_or(&[][..], Vec::as_slice);
                for words in &said[said.len().saturating_sub(lines)..] {
                    let words = format!("{:26}| {}", "", harmless(words));
                    line(page, &Paint::Dim.apply(&words, colour));
                }
            }
        }
    }

    /// What an event says beyond its kind and beyond what the end has said already.
    fn news<'e>(&self, event: &'e Event, ending: Option<&Event>) -> &'e str {
        let reason = event.reason.as_str();
        if reason == event.kind {
            return "";
        }
        match ending.filter(|ending| ending.seq < event.seq) {
            Some(ending) => {
                let rest = reason.strip_prefix(ending.reason.as_str());
                rest.map_or(reason, |rest| rest.trim_start_matches("; "))
            }
            None => reason,
        }
    }
}

fn line(page: &mut String, text: &str) {
    writeln!(page, "{text}").expect("a String takes every write");
}

/// The colour of a kind of event. Colour repeats what the word says.
pub(crate) fn kind_paint(kind: &str) -> Paint {
    match kind {
        "ready" | "reconnected" => Paint::Green,
        "exited" | "hung" | "unhealthy" | "start-timeout" | "refused" | "failed" | "stuck" => {
            Paint::Red
        }
        "backoff" | "unready" | "late" | "recycled" => Paint::Yellow,
        _ => Paint::Dim,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn event(
        seq: u64,
        at: u64,
        generation: u64,
        kind: &str,
        phases: (&str, &str),
        reason: &str,
    ) -> Event {
        let time = SystemTime::UNIX_EPOCH + Duration::from_millis(at);
        Event {
            seq,
            time: Some(time.into()),
            domain: "users".into(),
            from: phases.0.into(),
            to: phases.1.into(),
            generation,
            reason: reason.into(),
            kind: kind.into(),
        }
    }

    /// Ready, exit 3 after a second, and ready again.
    pub(crate) fn crashed_once() -> Vec<Event> {
        let boom = "exit 3; last on stderr: boom";
        let again = "exit 3; last on stderr: boom; starts again in 100 ms (attempt 1 of 8 in 1m)";
        vec![
            event(
                1,
                900,
                0,
                "waiting",
                ("stopped", "waiting"),
                "start asked for",
            ),
            event(
                2,
                901,
                0,
                "preparing",
                ("waiting", "preparing"),
                "dependencies are there",
            ),
            event(3, 1_000, 1, "spawned", ("preparing", "starting"), "spawned"),
            event(4, 1_100, 1, "ready", ("starting", "running"), "ready"),
            event(5, 2_000, 1, "exited", ("running", "stopping"), boom),
            event(6, 2_010, 1, "backoff", ("stopping", "backoff"), again),
            event(
                7,
                2_110,
                1,
                "waiting",
                ("backoff", "waiting"),
                "backoff is over",
            ),
            event(8, 2_200, 2, "spawned", ("preparing", "starting"), "spawned"),
            event(9, 2_300, 2, "ready", ("starting", "running"), "ready"),
        ]
    }

    fn domain(phase: &str, generation: u64, reason: &str) -> Domain {
        Domain {
            name: "users".into(),
            phase: phase.into(),
            goal: "up".into(),
            ready: phase == "running",
            generation,
            reason: reason.into(),
            ..Domain::default()
        }
    }

    fn summary(domain: &Domain, events: &[Event]) -> String {
        story(domain, events, &BTreeMap::new()).summary()
    }

    fn story<'a>(
        domain: &'a Domain,
        events: &'a [Event],
        stderr: &'a BTreeMap<u64, Vec<String>>,
    ) -> Story<'a> {
        Story {
            domain,
            events,
            stderr,
            now: SystemTime::UNIX_EPOCH + Duration::from_secs(4),
        }
    }

    #[test]
    fn the_first_line_names_the_trigger() {
        let events = crashed_once();
        assert_eq!(
            summary(&domain("running", 2, "ready"), &events),
            "users is ready since 1.7 s (generation 2): generation 1 ended: exit 3; last on \
             stderr: boom"
        );
        assert_eq!(
            summary(&domain("running", 1, "ready"), &events[..4]),
            "users is ready since 2.9 s (generation 1): started with the instance"
        );
        let backoff = Domain {
            retry_in_ms: Some(60),
            ..domain("backoff", 1, "exit 3; attempt 1 of 8 in 1m")
        };
        assert_eq!(
            summary(&backoff, &events[..6]),
            "users starts again in 60 ms: exit 3; attempt 1 of 8 in 1m"
        );
    }

    #[test]
    fn who_asked_is_named() {
        let mut events = crashed_once();
        events.push(event(
            10,
            3_000,
            2,
            "asked",
            ("", ""),
            "`fulcrum domains stop users`",
        ));
        events.push(event(
            11,
            3_001,
            2,
            "stopping",
            ("running", "stopping"),
            "stop asked for",
        ));
        events.push(event(
            12,
            3_100,
            2,
            "stopped",
            ("stopping", "stopped"),
            "stop asked for",
        ));
        let stopped = Domain {
            goal: "down".into(),
            ..domain("stopped", 2, "stop asked for")
        };
        assert_eq!(
            summary(&stopped, &events),
            "users is stopped since 900 ms: `fulcrum domains stop users` asked for it"
        );
        events.push(event(
            13,
            3_200,
            2,
            "asked",
            ("", ""),
            "`fulcrum domains start users`",
        ));
        events.push(event(
            14,
            3_300,
            3,
            "spawned",
            ("preparing", "starting"),
            "spawned",
        ));
        assert_eq!(
            summary(&domain("starting", 3, "spawned"), &events),
            "users is starting since 700 ms (generation 3): `fulcrum domains start users` asked \
             for it"
        );
    }

    #[test]
    fn the_timeline_says_each_thing_once_and_harms_no_terminal() {
        let events = crashed_once();
        let stderr = BTreeMap::from([(1, vec!["old".to_owned(), "\x1b[2Jboom".to_owned()])]);
        let domain = domain("running", 2, "ready");
        let told = story(&domain, &events, &stderr).tell(3, false);
        let golden = "\
users is ready since 1.7 s (generation 2): generation 1 ended: exit 3; last on stderr: boom

generation 1, spawned 1970-01-01T00:00:01.000Z (3.0 s ago)
    +0 ms  spawned
  +100 ms  ready
   +1.0 s  exited         exit 3; last on stderr: boom
                          | old
                          | ␛[2Jboom
   +1.0 s  backoff        starts again in 100 ms (attempt 1 of 8 in 1m)

generation 2, spawned 1970-01-01T00:00:02.200Z (1.8 s ago)
    +0 ms  spawned
  +100 ms  ready
";
        assert_eq!(told, golden);
        let one = story(&domain, &events, &stderr).tell(1, false);
        assert!(!one.contains("generation 1, spawned"), "{one}");
    }
}
