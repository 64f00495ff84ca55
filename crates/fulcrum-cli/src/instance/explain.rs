//! Puts an end into words: how it was, what caused it as far as the last words tell, what cures it.

use fulcrum_health::{diagnose, explain_exit};
use fulcrum_logs::Stream;
use fulcrum_spawn::lifecycle::{Goal, Phase};
use fulcrum_spawn::supervisor::{LastExit, Snapshot};

use super::house::House;

/// How many of the last lines are looked at for a known cause.
const LAST_WORDS: usize = 20;

/// How a life ended and why. Where Fulcrum ended it, what for.
pub(crate) fn explain(house: &House, domain: &str, exit: &LastExit, early: bool) -> String {
    let report = exit.report;
    let mut text = explain_exit(report.code, report.signal);
    if exit.reason != report.to_string() {
        return format!("{}; {text}", exit.reason);
    }
    if early {
        text.push_str(" before it registered");
    }
    let lines = house
        .hub
        .last_lines(domain, exit.generation, Stream::Stderr, LAST_WORDS);
    let words: Vec<String> = lines.iter().map(|line| line.text().into_owned()).collect();
    if let Some(found) = diagnose(&words, report.code, report.signal) {
        text.push_str(&format!(": {} ({})", found.cause, found.cure));
    }
    text
}

/// What to do about a domain that ended quietly and was never there.
pub(crate) fn advice(now: &Snapshot) -> Option<&'static str> {
    let quiet = now.phase == Phase::Stopped && now.goal == Goal::Up && now.ready_after.is_none();
    quiet.then_some(
        "its entry ran to its end without starting a domain: export default a class with a \
         start() method, or call start()",
    )
}
