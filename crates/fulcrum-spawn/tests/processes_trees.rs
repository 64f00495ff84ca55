//! Real processes that leave their group, where there is no cgroup to hold them.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::sync::LazyLock;
use std::time::Duration;

use fulcrum_spawn::CommandSpec;
use fulcrum_spawn::process::{Containment, Member, Process, Spawner, Stat, signal_number};
use tokio::io::AsyncReadExt;
use tokio::runtime::Runtime;
use tokio::time::{sleep, timeout};

const LIMIT: Duration = Duration::from_secs(10);

struct House {
    _runtime: Runtime,
    containment: Containment,
    spawner: Spawner,
}

/// One for all tests of this program, since it takes every other child for an orphan.
fn house() -> &'static House {
    static HOUSE: LazyLock<House> = LazyLock::new(|| {
        let runtime = Runtime::new().expect("a runtime");
        // The name can't be a folder's, so there is no cgroup.
        let containment = Containment::open("no/cgroup", "TREE_TOKEN");
        let spawner = runtime.block_on(async { Spawner::start(containment.clone()) });
        House {
            _runtime: runtime,
            containment,
            spawner: spawner.expect("a thread"),
        }
    });
    &HOUSE
}

/// Starts a script whose first line of output is read, and gives that line, too.
async fn life(token: &str, script: &str) -> (Process, String) {
    let house = tokio::task::spawn_blocking(house).await.expect("started");
    let spec = CommandSpec {
        program: "/bin/sh".into(),
        args: ["-c", script].iter().map(OsString::from).collect(),
        cwd: "/".into(),
        env: BTreeMap::from([
            ("PATH".into(), "/usr/bin:/bin".into()),
            ("TREE_TOKEN".into(), token.into()),
        ]),
        runner: "test".into(),
    };
    let process = house.spawner.spawn(spec, token).await.expect("starts");
    let (mut stdout, _stderr) = process.take_output().expect("not taken yet");
    let mut line = String::new();
    while !line.ends_with('\n') {
        let mut byte = [0];
        let read = timeout(LIMIT, stdout.read_exact(&mut byte)).await;
        read.expect("in time").expect("a line");
        line.push(char::from(byte[0]));
    }
    (process, line.trim().to_owned())
}

async fn until(what: &str, mut is: impl FnMut() -> bool) {
    let waiting = async {
        while !is() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(LIMIT, waiting)
        .await
        .unwrap_or_else(|_| panic!("in vain until {what}"));
}

fn number(text: &str) -> u32 {
    text.parse()
        .unwrap_or_else(|_| panic!("{text:?} is no number"))
}

fn lives(pid: u32) -> bool {
    Stat::read(pid).is_some_and(|stat| !stat.is_zombie())
}

fn send(process: &Process, signal: &str) {
    process.signal(signal_number(signal).expect("known"));
}

async fn ends(process: &Process) {
    timeout(LIMIT, process.exited()).await.expect("an exit");
    timeout(LIMIT, process.group_empty())
        .await
        .expect("the end of all");
}

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
    let found = house().containment.lives(&[process.pid()]);
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

/// Nobody saw it while it could be told whose it is.
#[tokio::test]
async fn who_escaped_is_told_of() {
    let script = "setsid env -i sh -c 'sleep 7100 & echo $!' ; exit 0";
    let (process, daemon) = life("escaped", script).await;
    let daemon = number(&daemon);
    ends(&process).await;
    let mut escaped = house().containment.escaped().expect("not taken yet");
    let told = async {
        loop {
            let told = escaped.recv().await.expect("open");
            // Another test's may be on its way out.
            if told.pid == daemon {
                return told.command;
            }
        }
    };
    let told = timeout(LIMIT, told).await.expect("told");
    assert_eq!(told, "sleep 7100");
    assert!(lives(daemon));
    // Ended one by one rather than by `close`, which would end the other tests' processes, too.
    let stat = Stat::read(daemon).expect("it lives");
    let pid = rustix::process::Pid::from_raw(i32::try_from(stat.pid).expect("a pid"));
    rustix::process::kill_process(pid.expect("a pid"), rustix::process::Signal::KILL)
        .expect("killed");
    until("it is reaped", || Stat::read(daemon).is_none()).await;
}

#[tokio::test]
async fn a_dropped_process_takes_its_daemons_with_it() {
    let script = "setsid sh -c 'sleep 100 & echo $!' ; exec sleep 100";
    let (process, daemon) = life("dropped", script).await;
    drop(process);
    until("it is gone", || !lives(number(&daemon))).await;
}
