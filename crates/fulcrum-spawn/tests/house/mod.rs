//! A spawner and its containment without a cgroup, for tests with real processes.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::sync::LazyLock;
use std::time::Duration;

use fulcrum_spawn::CommandSpec;
use fulcrum_spawn::process::{Process, ProcessTracker, Spawner, Stat, signal_number};
use tokio::io::AsyncReadExt;
use tokio::runtime::Runtime;
use tokio::time::{sleep, timeout};

pub(crate) const LIMIT: Duration = Duration::from_secs(10);

pub(crate) struct House {
    _runtime: Runtime,
    pub(crate) containment: ProcessTracker,
    spawner: Spawner,
}

/// One for all tests of this program, since it takes every other child for an orphan.
pub(crate) fn house() -> &'static House {
    static HOUSE: LazyLock<House> = LazyLock::new(|| {
        let runtime = Runtime::new().expect("a runtime");
        // The name can't be a folder's, so there is no cgroup.
        let containment = ProcessTracker::open("no/cgroup", "TREE_TOKEN");
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
pub(crate) async fn life(token: &str, script: &str) -> (Process, String) {
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

pub(crate) async fn until(what: &str, mut is: impl FnMut() -> bool) {
    let waiting = async {
        while !is() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(LIMIT, waiting)
        .await
        .unwrap_or_else(|_| panic!("in vain until {what}"));
}

pub(crate) fn number(text: &str) -> u32 {
    text.parse()
        .unwrap_or_else(|_| panic!("{text:?} is no number"))
}

pub(crate) fn lives(pid: u32) -> bool {
    Stat::read(pid).is_some_and(|stat| !stat.is_zombie())
}

#[allow(dead_code, reason = "not every program of tests signals")]
pub(crate) fn send(process: &Process, signal: &str) {
    process.signal(signal_number(signal).expect("known"));
}

pub(crate) async fn ends(process: &Process) {
    timeout(LIMIT, process.exited()).await.expect("an exit");
    timeout(LIMIT, process.group_empty())
        .await
        .expect("the end of all");
}
