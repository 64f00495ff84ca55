//! One end of a process is one line: an exit is held back until its consequence is known, or for a
//! moment if that takes longer.

use std::collections::BTreeMap;
use std::time::Duration;

use fulcrum_logs::Level;
use tokio::time::{Instant, sleep_until};

/// How long an exit is held back. What follows is decided at once, unless processes below the leader
/// take their time to stop.
const MAX_DELAY: Duration = Duration::from_millis(200);

/// An exit that is not logged yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HeldExit {
    pub(crate) generation: u64,
    /// The log line.
    pub(crate) text: String,
    /// The description of the exit, as other texts contain it.
    reason: String,
    due: Instant,
}

/// A log line, and the generation that it is about.
pub(crate) type ExitLine = (u64, Level, String);

/// The exits that are held back, one at most for each domain.
#[derive(Debug, Default)]
pub(crate) struct HeldExits(BTreeMap<String, HeldExit>);

impl HeldExits {
    /// Holds back an exit, described as for events: `exit 1: Error: boom`.
    pub(crate) fn hold(&mut self, domain: &str, generation: u64, reason: &str, now: Instant) {
        let exit = HeldExit {
            generation,
            text: exit_line(reason),
            reason: reason.to_owned(),
            due: now + MAX_DELAY,
        };
        self.0.insert(domain.to_owned(), exit);
    }

    /// The lines for a message about a domain: with the exit that it follows from in the same line,
    /// or after the exit of an earlier generation.
    pub(crate) fn join(
        &mut self,
        domain: &str,
        generation: u64,
        level: Level,
        text: String,
    ) -> Vec<ExitLine> {
        let Some(exit) = self.0.remove(domain) else {
            return vec![(generation, level, text)];
        };
        if exit.generation != generation {
            let earlier = (exit.generation, Level::Error, exit.text);
            return vec![earlier, (generation, level, text)];
        }
        if text.contains(&exit.text) || text.contains(&exit.reason) {
            return vec![(generation, level, text)];
        }
        let text = format!("{}; {text}", exit.text);
        vec![(generation, Level::Error, text)]
    }

    /// Completes when an exit has been held back for long enough. Cancel safe.
    pub(crate) async fn due(&self) {
        match self.0.values().map(|exit| exit.due).min() {
            Some(due) => sleep_until(due).await,
            None => std::future::pending().await,
        }
    }

    /// Takes the exits that have been held back for long enough.
    pub(crate) fn take_due(&mut self, now: Instant) -> Vec<(String, HeldExit)> {
        self.0.extract_if(.., |_, exit| exit.due <= now).collect()
    }
}

/// `exit 1: Error: boom` as a sentence: `exited with code 1: Error: boom`.
pub(crate) fn exit_line(reason: &str) -> String {
    match reason.strip_prefix("exit ") {
        Some(rest) => format!("exited with code {rest}"),
        None => reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(now: Instant) -> HeldExits {
        let mut exits = HeldExits::default();
        exits.hold("users", 3, "exit 1: Error: boom at a.js:1:2", now);
        exits
    }

    #[tokio::test(start_paused = true)]
    async fn an_exit_and_its_consequence_are_one_line() {
        let mut exits = held(Instant::now());
        let text = "restarting now (attempt 1 of 8)".to_owned();
        assert_eq!(
            exits.join("users", 3, Level::Warn, text.clone()),
            [(
                3,
                Level::Error,
                "exited with code 1: Error: boom at a.js:1:2; restarting now (attempt 1 of 8)"
                    .to_owned()
            )]
        );
        assert_eq!(
            exits.join("users", 3, Level::Warn, text.clone()),
            [(3, Level::Warn, text)]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn an_exit_whose_consequence_takes_long_is_a_line_of_its_own() {
        let mut exits = held(Instant::now());
        assert_eq!(exits.take_due(Instant::now()), []);
        exits.due().await;
        let due = exits.take_due(Instant::now());
        assert_eq!(due[0].1.text, "exited with code 1: Error: boom at a.js:1:2");
    }

    #[tokio::test(start_paused = true)]
    async fn the_exit_of_an_earlier_generation_comes_first() {
        let lines = held(Instant::now()).join("users", 4, Level::Info, "started".to_owned());
        assert_eq!(lines.len(), 2);
        assert_eq!((lines[0].0, lines[1].0), (3, 4));
    }
}
