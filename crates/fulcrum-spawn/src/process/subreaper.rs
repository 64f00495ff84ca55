//! Orphans that this program adopted: reaped when they end, told of when nobody knows them.
//!
//! All of it is done on the spawner's thread: there, no child is between its fork and its entry in
//! the roll, so a stranger is one.

use std::time::Duration;

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::sleep;

use super::group::Member;
use super::stat::Stat;
use super::table;
use super::tracker::ProcessTracker;

/// Many that end together are one reason to look.
const COALESCE_DELAY: Duration = Duration::from_millis(50);

/// Calls `look` whenever there may be an orphan to look after, as long as the runtime goes on.
///
/// # Errors
/// The system refuses to report the ends of children.
pub(super) fn watch(
    containment: ProcessTracker,
    look: impl Fn() + Send + 'static,
) -> std::io::Result<()> {
    let mut ended = signal(SignalKind::child())?;
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = ended.recv() => {}
                () = containment.orphans_suspected() => {}
            }
            look();
            sleep(COALESCE_DELAY).await;
        }
    });
    Ok(())
}

/// Reaps those that have ended, and tells of those that live and belong to nobody.
pub(super) fn reap_and_report(containment: &ProcessTracker) {
    // Those that end while the list is read may be missing in it, so an empty one has to be seen.
    while reap(containment) > 0 {}
    let unknown = adopted(containment).any(|stat| !containment.roll().is_attributed(&stat));
    if !unknown {
        return;
    }
    let census = containment.attribute().unwrap_or_default();
    for stranger in &census.untracked {
        containment.report_untracked(stranger);
    }
}

/// Reaps adopted zombies, each by its number: it can't be another's before. Gives how many.
fn reap(containment: &ProcessTracker) -> usize {
    let zombies = adopted(containment).filter(Stat::is_zombie);
    zombies
        .filter(|zombie| {
            let pid = i32::try_from(zombie.pid).ok().and_then(Pid::from_raw);
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
            pid.is_some_and(|pid| matches!(waitid(WaitId::Pid(pid), options), Ok(Some(_))))
        })
        .count()
}

/// Our children that are neither leaders nor helpers: for those, others wait.
fn adopted(containment: &ProcessTracker) -> impl Iterator<Item = Member> {
    let children = table::adopted().unwrap_or_default();
    let stats = children.into_iter().filter_map(Stat::read);
    stats.filter(|stat| containment.roll().may_be_orphan(stat))
}
