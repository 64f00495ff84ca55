//! A real process that was not observed while it could be attributed. In a program of its own:
//! anything else that reads the process table meanwhile, such as another test, would observe it.

mod support;

use fulcrum_spawn::process::Stat;
use tokio::time::timeout;

use support::{LIMIT, is_running, number, start, support, wait_for_end, wait_until};

#[tokio::test]
async fn an_untracked_process_is_reported() {
    // The shell ends only when its child has called `exec`: its command is read when it is adopted.
    let script = "setsid env -i sh -c 'sleep 7100 & p=$!; \
                  until read -r c < /proc/$p/comm && [ \"$c\" = sleep ]; do :; done; echo $p' ; exit 0";
    let (process, daemon) = start("escaped", script).await;
    let daemon = number(&daemon);
    wait_for_end(&process).await;
    let mut untracked = support().tracker.untracked().expect("taken once");
    let reported = timeout(LIMIT, untracked.recv()).await.expect("reported");
    let reported = reported.expect("open");
    assert_eq!(
        (reported.pid, reported.command.as_str()),
        (daemon, "sleep 7100")
    );
    assert!(is_running(daemon));
    assert_eq!(support().tracker.close().await, []);
    wait_until("it is reaped", || Stat::read(daemon).is_none()).await;
}
