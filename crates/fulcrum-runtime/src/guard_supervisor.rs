//! Sees to it that somebody ends the domains should this instance die: a record of what runs, and
//! a guard beside us that reads it then.

use std::sync::Arc;
use std::time::Duration;

use fulcrum_logs::{Hub, Level};
use fulcrum_rpc::RuntimeDir;
use fulcrum_spawn::process::{CleanupGuard, ProcessHandle, ProcessTracker, RunId, RunRecord};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use crate::context::log;
use crate::stale::record_of;

/// A guard that lived so long was a good one, and the next may follow at once.
const STABLE_AFTER: Duration = Duration::from_secs(10);

/// The pause after a guard that wasn't, doubled each time up to the longest.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(60));

/// How long a guard that was let go may take. It has nothing to do then.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(1);

/// The record and the guard of this instance.
pub struct GuardHandle {
    record: Option<Arc<RunRecord>>,
    ready: Option<oneshot::Receiver<()>>,
    dismiss: oneshot::Sender<()>,
    keeper: Option<JoinHandle<()>>,
}

impl GuardHandle {
    /// Begins the record and starts a guard. Where that fails the instance goes on, and says so.
    pub fn begin(
        verb: &'static str,
        dir: &RuntimeDir,
        run: &RunId,
        containment: &ProcessTracker,
        hub: &Hub,
    ) -> Self {
        let (dismiss, dismissed) = oneshot::channel();
        let (stands, standing) = oneshot::channel();
        let record = RunRecord::begin(&record_of(dir), run, containment.cgroup());
        let record = match record {
            Ok(record) => Arc::new(record),
            Err(error) => {
                log(
                    hub,
                    Level::Warn,
                    format!(
                        "there is no guard: the record of what runs, {}, can't be begun: {error}; \
                         should fulcrum be killed, descendants of domains may live on",
                        record_of(dir).display()
                    ),
                );
                return Self {
                    record: None,
                    ready: None,
                    dismiss,
                    keeper: None,
                };
            }
        };
        containment.set_record(Arc::clone(&record));
        let keeper = GuardSupervisor {
            verb,
            record: Arc::clone(&record),
            run: run.clone(),
            containment: containment.clone(),
            hub: hub.clone(),
            stands: Some(stands),
        };
        Self {
            record: Some(record),
            ready: Some(standing),
            dismiss,
            keeper: Some(tokio::spawn(keeper.keep(dismissed))),
        }
    }

    /// Returns when the first guard stands, or can't.
    pub async fn ready(&mut self) {
        if let Some(standing) = self.ready.take() {
            let _ = standing.await;
        }
    }

    /// Ends the record and the guard. Where something could not be ended they are left to go on.
    pub async fn end(self, nothing_left: bool) {
        if !nothing_left {
            return;
        }
        if let Some(record) = &self.record {
            record.finish();
        }
        let _ = self.dismiss.send(());
        if let Some(keeper) = self.keeper {
            let _ = keeper.await;
        }
    }
}

/// Keeps a guard standing.
struct GuardSupervisor {
    verb: &'static str,
    record: Arc<RunRecord>,
    run: RunId,
    containment: ProcessTracker,
    hub: Hub,
    /// To be told when the first one stands, or can't.
    stands: Option<oneshot::Sender<()>>,
}

impl GuardSupervisor {
    async fn keep(mut self, mut dismissed: oneshot::Receiver<()>) {
        let mut pause = Duration::ZERO;
        loop {
            let begun = Instant::now();
            match CleanupGuard::start(self.verb, &self.record, &self.run) {
                Ok(guard) => {
                    self.containment.exclude(guard.pid());
                    self.notify_ready();
                    if self.wait_for_exit(guard, &mut dismissed).await {
                        return;
                    }
                }
                Err(error) => self.warn(format!("no guard can be started: {error}")),
            }
            // Also when there is none: the domains needn't wait for it.
            self.notify_ready();
            pause = next_pause(pause, begun.elapsed());
            tokio::select! {
                _ = &mut dismissed => return,
                () = sleep(pause) => {}
            }
        }
    }

    /// Whether it was let go; else it has ended by itself.
    async fn wait_for_exit(
        &self,
        guard: CleanupGuard,
        dismissed: &mut oneshot::Receiver<()>,
    ) -> bool {
        let pid = guard.pid();
        let Some(watched) = ProcessHandle::open(pid) else {
            // Out of descriptors: it stands, but its end won't be noticed.
            let _ = dismissed.await;
            guard.release().reap();
            return true;
        };
        tokio::select! {
            () = watched.exited() => {
                let how = guard.reap();
                self.warn(format!("the guard (pid {pid}) has ended ({how}); another one takes its place"));
                false
            }
            _ = dismissed => {
                let mut guard = guard.release();
                if timeout(RELEASE_TIMEOUT, watched.exited()).await.is_err() {
                    guard.kill();
                }
                guard.reap();
                true
            }
        }
    }

    fn notify_ready(&mut self) {
        if let Some(stands) = self.stands.take() {
            let _ = stands.send(());
        }
    }

    fn warn(&self, text: String) {
        log(&self.hub, Level::Warn, text);
    }
}

/// How long to wait before the next guard, after a pause of `last` and a guard that lived so long.
fn next_pause(last: Duration, lived: Duration) -> Duration {
    if lived >= STABLE_AFTER {
        return Duration::ZERO;
    }
    match last {
        Duration::ZERO => PAUSE.0,
        last => (last * 2).min(PAUSE.1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guards_that_die_at_once_are_not_started_without_end() {
        let mut pauses = Vec::new();
        let mut last = Duration::ZERO;
        for _ in 0..12 {
            last = next_pause(last, Duration::from_millis(3));
            pauses.push(last);
        }
        assert_eq!(pauses[0], PAUSE.0);
        assert_eq!(pauses[11], PAUSE.1);
        assert_eq!(next_pause(last, Duration::from_secs(3600)), Duration::ZERO);
    }
}
