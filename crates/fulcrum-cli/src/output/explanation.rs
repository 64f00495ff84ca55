//! The explanation of one domain: why it is as it is, and how that came about.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use fulcrum_rpc::control::{Domain, Event};

use super::color::Color;
use super::domain_table::paint_of;
use super::generations::{GenerationHistory, between, detail_after_kind, lives, time};
use super::table::sanitize;
use super::time::rfc3339;
use fulcrum_runtime::format::format_duration;

/// How many lines of standard error stand below an end: the newest life's, and an older one's.
const STDERR_LINES: (usize, usize) = (10, 3);

/// A domain, and what is known of its past.
#[derive(Debug)]
pub(crate) struct Explanation<'a> {
    pub(crate) domain: &'a Domain,
    /// What happened to it, oldest first.
    pub(crate) events: &'a [Event],
    /// What its lives wrote to standard error last, by generation.
    pub(crate) stderr: &'a BTreeMap<u64, Vec<String>>,
    pub(crate) now: SystemTime,
}

impl Explanation<'_> {
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
        let age = |event: Option<&Event>| {
            let age = self.now.duration_since(event.and_then(time)?).ok();
            age.map(format_duration)
        };
        let last = lives.last();
        match phase.as_str() {
            "running" if self.domain.ready => {
                let how = age(self.last("ready")).map_or_else(
                    || "is ready".to_owned(),
                    |age| format!("has been ready for {age}"),
                );
                format!(
                    "{name} {how} (generation {generation}){}",
                    self.restart_reason(&lives)
                )
            }
            "running" => format!("{name} runs, but is not ready: {reason}"),
            "starting" => {
                let how = age(last.and_then(GenerationHistory::spawned)).map_or_else(
                    || "is starting".to_owned(),
                    |age| format!("has been starting for {age}"),
                );
                format!(
                    "{name} {how} (generation {generation}){}",
                    self.restart_reason(&lives)
                )
            }
            "waiting" | "preparing" => {
                format!("{name} is {phase}: {reason}{}", self.restart_reason(&lives))
            }
            "backoff" => {
                let wait = Duration::from_millis(self.domain.retry_in_ms.unwrap_or_default());
                format!("{name} starts again in {}: {reason}", format_duration(wait))
            }
            "failed" => match age(self.last("failed")) {
                Some(age) => format!("{name} failed {age} ago: {reason}"),
                None => format!("{name} has failed: {reason}"),
            },
            "stopped" => {
                let asked = last.and_then(GenerationHistory::last_request);
                let why = match asked.filter(|_| self.domain.goal == "down") {
                    Some(asked) => format!("{} asked for it", asked.reason),
                    None => reason.clone(),
                };
                match age(self.last("stopped")) {
                    Some(age) => format!("{name} stopped {age} ago: {why}"),
                    None => format!("{name} is stopped: {why}"),
                }
            }
            _ => format!("{name} is {phase}: {reason}"),
        }
    }

    fn last(&self, kind: &str) -> Option<&Event> {
        self.events.iter().rev().find(|event| event.kind == kind)
    }

    /// Why there is a new life: what became of the one before.
    fn restart_reason(&self, lives: &[GenerationHistory<'_>]) -> String {
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
        match (life.end_trigger(), life.last_request()) {
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
    pub(crate) fn render(&self, shown: usize, color: bool) -> String {
        let mut page = paint_of(self.domain).paint(&sanitize(&self.summary()), color);
        page.push('\n');
        let lives = lives(self.events);
        let from = lives.len().saturating_sub(shown.max(1));
        for (at, life) in lives.iter().enumerate().skip(from) {
            // What came before the first spawn is of interest only while there is none.
            if life.generation == 0 && at + 1 < lives.len() && life.last_request().is_none() {
                continue;
            }
            page.push('\n');
            let lines = if at + 1 == lives.len() {
                STDERR_LINES.0
            } else {
                STDERR_LINES.1
            };
            self.render_generation(life, lines, color, &mut page);
        }
        page
    }

    fn render_generation(
        &self,
        life: &GenerationHistory<'_>,
        lines: usize,
        color: bool,
        page: &mut String,
    ) {
        let Some(first) = life.events.first().copied() else {
            return;
        };
        let zero = life.spawned().unwrap_or(first);
        let when = time(zero).map_or_else(String::new, |at| {
            let age = self.now.duration_since(at);
            let ago = age.map_or_else(
                |_| String::new(),
                |age| format!(" ({} ago)", format_duration(age)),
            );
            format!("{}{ago}", rfc3339(at))
        });
        let title = match (life.generation, life.spawned()) {
            (0, _) => format!("before the first start, {when}"),
            (generation, Some(_)) => format!("generation {generation}, spawned {when}"),
            (generation, None) => format!("generation {generation}, from {when} on"),
        };
        line(page, &Color::Bold.paint(&title, color));
        let ending = life.end_trigger();
        for event in &life.events {
            // Passed in no time as a rule; whoever waits in them now is told in the summary.
            let passing = ["waiting", "preparing"].contains(&event.kind.as_str());
            if passing && !event.reason.starts_with("waiting for") {
                continue;
            }
            // Noticed first, acted on when its evidence is there: one line is enough.
            let acted_on = ending.is_some_and(|ending| {
                ending.seq > event.seq && ending.kind == event.kind && ending.reason == event.reason
            });
            if acted_on {
                continue;
            }
            let after = between(zero, event)
                .map_or_else(String::new, |after| format!("+{}", format_duration(after)));
            let kind = kind_paint(&event.kind).paint(&format!("{:<13}", event.kind), color);
            let text = format!(
                "{after:>9}  {kind}  {}",
                sanitize(self.event_detail(event, ending))
            );
            line(page, text.trim_end());
            if ending.is_some_and(|ending| ending.seq == event.seq) {
                let said = self.stderr.get(&life.generation);
                let said = significant_lines(said.map_or(&[], Vec::as_slice));
                for words in &said[said.len().saturating_sub(lines)..] {
                    let words = format!("{:26}| {}", "", sanitize(words));
                    line(page, &Color::Dim.paint(&words, color));
                }
            }
        }
    }

    /// What an event says beyond its kind and beyond what the end has said already.
    fn event_detail<'e>(&self, event: &'e Event, ending: Option<&Event>) -> &'e str {
        let reason = detail_after_kind(event);
        match ending.filter(|ending| ending.seq < event.seq) {
            Some(ending) => {
                let rest = reason.strip_prefix(ending.reason.as_str());
                rest.map_or(reason, |rest| rest.trim_start_matches("; "))
            }
            None => reason,
        }
    }
}

/// The lines that tell people most: without stack frames and what is around them. The log has all.
fn significant_lines(lines: &[String]) -> Vec<&str> {
    let noise = |line: &str| {
        let line = line.trim_start();
        let native_frame = line
            .split_once(": 0x")
            .is_some_and(|(number, _)| number.bytes().all(|byte| byte.is_ascii_digit()));
        line.is_empty()
            || native_frame
            || line.starts_with("at ")
            || line.starts_with("Node.js v")
            // What Node says when evidence is taken of it.
            || line.starts_with("Debugger ")
            || line.ends_with("nodejs.org/en/docs/inspector")
            || line.bytes().all(|byte| byte == b'^' || byte == b'}')
    };
    let lines = lines.iter().map(String::as_str);
    lines.filter(|line| !noise(line)).collect()
}

fn line(page: &mut String, text: &str) {
    writeln!(page, "{text}").expect("a String takes every write");
}

/// The color of a kind of event. Color repeats what the word says.
pub(crate) fn kind_paint(kind: &str) -> Color {
    match kind {
        "ready" | "reconnected" => Color::Green,
        "exited" | "hung" | "unhealthy" | "start-timeout" | "refused" | "failed" | "stuck" => {
            Color::Red
        }
        "backoff" | "unready" | "late" | "unresponsive" | "recycled" | "reloading" => Color::Yellow,
        _ => Color::Dim,
    }
}

#[cfg(test)]
pub(super) mod tests;
