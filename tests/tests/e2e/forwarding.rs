//! Log export. What arrives at a receiver is tested by `cargo xtask interop`.

use std::time::{Duration, Instant};

use fulcrum_e2e::{App, Signal};

/// A privileged port on which nothing listens.
const UNREACHABLE: &str = "http://127.0.0.1:1";

#[test]
fn an_unreachable_receiver_does_not_affect_domains() {
    let config = format!("runtime: {{logs: {{forward: {{otlp: '{UNREACHABLE}'}}}}}}\n");
    let app = App::new()
        .domain("users", "floods")
        .domain("orders", "steady")
        .write("fulcrum.yml", &config);
    let mut dev = app.spawn(&["dev"]);
    dev.wait_for("2 domains ready in ");
    dev.wait_for("OTLP export to http://127.0.0.1:1 failed: ");
    dev.signal(Signal::INT);
    let started = Instant::now();
    let output = dev.wait_exit().exits(0);
    assert!(started.elapsed() < Duration::from_secs(10), "{output}");
    let warnings = output
        .stdout
        .matches("OTLP export to http://127.0.0.1:1 failed: ")
        .count();
    assert_eq!(warnings, 1, "{output}");
    // Lines that were never exported are reported.
    let end = format!("OTLP export to {UNREACHABLE} incomplete: ");
    let last = output.stdout.lines().find(|line| line.contains(&end));
    assert!(
        last.is_some_and(|line| line.ends_with(" lines dropped")),
        "{output}"
    );
    app.assert_no_processes();
}

#[test]
fn an_unsupported_receiver_url_is_rejected_with_its_position() {
    let app = App::new().domain("users", "steady").write(
        "fulcrum.yml",
        "runtime:\n  logs:\n    forward:\n      otlp: ftp://otel:4317\n",
    );
    app.run(&["dev"]).exits(5).stderr_contains(&[
        "fulcrum.yml:4:13: error[FUL0123]: `runtime.logs.forward.otlp`",
        "does not start with `http://` or `https://`",
    ]);
}
