//! Jobs and those that need them, over fake processes, under paused time.

use std::time::Duration;

use fulcrum_spawn::lifecycle::{Command, Phase};
use fulcrum_spawn::supervisor::{Outcome, WaitCondition};
use tokio::time::sleep;

use crate::control::wait::DomainWaiter;
use crate::test_support::{FakeProcess, Harness, STARTED_ONLY};

const JOB: &str = "process: {kind: job, command: [./migrate]}";
const API: &str = "process: {command: [./api], depends_on: [migrate]}";
const WEB: &str = "process: {command: [./web], depends_on: [api]}";

fn exits(code: i32) -> FakeProcess {
    FakeProcess {
        ready_after: None,
        exits: Some((Duration::from_millis(300), code)),
    }
}

fn app(job: &str, process: FakeProcess) -> Harness {
    let files = [
        ("domains/migrate/fulcrum.yml", job),
        ("domains/api/fulcrum.yml", API),
        ("domains/web/fulcrum.yml", WEB),
    ];
    Harness::new(&files, &[("migrate", process)])
}

fn waiter(harness: &Harness) -> DomainWaiter {
    DomainWaiter {
        desired: harness.desired.clone(),
        states: std::sync::Arc::clone(&harness.states),
        supervisor: harness.supervisor.clone(),
        started: tokio::time::Instant::now(),
    }
}

fn phase(harness: &Harness, name: &str) -> Phase {
    let handle = harness.supervisor.domain(name).expect("supervised");
    handle.snapshot().phase
}

#[tokio::test(start_paused = true)]
async fn dependents_start_when_the_job_has_completed() {
    let mut harness = app(JOB, exits(0));
    let waiter = waiter(&harness);
    harness.start().await;
    let selected = harness.desired.current().selected.clone();
    assert_eq!(
        waiter.wait_for_start(&selected).await,
        Ok("2 domains ready, 1 job completed in 400 ms".to_owned())
    );
    assert_eq!(
        harness.event_kinds("migrate"),
        ["waiting", "preparing", "spawned", "exited", "completed"]
    );
    assert_eq!(harness.log_lines("migrate"), ["completed in 300 ms"]);
    assert_eq!(phase(&harness, "migrate"), Phase::Completed);
}

#[tokio::test(start_paused = true)]
async fn a_start_of_a_completed_job_changes_nothing_and_a_restart_runs_it_again() {
    let mut harness = app(JOB, exits(0));
    harness.start().await;
    harness.wait_for_event("migrate", "completed").await;
    let job = harness.supervisor.domain("migrate").expect("supervised");
    for (command, generation) in [(Command::Start, 1), (Command::Restart, 2)] {
        let ticket = job.request(command).await.expect("accepted");
        assert!(
            matches!(ticket.outcome().await, Outcome::Done(now) if now.generation == generation)
        );
    }
    sleep(Duration::from_secs(3600)).await;
    assert_eq!(job.snapshot().generation, 2);
    // Its dependents stay as they are.
    let api = harness.supervisor.domain("api").expect("supervised");
    assert_eq!(api.snapshot().generation, 1);
}

#[tokio::test(start_paused = true)]
async fn a_failed_job_fails_those_that_need_it_with_its_reason_until_it_completes() {
    let mut harness = app(JOB, exits(3));
    let waiter = waiter(&harness);
    harness.start().await;
    let selected = harness.desired.current().selected.clone();
    let failed = waiter.wait_all(&selected, WaitCondition::Ready).await;
    let failed = failed.expect_err("the job fails");
    assert_eq!(
        failed,
        "api: waiting for migrate: failed (exit 3 before it registered)\n\
         migrate: exit 3\n\
         web: waiting for migrate: failed (exit 3 before it registered)\n  \
         hint: fix the error, then run `fulcrum domains run migrate`"
    );
    sleep(Duration::from_secs(3600)).await;
    for name in ["api", "web"] {
        let now = harness
            .supervisor
            .domain(name)
            .expect("supervised")
            .snapshot();
        assert_eq!((now.phase, now.generation), (Phase::Failed, 0), "{name}");
        assert_eq!(
            now.reason,
            "needs migrate: failed (exit 3 before it registered)"
        );
        assert_eq!(harness.event_kinds(name), ["waiting", "failed"]);
    }
    // The job was not tried again.
    let job = harness.supervisor.domain("migrate").expect("supervised");
    assert_eq!(job.snapshot().generation, 1);
}

#[tokio::test(start_paused = true)]
async fn a_job_with_restarts_is_tried_again_before_it_fails() {
    let job = "process: {kind: job, command: [./migrate], restart: {policy: always, budget: 2, \
               backoff: {initial: 1s, jitter: 0}}}";
    let mut harness = app(job, exits(3));
    harness.start().await;
    harness.wait_for_event("migrate", "failed").await;
    let job = harness.supervisor.domain("migrate").expect("supervised");
    assert_eq!(job.snapshot().generation, 3);
    harness.wait_for_event("api", "failed").await;
}

#[tokio::test(start_paused = true)]
async fn a_job_that_takes_too_long_is_stopped_and_has_failed() {
    let job = "process: {kind: job, command: [./migrate], timeout: 30s}";
    let mut harness = app(job, STARTED_ONLY);
    harness.start().await;
    let reason = harness.wait_for_event("migrate", "failed").await;
    assert!(
        reason.starts_with("not completed within 30s (process.timeout)"),
        "{reason}"
    );
    let kinds = harness.event_kinds("migrate");
    assert_eq!(kinds[2..5], ["spawned", "running", "time-limit"]);
}
