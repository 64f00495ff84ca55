//! Keeps a cleanup guard running: another process that kills what is left if this one dies.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use super::guard::CleanupGuard;
use super::pidfd::ProcessHandle;
use super::run_id::RunId;
use super::run_record::RunRecord;
use super::tracker::ProcessTracker;
use crate::code::Code;

/// A guard that ran at least this long was stable: the next one may follow at once.
const STABLE_AFTER: Duration = Duration::from_secs(10);

/// The pause after a guard that was not stable, doubled each time.
const MIN_PAUSE: Duration = Duration::from_millis(100);

/// The longest pause.
const MAX_PAUSE: Duration = Duration::from_secs(60);

/// How long a released guard may take to exit. It has nothing left to do.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(1);

/// The run record and the cleanup guard of this program.
#[derive(Debug)]
pub struct GuardHandle {
    record: Option<Arc<RunRecord>>,
    release: oneshot::Sender<()>,
    supervisor: Option<JoinHandle<()>>,
}

impl GuardHandle {
    /// Creates the run record at `record` and starts a guard: this very program, with `verb`, the path
    /// of the record and the run id as arguments. The program must call
    /// [`run_cleanup_guard`](super::run_cleanup_guard) then. Where that fails, a warning is logged and
    /// this program goes on without a guard. Must be called on a tokio runtime.
    #[must_use]
    pub fn start(verb: &'static str, record: &Path, run: &RunId, tracker: &ProcessTracker) -> Self {
        let (release, released) = oneshot::channel();
        let path = record;
        let record = match RunRecord::create(path, run, tracker.cgroup()) {
            Ok(record) => Arc::new(record),
            Err(error) => {
                tracing::warn!(
                    code = %Code::NoGuard,
                    "no cleanup guard: cannot create the run record {}: {error}; if fulcrum is \
                     killed, descendants of domains may survive",
                    path.display()
                );
                return Self {
                    record: None,
                    release,
                    supervisor: None,
                };
            }
        };
        tracker.set_record(Arc::clone(&record));
        let supervisor = GuardSupervisor {
            verb,
            record: Arc::clone(&record),
            run: run.clone(),
            tracker: tracker.clone(),
        };
        Self {
            record: Some(record),
            release,
            supervisor: Some(tokio::spawn(supervisor.run(released))),
        }
    }

    /// Removes the record and ends the guard. If processes are left that could not be killed
    /// (`all_ended` is false), both stay, and the guard tries again after this program's exit.
    pub async fn end(self, all_ended: bool) {
        if !all_ended {
            return;
        }
        if let Some(record) = &self.record {
            record.finish();
        }
        let _ = self.release.send(());
        if let Some(supervisor) = self.supervisor {
            let _ = supervisor.await;
        }
    }
}

/// The task that restarts the guard when it exits.
struct GuardSupervisor {
    verb: &'static str,
    record: Arc<RunRecord>,
    run: RunId,
    tracker: ProcessTracker,
}

impl GuardSupervisor {
    async fn run(self, mut released: oneshot::Receiver<()>) {
        let mut pause = Duration::ZERO;
        loop {
            let started_at = Instant::now();
            match CleanupGuard::start(self.verb, &self.record, &self.run) {
                Ok(guard) => {
                    self.tracker.exclude(guard.pid());
                    if wait_for_exit(guard, &mut released).await {
                        return;
                    }
                }
                Err(error) => {
                    tracing::warn!(code = %Code::NoGuard, "cannot start the cleanup guard: {error}")
                }
            }
            pause = next_pause(pause, started_at.elapsed());
            tokio::select! {
                _ = &mut released => return,
                () = sleep(pause) => {}
            }
        }
    }
}

/// Returns whether the guard was released. Otherwise it has exited by itself.
async fn wait_for_exit(guard: CleanupGuard, released: &mut oneshot::Receiver<()>) -> bool {
    let pid = guard.pid();
    let Some(watched) = ProcessHandle::open(pid) else {
        // Out of file descriptors: the guard runs, but its exit is not noticed.
        let _ = released.await;
        guard.release().reap();
        return true;
    };
    tokio::select! {
        () = watched.exited() => {
            let status = guard.reap();
            tracing::warn!(code = %Code::NoGuard, "cleanup guard (pid {pid}) exited ({status}); restarting it");
            false
        }
        _ = released => {
            let mut guard = guard.release();
            if timeout(RELEASE_TIMEOUT, watched.exited()).await.is_err() {
                guard.kill();
            }
            guard.reap();
            true
        }
    }
}

/// How long to wait before the next guard, after a pause of `last` and a guard that ran for `uptime`.
fn next_pause(last: Duration, uptime: Duration) -> Duration {
    if uptime >= STABLE_AFTER {
        return Duration::ZERO;
    }
    match last {
        Duration::ZERO => MIN_PAUSE,
        last => (last * 2).min(MAX_PAUSE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guards_that_exit_at_once_are_restarted_with_growing_pauses() {
        let mut pauses = Vec::new();
        let mut last = Duration::ZERO;
        for _ in 0..12 {
            last = next_pause(last, Duration::from_millis(3));
            pauses.push(last);
        }
        assert_eq!(pauses[0], MIN_PAUSE);
        assert_eq!(pauses[11], MAX_PAUSE);
        assert_eq!(next_pause(last, Duration::from_secs(3600)), Duration::ZERO);
    }
}
