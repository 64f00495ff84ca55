//! A checkout is one change, however long it takes.

use std::path::Path;
use std::time::Duration;

use fulcrum_config::App;
use fulcrum_watch::RepositoryLocks;
use tokio::time::Instant;

/// How often it is looked whether a checkout has finished.
const LOOK_INTERVAL: Duration = Duration::from_millis(10);

/// A lock that is held for longer was left behind by a Git that was killed.
const LONGEST: Duration = Duration::from_secs(10);

/// Delays reloads while Git writes the files of a checkout, a merge or a rebase: on a busy machine
/// it pauses for longer than any quiet time.
#[derive(Debug, Default)]
pub(crate) struct Checkouts {
    locks: RepositoryLocks,
    /// Since when a lock has been seen at each look.
    held_since: Option<Instant>,
    next_look: Option<Instant>,
}

impl Checkouts {
    /// Looks at the repositories of the app and its domains from now on.
    pub(crate) fn update(&mut self, app: &App) {
        let domains = app.domains.iter().map(|domain| domain.dir.as_path());
        let dirs = domains.chain([app.root.as_path()]);
        self.locks = RepositoryLocks::of(dirs.collect::<Vec<&Path>>());
    }

    /// Whether an action that is due waits for the end of a checkout.
    pub(crate) fn delays(&mut self, now: Instant) -> bool {
        let is_held = self.locks.is_held();
        self.decide(is_held, now)
    }

    fn decide(&mut self, is_held: bool, now: Instant) -> bool {
        if !is_held {
            self.held_since = None;
        }
        let delays = is_held && now < *self.held_since.get_or_insert(now) + LONGEST;
        self.next_look = delays.then(|| now + LOOK_INTERVAL);
        delays
    }

    /// When to look again, for an action that is due at this time.
    pub(crate) fn look_at(&self, due: Option<std::time::Instant>) -> Option<std::time::Instant> {
        let look = self.next_look.map(Instant::into_std);
        due.map(|due| look.map_or(due, |look| look.max(due)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_delays_until_it_is_released() {
        let mut checkouts = Checkouts::default();
        let now = Instant::now();
        assert!(!checkouts.decide(false, now));
        assert!(checkouts.decide(true, now));
        let look = now + LOOK_INTERVAL;
        assert_eq!(
            checkouts.look_at(Some(now.into_std())),
            Some(look.into_std())
        );
        assert_eq!(checkouts.look_at(None), None);
        assert!(!checkouts.decide(false, look));
        assert_eq!(
            checkouts.look_at(Some(now.into_std())),
            Some(now.into_std())
        );
    }

    #[test]
    fn a_lock_that_was_left_behind_delays_once() {
        let mut checkouts = Checkouts::default();
        let now = Instant::now();
        assert!(checkouts.decide(true, now));
        assert!(checkouts.decide(true, now + LONGEST - LOOK_INTERVAL));
        assert!(!checkouts.decide(true, now + LONGEST));
        assert!(!checkouts.decide(true, now + LONGEST * 3));
        assert!(!checkouts.decide(false, now + LONGEST * 4));
        assert!(
            checkouts.decide(true, now + LONGEST * 5),
            "another checkout"
        );
    }
}
