//! Real processes that leave their group, without a cgroup that holds them.

mod support;

use std::fs;
use std::time::Duration;

use fulcrum_spawn::process::{Member, Process, Stat, signal_number};
use tokio::time::timeout;

use support::{LIMIT, is_running, number, start, support, wait_for_end, wait_until};

fn send(process: &Process, signal: &str) {
    process.signal(signal_number(signal).expect("known"));
}

#[tokio::test]
async fn an_orphan_in_its_own_session_gets_the_signal_and_is_awaited() {
    let script = "setsid sh -c 'sleep 100 & echo $!' ; exec sleep 100";
    let (process, daemon) = start("orphan", script).await;
    let daemon = number(&daemon);
    // Not before it has executed its program: in that moment, its environment cannot be read.
    wait_until("it is adopted and runs", || {
        let is_adopted = |stat: Stat| stat.parent == std::process::id();
        let line = fs::read(format!("/proc/{daemon}/cmdline")).unwrap_or_default();
        Stat::read(daemon).is_some_and(is_adopted) && line.starts_with(b"sleep")
    })
    .await;
    assert!(
        process
            .survivors()
            .iter()
            .any(|member| member.pid == daemon)
    );
    send(&process, "SIGTERM");
    wait_for_end(&process).await;
    assert!(!is_running(daemon));
    wait_until("it is reaped", || Stat::read(daemon).is_none()).await;
}

#[tokio::test]
async fn a_process_that_ignores_sigterm_outside_of_the_group_is_killed() {
    let script = "setsid sh -c 'trap \"\" TERM; echo $$; while :; do sleep 100; done' & wait";
    let (process, ignores_sigterm) = start("ignores-sigterm", script).await;
    send(&process, "SIGTERM");
    timeout(LIMIT, process.exited()).await.expect("an exit");
    let early = timeout(Duration::from_millis(200), process.group_empty()).await;
    assert!(early.is_err() && is_running(number(&ignores_sigterm)));
    assert_eq!(process.survivors()[0].pid, number(&ignores_sigterm));
    send(&process, "SIGKILL");
    wait_for_end(&process).await;
    assert!(!is_running(number(&ignores_sigterm)));
}

#[tokio::test]
async fn a_stopped_process_outside_of_the_group_is_continued_and_terminated() {
    let script = "setsid sh -c 'echo $$; kill -STOP $$; sleep 100' & wait";
    let (process, stopped) = start("stopped", script).await;
    let stopped = number(&stopped);
    wait_until("it is stopped", || {
        Stat::read(stopped).is_some_and(|stat| stat.state == 'T')
    })
    .await;
    send(&process, "SIGTERM");
    wait_for_end(&process).await;
    assert!(!is_running(stopped));
}

/// Once observed, it stays attributed, even if nothing in the process table links it any more.
#[tokio::test]
async fn an_observed_process_needs_no_marker() {
    let script = "setsid env -i sh -c 'echo $$; exec sleep 100' & read wait; exit 0";
    let (process, daemon) = start("observed", script).await;
    let daemon = number(&daemon);
    wait_until("it has cleared its environment", || {
        fs::read(format!("/proc/{daemon}/cmdline")).is_ok_and(|line| line.starts_with(b"sleep"))
    })
    .await;
    let found = support().tracker.members_of(&[process.pid()]);
    let is_it = |member: &Member| member.pid == daemon;
    assert!(found[&process.pid()].iter().any(is_it), "{found:?}");
    // The leader alone: its orphan is adopted.
    let leader = rustix::process::Pid::from_raw(i32::try_from(process.pid()).expect("a pid"));
    rustix::process::kill_process(leader.expect("a pid"), rustix::process::Signal::KILL)
        .expect("killed");
    timeout(LIMIT, process.exited()).await.expect("an exit");
    assert!(process.survivors().iter().any(is_it));
    send(&process, "SIGKILL");
    wait_for_end(&process).await;
    assert!(!is_running(daemon));
}

#[tokio::test]
async fn a_dropped_process_takes_its_daemons_with_it() {
    let script = "setsid sh -c 'sleep 100 & echo $!' ; exec sleep 100";
    let (process, daemon) = start("dropped", script).await;
    drop(process);
    wait_until("it is gone", || !is_running(number(&daemon))).await;
}
