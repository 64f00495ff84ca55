//! Real processes that leave their group, where there is no cgroup to hold them.

mod house;

use std::fs;
use std::time::Duration;

use fulcrum_spawn::process::{Member, Stat};
use tokio::time::timeout;

use house::{LIMIT, ends, house, life, lives, number, send, until};

#[tokio::test]
async fn an_orphan_in_a_session_of_its_own_gets_the_signal_and_is_waited_for() {
    let script = "setsid sh -c 'sleep 100 & echo $!' ; exec sleep 100";
    let (process, daemon) = life("orphan", script).await;
    let daemon = number(&daemon);
    until("it is adopted", || {
        Stat::read(daemon).is_some_and(|stat| stat.parent == std::process::id())
    })
    .await;
    assert!(
        process
            .survivors()
            .iter()
            .any(|member| member.pid == daemon)
    );
    send(&process, "SIGTERM");
    ends(&process).await;
    assert!(!lives(daemon));
    until("it is reaped", || Stat::read(daemon).is_none()).await;
}

#[tokio::test]
async fn who_ignores_sigterm_outside_of_the_group_is_killed() {
    let script = "setsid sh -c 'trap \"\" TERM; echo $$; while :; do sleep 100; done' & wait";
    let (process, stubborn) = life("stubborn", script).await;
    send(&process, "SIGTERM");
    timeout(LIMIT, process.exited()).await.expect("an exit");
    let early = timeout(Duration::from_millis(200), process.group_empty()).await;
    assert!(early.is_err() && lives(number(&stubborn)));
    assert_eq!(process.survivors()[0].pid, number(&stubborn));
    send(&process, "SIGKILL");
    ends(&process).await;
    assert!(!lives(number(&stubborn)));
}

#[tokio::test]
async fn who_is_stopped_outside_of_the_group_is_continued_to_end() {
    let script = "setsid sh -c 'echo $$; kill -STOP $$; sleep 100' & wait";
    let (process, stopped) = life("stopped", script).await;
    let stopped = number(&stopped);
    until("it is stopped", || {
        Stat::read(stopped).is_some_and(|stat| stat.state == 'T')
    })
    .await;
    send(&process, "SIGTERM");
    ends(&process).await;
    assert!(!lives(stopped));
}

/// Seen once, it stays known, even if nothing in the process table links it any more.
#[tokio::test]
async fn who_was_seen_needs_no_environment() {
    let script = "setsid env -i sh -c 'echo $$; exec sleep 100' & read wait; exit 0";
    let (process, daemon) = life("seen", script).await;
    let daemon = number(&daemon);
    until("it has cleared its environment", || {
        fs::read(format!("/proc/{daemon}/cmdline")).is_ok_and(|line| line.starts_with(b"sleep"))
    })
    .await;
    let found = house().containment.members_of(&[process.pid()]);
    let is_it = |member: &Member| member.pid == daemon;
    assert!(found[&process.pid()].iter().any(is_it), "{found:?}");
    // The leader alone: its orphan is adopted.
    let leader = rustix::process::Pid::from_raw(i32::try_from(process.pid()).expect("a pid"));
    rustix::process::kill_process(leader.expect("a pid"), rustix::process::Signal::KILL)
        .expect("killed");
    timeout(LIMIT, process.exited()).await.expect("an exit");
    assert!(process.survivors().iter().any(is_it));
    send(&process, "SIGKILL");
    ends(&process).await;
    assert!(!lives(daemon));
}

#[tokio::test]
async fn a_dropped_process_takes_its_daemons_with_it() {
    let script = "setsid sh -c 'sleep 100 & echo $!' ; exec sleep 100";
    let (process, daemon) = life("dropped", script).await;
    drop(process);
    until("it is gone", || !lives(number(&daemon))).await;
}
