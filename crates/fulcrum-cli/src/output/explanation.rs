//! The explanation of one domain: its current state and its history.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use fulcrum_logs::rfc3339_millis;
use fulcrum_rpc::control::{Domain, Event};
use fulcrum_runtime::format::format_duration;
use fulcrum_runtime::history::{
    GenerationHistory, between, detail_after_kind, group_by_generation, time,
};

use super::color::Color;
use super::domain_table::phase_color;
use super::event_kind::kind_color;
use super::table::sanitize;

/// How many lines of standard error are printed below the end of the latest generation, and of an
/// earlier one.
const STDERR_LINES: (usize, usize) = (10, 3);

/// A domain and its retained history.
#[derive(Debug)]
pub(crate) struct Explanation<'a> {
    pub(crate) domain: &'a Domain,
    /// Its events, oldest first.
    pub(crate) events: &'a [Event],
    /// Its standard error by generation.
    pub(crate) stderr: &'a BTreeMap<u64, Vec<String>>,
    pub(crate) now: SystemTime,
}

impl Explanation<'_> {
    /// The current state and its cause, in one line.
    pub(crate) fn summary(&self) -> String {
        let Domain {
            name,
            phase,
            reason,
            generation,
            ..
        } = self.domain;
        let generations = group_by_generation(self.events);
        let last = generations.last();
        let cause = || self.restart_cause(&generations);
        match phase.as_str() {
            "running" if self.domain.ready => {
                let how = self.age(self.last("ready")).map_or_else(
                    || "is ready".to_owned(),
                    |age| format!("has been ready for {age}"),
                );
                format!("{name} {how} (generation {generation}){}", cause())
            }
            "running" => format!("{name} is running but not ready: {reason}"),
            "starting" => {
                let spawned = last.and_then(GenerationHistory::spawned);
                let how = self.age(spawned).map_or_else(
                    || "is starting".to_owned(),
                    |age| format!("has been starting for {age}"),
                );
                format!("{name} {how} (generation {generation}){}", cause())
            }
            "waiting" | "preparing" => format!("{name} is {phase}: {reason}{}", cause()),
            "backoff" => {
                let wait = Duration::from_millis(self.domain.retry_in_ms.unwrap_or_default());
                format!("{name} restarts in {}: {reason}", format_duration(wait))
            }
            "failed" => match self.age(self.last("failed")) {
                Some(age) => format!("{name} failed {age} ago: {reason}"),
                None => format!("{name} has failed: {reason}"),
            },
            "completed" => match self.age(self.last("completed")) {
                Some(age) => format!("{name} completed {age} ago: {reason}"),
                None => format!("{name} has completed: {reason}"),
            },
            "stopped" => {
                let request = last.and_then(GenerationHistory::last_request);
                let cause = match request.filter(|_| self.domain.goal == "down") {
                    Some(request) => format!("requested by {}", request.reason),
                    None => reason.clone(),
                };
                match self.age(self.last("stopped")) {
                    Some(age) => format!("{name} stopped {age} ago: {cause}"),
                    None => format!("{name} is stopped: {cause}"),
                }
            }
            _ => format!("{name} is {phase}: {reason}"),
        }
    }

    fn last(&self, kind: &str) -> Option<&Event> {
        self.events.iter().rev().find(|event| event.kind == kind)
    }

    /// The time since an event; none if it is unknown or the clock was set back.
    fn age(&self, event: Option<&Event>) -> Option<String> {
        let age = self.now.duration_since(event.and_then(time)?).ok();
        age.map(format_duration)
    }

    /// Why there is a new generation: a request, or the end of the previous one.
    fn restart_cause(&self, generations: &[GenerationHistory<'_>]) -> String {
        let generation = self.domain.generation;
        let is_spawned = matches!(self.domain.phase.as_str(), "running" | "starting");
        let previous = if is_spawned {
            generation.saturating_sub(1)
        } else {
            generation
        };
        let Some(history) = generations.iter().find(|one| one.generation == previous) else {
            return String::new();
        };
        match (history.end_trigger(), history.last_request()) {
            // A request that did not follow another end.
            (end, Some(request))
                if end.is_none_or(|end| end.kind == "stopping" || end.seq < request.seq) =>
            {
                format!(": requested by {}", request.reason)
            }
            (Some(end), _) => format!(": generation {previous} ended: {}", end.reason),
            (None, _) if previous == 0 => ": started with the instance".to_owned(),
            (None, _) => String::new(),
        }
    }

    /// The summary and the last `count` generations, oldest first, with times relative to their
    /// spawns.
    pub(crate) fn render(&self, count: usize, color: bool) -> String {
        let mut text = phase_color(self.domain).paint(&sanitize(&self.summary()), color);
        text.push('\n');
        let generations = group_by_generation(self.events);
        let skipped = generations.len().saturating_sub(count.max(1));
        for (at, history) in generations.iter().enumerate().skip(skipped) {
            let is_latest = at + 1 == generations.len();
            // Events before the first spawn matter only until there is one.
            if history.generation == 0 && !is_latest && history.last_request().is_none() {
                continue;
            }
            text.push('\n');
            let (latest, earlier) = STDERR_LINES;
            let stderr_lines = if is_latest { latest } else { earlier };
            self.render_generation(history, stderr_lines, color, &mut text);
        }
        text
    }

    fn render_generation(
        &self,
        history: &GenerationHistory<'_>,
        stderr_lines: usize,
        color: bool,
        text: &mut String,
    ) {
        let Some(first) = history.events.first().copied() else {
            return;
        };
        let start = history.spawned().unwrap_or(first);
        let title = self.title(history, start);
        push_line(text, &Color::Bold.paint(&title, color));
        let end = history.end_trigger();
        for event in history
            .events
            .iter()
            .filter(|event| !is_repeated(event, end))
        {
            let after = between(start, event)
                .map_or_else(String::new, |after| format!("+{}", format_duration(after)));
            let kind = kind_color(&event.kind).paint(&format!("{:<13}", event.kind), color);
            let detail = sanitize(detail_after_end(event, end));
            push_line(text, format!("{after:>9}  {kind}  {detail}").trim_end());
            if end.is_some_and(|end| end.seq == event.seq) {
                let stderr = self.stderr.get(&history.generation);
                let stderr = significant_lines(stderr.map_or(&[], Vec::as_slice));
                for line in &stderr[stderr.len().saturating_sub(stderr_lines)..] {
                    let line = format!("{:26}| {}", "", sanitize(line));
                    push_line(text, &Color::Dim.paint(&line, color));
                }
            }
        }
    }

    fn title(&self, history: &GenerationHistory<'_>, start: &Event) -> String {
        let since = time(start).map(rfc3339_millis).unwrap_or_default();
        let ago = self.age(Some(start));
        let ago = ago.map_or_else(String::new, |age| format!(" ({age} ago)"));
        match (history.generation, history.spawned()) {
            (0, _) => format!("before the first start, {since}{ago}"),
            (generation, Some(_)) => format!("generation {generation}, spawned {since}{ago}"),
            (generation, None) => format!("generation {generation}, from {since}{ago}"),
        }
    }
}

/// Whether the timeline has the event's information in another line.
fn is_repeated(event: &Event, end: Option<&Event>) -> bool {
    // These phases usually take no time; if the domain is in one now, the summary has it.
    let is_passing = ["waiting", "preparing"].contains(&event.kind.as_str());
    // A hang is detected first, and acted on when its evidence is collected.
    let is_acted_on = end.is_some_and(|end| {
        end.seq > event.seq && end.kind == event.kind && end.reason == event.reason
    });
    is_acted_on || is_passing && !event.reason.starts_with("waiting for")
}

/// The detail of an event, without what the end before it has already printed.
fn detail_after_end<'e>(event: &'e Event, end: Option<&Event>) -> &'e str {
    let detail = detail_after_kind(event);
    let end = end.filter(|end| end.seq < event.seq);
    match end.and_then(|end| detail.strip_prefix(end.reason.as_str())) {
        Some(rest) => rest.trim_start_matches("; "),
        None => detail,
    }
}

/// Lines without stack frames and without messages of Node. The log has all of them.
fn significant_lines(lines: &[String]) -> Vec<&str> {
    let is_noise = |line: &str| {
        let line = line.trim_start();
        let is_native_frame = line
            .split_once(": 0x")
            .is_some_and(|(number, _)| number.bytes().all(|byte| byte.is_ascii_digit()));
        line.is_empty()
            || is_native_frame
            || line.starts_with("at ")
            || line.starts_with("Node.js v")
            // Printed by Node while its inspector is used.
            || line.starts_with("Debugger ")
            || line.ends_with("nodejs.org/en/docs/inspector")
            || line.bytes().all(|byte| byte == b'^' || byte == b'}')
    };
    let lines = lines.iter().map(String::as_str);
    lines.filter(|line| !is_noise(line)).collect()
}

fn push_line(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

#[cfg(test)]
pub(super) mod tests;
