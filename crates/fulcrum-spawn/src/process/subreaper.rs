//! Adopted orphans: reaped when they exit, reported when they cannot be attributed.
//!
//! All of it happens on the spawner's thread. There, no child is between its fork and its
//! registration, so a process that cannot be attributed is no child that is being started.

use std::time::Duration;

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::sleep;

use super::group::Member;
use super::stat::Stat;
use super::table;
use super::tracker::ProcessTracker;

/// Exits within this time are handled together.
const COALESCE_DELAY: Duration = Duration::from_millis(50);

/// Calls `check` whenever there may be an orphan to handle, as long as the runtime runs.
///
/// # Errors
/// The system refuses the handler of SIGCHLD.
pub(super) fn watch(
    tracker: ProcessTracker,
    check: impl Fn() + Send + 'static,
) -> std::io::Result<()> {
    let mut exits = signal(SignalKind::child())?;
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = exits.recv() => {}
                () = tracker.orphans_suspected() => {}
            }
            check();
            sleep(COALESCE_DELAY).await;
        }
    });
    Ok(())
}

/// Reaps orphans that have exited, and reports those that run and cannot be attributed.
pub(super) fn reap_and_report(tracker: &ProcessTracker) {
    // The list may miss processes that exit while it is read, so an empty one has to be read.
    while reap(tracker) > 0 {}
    let unknown = adopted(tracker).any(|stat| !tracker.tracked().is_attributed(&stat));
    if !unknown {
        return;
    }
    let attribution = tracker.attribute().unwrap_or_default();
    for process in &attribution.untracked {
        tracker.report_untracked(process);
    }
}

/// Reaps adopted zombies by pid, which cannot be reused before. Returns their number.
fn reap(tracker: &ProcessTracker) -> usize {
    let zombies = adopted(tracker).filter(Stat::is_zombie);
    zombies
        .filter(|zombie| {
            let pid = i32::try_from(zombie.pid).ok().and_then(Pid::from_raw);
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
            pid.is_some_and(|pid| matches!(waitid(WaitId::Pid(pid), options), Ok(Some(_))))
        })
        .count()
}

/// Children that are neither leaders nor helper processes: other code waits for those.
fn adopted(tracker: &ProcessTracker) -> impl Iterator<Item = Member> {
    let children = table::adopted().unwrap_or_default();
    let stats = children.into_iter().filter_map(Stat::read);
    stats.filter(|stat| tracker.tracked().may_be_orphan(stat))
}
