//! The engine with processes of `/bin/sh`: start, restart, reload, logs and shutdown by its handle.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use fulcrum_config::{LoadOptions, Mode, load};
use fulcrum_logs::{Delivery, Hub, HubConfig, LogQuery};
use fulcrum_runtime::{ErrorKind, ProcessParts, Runtime, RuntimeExit, RuntimeHandle, RuntimeParts};
use fulcrum_spawn::lifecycle::Phase;
use fulcrum_spawn::prepare::PrepareContext;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio::time::timeout;

const LIMIT: Duration = Duration::from_secs(30);

/// Prints its name and runs until it is stopped.
const SLEEP: &str = "process:
  command: [/bin/sh, -c, 'echo up as $ROLE; exec sleep 1000']
  ready: {log: up}
  env: {ROLE: first}
";

struct Instance {
    app: TempDir,
    handle: RuntimeHandle,
    running: JoinHandle<RuntimeExit>,
}

impl Instance {
    /// Starts an app with these domains and waits until they are ready.
    async fn start(domains: &[(&str, &str)]) -> Self {
        let app = tempfile::tempdir().expect("a temporary directory");
        let root = app.path().canonicalize().expect("it exists");
        fs::write(root.join("fulcrum.yml"), "").expect("writable");
        for (name, settings) in domains {
            write_domain(&root, name, settings);
        }
        let options = LoadOptions {
            app: Some(root.clone()),
            cwd: root.clone(),
            env: BTreeMap::new(),
            flags: Vec::new(),
            mode: Mode::Serve,
            auto_ports: None,
        };
        let loaded = load(&options);
        let loaded_app = loaded.app.expect("a valid app");
        let mut parts = RuntimeParts::new(
            loaded_app,
            options,
            Hub::new(HubConfig::default()),
            ProcessParts::start().expect("a thread"),
            PrepareContext::new(root.join("cache"), Vec::new()),
            // No domain registers.
            "127.0.0.1:1",
        );
        parts.environment = std::env::vars_os().collect();
        let runtime = Runtime::new(parts).expect("valid parts");
        let handle = runtime.handle();
        let running = tokio::spawn(runtime.run(None));
        let ready = timeout(LIMIT, handle.wait_until_ready()).await;
        ready.expect("in time").expect("all domains are ready");
        Self {
            app,
            handle,
            running,
        }
    }

    /// Shuts down, and asserts that no process is left.
    async fn shut_down(self) {
        self.handle.shutdown();
        let exit = timeout(LIMIT, self.running).await;
        let exit = exit.expect("in time").expect("no panic");
        assert!(exit.result.is_ok(), "{exit:?}");
        assert!(exit.survivors.is_empty(), "{exit:?}");
    }
}

fn write_domain(root: &Path, name: &str, settings: &str) {
    let dir = root.join("domains").join(name);
    fs::create_dir_all(&dir).expect("writable");
    fs::write(dir.join("fulcrum.yml"), settings).expect("writable");
}

#[tokio::test]
async fn domains_are_started_restarted_and_stopped() {
    let instance = Instance::start(&[("orders", SLEEP), ("users", SLEEP)]).await;
    let handle = &instance.handle;
    let names: Vec<String> = handle.domains().into_iter().map(|one| one.name).collect();
    assert_eq!(names, ["orders", "users"]);
    let before = handle.domain("users").expect("it is supervised");
    assert!(before.ready && before.pid.is_some(), "{before:?}");

    handle.restart("users").await.expect("ready again");
    let after = handle.domain("users").expect("it is supervised");
    assert_eq!(after.generation, before.generation + 1);
    assert_ne!(after.pid, before.pid);

    handle.stop("orders").await.expect("stopped");
    let orders = handle.domain("orders").expect("it is supervised");
    assert_eq!((orders.phase, orders.pid), (Phase::Stopped, None));
    let error = handle.start("usres").await.expect_err("there is none");
    assert_eq!(error.kind(), ErrorKind::UnknownDomain);
    instance.shut_down().await;
}

#[tokio::test]
async fn a_reload_applies_what_differs() {
    let instance = Instance::start(&[("old", SLEEP), ("users", SLEEP)]).await;
    let (handle, root) = (&instance.handle, instance.app.path());
    write_domain(root, "users", &SLEEP.replace("first", "second"));
    write_domain(root, "pay", SLEEP);
    fs::remove_dir_all(root.join("domains/old")).expect("removable");
    let text = timeout(LIMIT, handle.reload()).await.expect("in time");
    let text = text.expect("applied");
    assert!(text.contains("old is removed"), "{text}");
    assert!(text.contains("pay is ready"), "{text}");
    assert!(handle.domain("old").is_none());
    assert_eq!(handle.domain("users").map(|one| one.generation), Some(2));

    // An invalid configuration changes nothing.
    write_domain(root, "users", "process: {command: 3}");
    let error = handle.reload().await.expect_err("invalid");
    assert_eq!(error.kind(), ErrorKind::ConfigInvalid);
    assert!(error.to_string().contains("no changes applied"), "{error}");
    assert_eq!(handle.domain("users").map(|one| one.generation), Some(2));
    instance.shut_down().await;
}

#[tokio::test]
async fn output_and_events_can_be_followed() {
    let instance = Instance::start(&[("users", SLEEP)]).await;
    let handle = &instance.handle;
    let mut lines = handle.logs(LogQuery::domain("users"));
    let mut backlog = lines.backlog();
    assert!(backlog.any(|line| line.text() == "up as first"));
    drop(backlog);
    let mut events = handle.events();
    let kinds: Vec<&str> = events.recent().map(|event| event.kind).collect();
    assert!(kinds.contains(&"ready"), "{kinds:?}");

    handle.restart("users").await.expect("ready again");
    let next_start = async {
        loop {
            let event = events.next().await.expect("the instance runs");
            if event.kind == "ready" {
                return event;
            }
        }
    };
    let event = timeout(LIMIT, next_start).await.expect("in time");
    assert_eq!((event.domain.as_str(), event.generation), ("users", 2));
    let next_line = async {
        loop {
            let delivery = lines.next().await.expect("the hub is open");
            if let Delivery::Line(line) = delivery
                && line.text() == "up as first"
            {
                return line;
            }
        }
    };
    let line = timeout(LIMIT, next_line).await.expect("in time");
    assert_eq!(line.source.generation, 2);
    instance.shut_down().await;
}
