//! The inspector client with the Node of this machine. Skipped, with a message, where there is no
//! Node.
#![cfg(all(feature = "node", feature = "inspect"))]
#![expect(clippy::disallowed_macros, reason = "a skipped test prints why")]
#![expect(
    clippy::disallowed_methods,
    reason = "the program is started here without a supervisor"
)]

use std::process::Stdio;
use std::time::Duration;

use fulcrum_spawn::inspect::{Inspector, describe_stack, is_inspector_output};
use fulcrum_spawn::prepare::{NodeRequest, PrepareContext, find_node};
use fulcrum_spawn::process::{GroupSnapshot, SharedProcessTable};
use futures_util::stream;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use tokio::time::timeout;

const LIMIT: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_loop_is_located_and_a_report_is_taken() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap();
    let request = NodeRequest {
        configured: None,
        domain_dir: &root,
        app_root: &root,
        path: &std::env::var_os("PATH").unwrap_or_default(),
        home: None,
    };
    let node = match find_node(
        &request,
        &PrepareContext::new(root.join("cache"), Vec::new()),
    ) {
        Ok(node) => node,
        Err(error) => {
            eprintln!("skipped: {error}");
            return;
        }
    };
    let code = "console.error('ready');\nfunction spin() {\n  for (;;) {}\n}\nspin();\n";
    std::fs::write(root.join("spin.cjs"), code).unwrap();
    let mut child = Command::new(&node.path)
        // A free port, since the default one may be in use.
        .args(["--inspect-port=0", "spin.cjs"])
        .current_dir(&root)
        .env("SECRET", "do not report")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let ready = timeout(LIMIT, lines.next_line()).await.unwrap().unwrap();
    assert_eq!(ready.as_deref(), Some("ready"));

    let snapshot = GroupSnapshot::at(child.id().unwrap(), &SharedProcessTable::default());
    let process = snapshot.members.first().unwrap();
    assert!(Inspector::can_open(process));
    let stderr = stream::unfold(lines, async |mut lines| {
        let line = lines.next_line().await.ok()??;
        assert!(is_inspector_output(&line), "{line}");
        Some((line, lines))
    });
    let inspected = async {
        let mut inspector = Inspector::open(process, stderr).await.unwrap();
        let frames = inspector.pause().await.unwrap();
        let report = inspector.report(&frames[0]).await.unwrap();
        (frames, report)
    };
    let (frames, report) = timeout(LIMIT, inspected).await.unwrap();
    let stack = describe_stack(&frames, &root).unwrap();
    assert!(stack.starts_with("stuck in spin at spin.cjs:3:"), "{stack}");
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert!(report["header"]["nodejsVersion"].is_string(), "{report}");
    assert_eq!(report.get("environmentVariables"), None);
    assert!(!report.to_string().contains("do not report"));
    child.kill().await.unwrap();
}
