//! Logs that go elsewhere; what arrives is `cargo xtask foreign`'s business, which has a receiver.

use std::time::{Duration, Instant};

use fulcrum_e2e::{App, Signal};

/// Where nobody listens: a port that only root could have opened.
const NOBODY: &str = "http://127.0.0.1:1";

#[test]
fn a_receiver_that_is_not_there_troubles_nobody() {
    let config = format!("runtime: {{logs: {{forward: {{otlp: '{NOBODY}'}}}}}}\n");
    let app = App::new()
        .domain("users", "floods")
        .domain("orders", "steady")
        .write("fulcrum.yml", &config);
    let mut dev = app.start(&["dev"]);
    dev.wait_for("2 domains ready in ");
    dev.wait_for("logs aren't forwarded to http://127.0.0.1:1: ");
    dev.signal(Signal::INT);
    let begun = Instant::now();
    let output = dev.ends().exits(0);
    assert!(begun.elapsed() < Duration::from_secs(10), "{output}");
    let told = output.stdout.matches("logs aren't forwarded to").count();
    assert_eq!(told, 1, "{output}");
    // What never arrived isn't passed over.
    let end = format!("not all logs were forwarded to {NOBODY}: ");
    let last = output.stdout.lines().find(|line| line.contains(&end));
    assert!(
        last.is_some_and(|line| line.ends_with(" lines were missed")),
        "{output}"
    );
    app.nothing_left();
}

#[test]
fn a_receiver_that_fulcrum_cannot_speak_to_is_refused_at_its_place() {
    let app = App::new().domain("users", "steady").write(
        "fulcrum.yml",
        "runtime:\n  logs:\n    forward:\n      otlp: https://otel:4317\n",
    );
    app.run(&["dev"]).exits(5).says(&[
        "fulcrum.yml:4:13: `runtime.logs.forward.otlp`",
        "doesn't speak TLS to a receiver",
    ]);
}
