//! A spawner and its tracker without a cgroup, for tests with real processes.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::sync::LazyLock;
use std::time::Duration;

use fulcrum_spawn::CommandSpec;
use fulcrum_spawn::process::{Process, ProcessTracker, Spawner, Stat};
use tokio::io::AsyncReadExt;
use tokio::runtime::Runtime;
use tokio::time::{sleep, timeout};

pub(crate) const LIMIT: Duration = Duration::from_secs(10);

pub(crate) struct Support {
    _runtime: Runtime,
    pub(crate) tracker: ProcessTracker,
    spawner: Spawner,
}

/// One for all tests of this program, since it treats every other child as an orphan.
pub(crate) fn support() -> &'static Support {
    static SUPPORT: LazyLock<Support> = LazyLock::new(|| {
        let runtime = Runtime::new().expect("a runtime");
        // The name is not valid for a cgroup, so there is none.
        let tracker = ProcessTracker::open("no/cgroup", "TREE_TOKEN");
        let spawner = runtime.block_on(async { Spawner::start(tracker.clone()) });
        Support {
            _runtime: runtime,
            tracker,
            spawner: spawner.expect("a thread"),
        }
    });
    &SUPPORT
}

/// Starts a script, and returns its process with the first line of its output.
pub(crate) async fn start(token: &str, script: &str) -> (Process, String) {
    let support = tokio::task::spawn_blocking(support).await.expect("started");
    let spec = CommandSpec {
        terminal: None,
        program: "/bin/sh".into(),
        args: ["-c", script].iter().map(OsString::from).collect(),
        cwd: "/".into(),
        env: BTreeMap::from([
            ("PATH".into(), "/usr/bin:/bin".into()),
            ("TREE_TOKEN".into(), token.into()),
        ]),
        runner: "test".into(),
    };
    let process = support.spawner.spawn(spec, token).await.expect("starts");
    let (mut stdout, _stderr) = process.take_output().expect("taken once");
    let mut line = String::new();
    while !line.ends_with('\n') {
        let mut byte = [0];
        let read = timeout(LIMIT, stdout.read_exact(&mut byte)).await;
        read.expect("in time").expect("a line");
        line.push(char::from(byte[0]));
    }
    (process, line.trim().to_owned())
}

pub(crate) async fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let waiting = async {
        while !holds() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(LIMIT, waiting)
        .await
        .unwrap_or_else(|_| panic!("timed out: {what}"));
}

pub(crate) fn number(text: &str) -> u32 {
    text.parse()
        .unwrap_or_else(|_| panic!("{text:?} is not a number"))
}

pub(crate) fn is_running(pid: u32) -> bool {
    Stat::read(pid).is_some_and(|stat| !stat.is_zombie())
}

pub(crate) async fn wait_for_end(process: &Process) {
    timeout(LIMIT, process.exited()).await.expect("an exit");
    timeout(LIMIT, process.group_empty())
        .await
        .expect("an empty group");
}
