//! A real process that nobody saw while it could be told whose it is. In a program of its own:
//! whatever else looks at the process table meanwhile, such as another test, would see it.

mod house;

use fulcrum_spawn::process::Stat;
use tokio::time::timeout;

use house::{LIMIT, ends, house, life, lives, number, until};

#[tokio::test]
async fn who_escaped_is_told_of() {
    let script = "setsid env -i sh -c 'sleep 7100 & echo $!' ; exit 0";
    let (process, daemon) = life("escaped", script).await;
    let daemon = number(&daemon);
    ends(&process).await;
    let mut escaped = house().containment.untracked().expect("not taken yet");
    let told = timeout(LIMIT, escaped.recv()).await.expect("told");
    let told = told.expect("open");
    assert_eq!((told.pid, told.command.as_str()), (daemon, "sleep 7100"));
    assert!(lives(daemon));
    assert_eq!(house().containment.close().await, []);
    until("it is reaped", || Stat::read(daemon).is_none()).await;
}
