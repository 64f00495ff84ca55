//! Starts jobs when they are due: one task for each job with a schedule.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use fulcrum_config::Schedule;
use fulcrum_logs::{Hub, Level, with_code};
use fulcrum_spawn::lifecycle::{Command, Phase};
use fulcrum_spawn::supervisor::{DomainHandle, Supervisor};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::sleep;

use crate::code::Code;
use crate::events::log::EventLog;
use crate::log_lines::log_for_domain;
use crate::schedule::timetable::{Decision, Timetable};
use crate::shutdown::stage::{ShutdownSignal, ShutdownStage};
use crate::state::desired::DesiredStateReceiver;
use crate::state::domain::SharedDomainStates;

/// The longest sleep: the wall clock may be set, and timers do not run while the machine sleeps.
const MAX_SLEEP: Duration = Duration::from_secs(20);

/// Reads the wall clock.
pub(crate) type WallClock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// What starts jobs by their schedules.
#[derive(Clone)]
pub(crate) struct ScheduleTask {
    pub(crate) desired: DesiredStateReceiver,
    pub(crate) states: SharedDomainStates,
    pub(crate) supervisor: Supervisor,
    pub(crate) events: EventLog,
    pub(crate) hub: Hub,
    pub(crate) shutdown: ShutdownSignal,
    pub(crate) clock: WallClock,
}

impl ScheduleTask {
    /// Runs until a shutdown is requested.
    pub(crate) async fn run(self) {
        let shutdown = self.shutdown.clone();
        let mut running = BTreeMap::new();
        let mut desired = self.desired.clone();
        loop {
            self.follow(&mut running);
            tokio::select! {
                () = shutdown.wait_for(ShutdownStage::Stopping) => break,
                changed = desired.changed() => if changed.is_none() { break },
            }
        }
        for (_, task) in running.into_values() {
            task.abort();
        }
    }

    /// Starts and ends the tasks of single jobs by the configuration in force.
    fn follow(&self, running: &mut BTreeMap<String, (Schedule, AbortHandle)>) {
        let desired = self.desired.current();
        let mut wanted: BTreeMap<&str, &Schedule> = BTreeMap::new();
        for domain in desired.app.domains.iter().filter(|one| one.has_process()) {
            if let Some(schedule) = &domain.process.schedule {
                wanted.insert(&domain.name, schedule);
            }
        }
        running.retain(|name, (schedule, task)| {
            let stays = wanted.get(name.as_str()) == Some(&&*schedule);
            if !stays {
                task.abort();
                self.set_next_run(name, None);
            }
            stays
        });
        for (name, schedule) in wanted {
            if !running.contains_key(name) {
                let job = self.clone().follow_job(name.to_owned(), schedule.clone());
                let task = tokio::spawn(job).abort_handle();
                running.insert(name.to_owned(), (schedule.clone(), task));
            }
        }
    }

    async fn follow_job(self, name: String, schedule: Schedule) {
        let cron = schedule.cron.to_string();
        let mut timetable = Timetable::new(schedule, seed(&name), (self.clock)());
        loop {
            let handle = self.supervisor.domain(&name);
            // Subscribed before the look, so that no change is missed.
            let mut changes = handle.as_ref().map(DomainHandle::subscribe);
            changes.as_mut().map(watch::Receiver::mark_unchanged);
            let now = (self.clock)();
            if let Some(decision) = timetable.poll(now, handle.as_ref().is_some_and(is_busy)) {
                if let Some(handle) = &handle {
                    self.execute(handle, &cron, decision).await;
                }
                continue;
            }
            self.set_next_run(&name, timetable.due());
            let until_due = timetable.due().map(|due| due.duration_since(now));
            let until_due = until_due.map_or(MAX_SLEEP, Result::unwrap_or_default);
            let changed = async {
                let changed = match &mut changes {
                    Some(changes) => changes.changed().await.is_ok(),
                    None => false,
                };
                if !changed {
                    // There is no such domain, or not any more.
                    std::future::pending::<()>().await;
                }
            };
            tokio::select! {
                () = sleep(until_due.min(MAX_SLEEP)) => {}
                () = changed => {}
            }
        }
    }

    async fn execute(&self, handle: &DomainHandle, cron: &str, decision: Decision) {
        let (name, generation) = (handle.name(), handle.snapshot().generation);
        let log = |level, text: String| {
            self.events
                .record(name, generation, "schedule", text.clone());
            let text = match level {
                Level::Warn => with_code(&text, Code::RunLeftOut),
                _ => text,
            };
            log_for_domain(&self.hub, name, generation, level, text);
        };
        match decision {
            Decision::Run => {}
            Decision::Replace => log(
                Level::Warn,
                "a run is due: stopping the one before (overlap: kill)".to_owned(),
            ),
            Decision::Skip => log(
                Level::Warn,
                "run left out: the one before is not over (overlap: skip)".to_owned(),
            ),
            Decision::Queue => log(
                Level::Info,
                "a run is due: it starts when the one before is over (overlap: queue)".to_owned(),
            ),
            Decision::Missed(due) => log(
                Level::Warn,
                format!(
                    "run left out: it was due at {}, when Fulcrum was suspended (missed: skip)",
                    humantime::format_rfc3339_seconds(due)
                ),
            ),
        }
        if matches!(decision, Decision::Run | Decision::Replace) {
            let text = format!("schedule `{cron}`");
            self.events.record(name, generation, "asked", text);
            // Rejected while a process is stuck, which is logged with the domain.
            let _ = handle.request(Command::Restart).await;
        }
    }

    fn set_next_run(&self, name: &str, due: Option<SystemTime>) {
        if let Some(state) = self.states.get(name) {
            state.next_run.send_replace(due);
        }
    }
}

/// Whether a run is not over.
fn is_busy(handle: &DomainHandle) -> bool {
    !matches!(
        handle.snapshot().phase,
        Phase::Stopped | Phase::Completed | Phase::Failed
    )
}

/// Jobs with the same schedule, and instances on several machines, are delayed by different times.
fn seed(name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (name, std::process::id()).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;
    use crate::test_support::{FakeProcess, Harness};

    /// A full minute.
    const START: Duration = Duration::from_secs(1_700_000_040);

    /// Takes this long, with success.
    fn takes(seconds: u64) -> FakeProcess {
        FakeProcess {
            ready_after: None,
            exits: Some((Duration::from_secs(seconds), 0)),
        }
    }

    /// Runs an app of one job whose clock is that of the test.
    async fn run(schedule: &str, process: FakeProcess) -> Harness {
        let settings =
            format!("process: {{command: [./report], start_timeout: 1h, schedule: {schedule}}}");
        let files = [("domains/report/fulcrum.yml", settings.as_str())];
        let mut harness = Harness::new(&files, &[("report", process)]);
        harness.start_tasks();
        let since = Instant::now();
        let task = ScheduleTask {
            desired: harness.desired.clone(),
            states: Arc::clone(&harness.states),
            supervisor: harness.supervisor.clone(),
            events: harness.events.clone(),
            hub: harness.hub.clone(),
            shutdown: harness.shutdown.clone(),
            clock: Arc::new(move || SystemTime::UNIX_EPOCH + START + since.elapsed()),
        };
        tokio::spawn(task.run());
        harness
    }

    fn count(harness: &Harness, kind: &str) -> usize {
        let kinds = harness.event_kinds("report");
        kinds.iter().filter(|one| **one == kind).count()
    }

    #[tokio::test(start_paused = true)]
    async fn a_job_runs_whenever_it_is_due_until_the_shutdown() {
        let harness = run("'* * * * *'", takes(1)).await;
        sleep(Duration::from_secs(59)).await;
        assert_eq!(count(&harness, "spawned"), 0);
        let next = *harness
            .states
            .get("report")
            .expect("a state")
            .next_run
            .borrow();
        assert_eq!(
            next,
            Some(SystemTime::UNIX_EPOCH + START + Duration::from_secs(60))
        );
        sleep(Duration::from_secs(3600)).await;
        assert_eq!(count(&harness, "completed"), 60);
        harness.shutdown.request(ShutdownStage::Stopping);
        sleep(Duration::from_secs(3600)).await;
        assert_eq!(count(&harness, "completed"), 60);
    }

    #[tokio::test(start_paused = true)]
    async fn a_run_that_is_due_too_early_is_left_out() {
        let harness = run("'* * * * *'", takes(90)).await;
        sleep(Duration::from_secs(601)).await;
        // At 60, 180, 300, 420 and 540 s.
        assert_eq!(count(&harness, "spawned"), 5);
        assert_eq!(count(&harness, "schedule"), 5);
        assert!(
            harness
                .log_lines("report")
                .iter()
                .any(|line| line.contains("overlap: skip")),
            "{:?}",
            harness.log_lines("report")
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_run_that_is_due_too_early_starts_after_the_one_before() {
        let harness = run("{cron: '* * * * *', overlap: queue}", takes(90)).await;
        sleep(Duration::from_secs(601)).await;
        // One after the other from 60 s on.
        assert_eq!(count(&harness, "spawned"), 7);
    }

    #[tokio::test(start_paused = true)]
    async fn a_run_that_is_due_replaces_the_one_before() {
        let harness = run("{cron: '* * * * *', overlap: kill}", takes(90)).await;
        sleep(Duration::from_secs(601)).await;
        assert_eq!(count(&harness, "spawned"), 10);
        assert_eq!(count(&harness, "completed"), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_run_is_followed_by_the_next_one() {
        let failing = FakeProcess {
            ready_after: None,
            exits: Some((Duration::from_secs(1), 3)),
        };
        let harness = run("'*/10 * * * * *'", failing).await;
        sleep(Duration::from_secs(61)).await;
        assert_eq!(count(&harness, "spawned"), 6);
        assert_eq!(count(&harness, "failed"), 5);
    }
}
