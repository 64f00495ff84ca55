//! Section D: a requested shutdown: D12, A17.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use fulcrum_e2e::{App, LIMIT, Signal, measurement, quantile, wait_until};

/// Domains that ignore SIGTERM, the last five in a chain of dependencies.
fn stubborn_app(many: u32) -> App {
    let mut app = App::new().write(
        "fulcrum.yml",
        "runtime: {defaults: {start_timeout: 30s, stop: {grace: 1s}}}\n",
    );
    for number in 0..many {
        let settings = if number > many - 5 {
            format!("{{depends_on: [d{:02}]}}", number - 1)
        } else {
            "{}".to_owned()
        };
        app = app.stub_domain_with(&format!("d{number:02}"), &["--ignore-term"], &settings);
    }
    app
}

/// Shuts such an app down while connections stay open. Returns the milliseconds it took.
fn shut_down(many: u32) -> u64 {
    const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    let app = stubborn_app(many);
    let mut serve = app.spawn(&["serve"]);
    app.wait_until_stable(&["d00"]);
    wait_until("all are ready", LIMIT * 2, || {
        let list = app.list();
        list.iter()
            .all(|domain| domain["ready"] == true)
            .then_some(())
    });
    let address = app.grpc();
    let mut idle = Vec::new();
    for number in 0..25 {
        let mut stream = TcpStream::connect(&address).expect("the port is open");
        if number < 20 {
            stream.write_all(PREFACE).expect("accepted");
        }
        idle.push(stream);
    }
    let started = Instant::now();
    serve.signal(Signal::TERM);
    serve.wait_exit().exits(0);
    let took = started.elapsed();
    drop(idle);
    app.assert_no_processes();
    for name in ["d00", &format!("d{:02}", many - 1)] {
        assert_eq!(
            app.event_count(name, "ignored"),
            1,
            "{name} was stopped once"
        );
    }
    u64::try_from(took.as_millis()).expect("a short time")
}

fn report(many: u32, mut times_ms: Vec<u64>) {
    let inside = times_ms.iter().filter(|ms| **ms <= 2_000).count();
    let slowest = quantile(&mut times_ms, 1.0).unwrap_or_default();
    let text = format!(
        "{many} stubborn domains ended within grace + 1 s in {inside} of {} shutdowns; \
         the slowest took {slowest} ms with a grace of 1000 ms",
        times_ms.len()
    );
    measurement("D12", &text);
}

#[test]
fn d12_graces_of_stubborn_domains_do_not_add_up() {
    let took = shut_down(12);
    // A chain of five would take five graces.
    assert!(took < 5_000, "{took} ms");
    report(12, vec![took]);
}

#[test]
#[ignore = "long: 20 shutdowns of 50 domains"]
fn d12_fifty_stubborn_domains_stop_within_a_grace_and_a_second() {
    report(50, (0..20).map(|_| shut_down(50)).collect());
}

#[test]
fn d12_repeated_sigterm_does_not_shorten_the_grace() {
    let app = App::new().domain("users", "ignores-sigterm").write(
        "domains/users/fulcrum.yml",
        "process:\n  stop:\n    grace: 10m\n",
    );
    let mut dev = app.spawn(&["dev"]);
    dev.wait_for("1 domain ready in ");
    app.wait_until_stable(&["users"]);
    let users = app.leader("users");
    dev.signal(Signal::TERM);
    dev.wait_for("SIGTERM: stopping domains");
    for signal in [Signal::TERM, Signal::HUP, Signal::TERM] {
        dev.signal(signal);
    }
    dev.wait_for("waiting for users");
    dev.signal(Signal::TERM);
    wait_until("users has ignored it", LIMIT, || {
        (app.event_count("users", "ignored") > 0).then_some(())
    });
    assert!(users.is_alive(), "it has ten minutes");
    dev.signal(Signal::INT);
    dev.wait_exit().exits(0);
    assert_eq!(
        app.event_count("users", "ignored"),
        1,
        "it was stopped once"
    );
    app.assert_no_processes();
}

/// A registry that accepts connections and never responds.
#[test]
fn a17_a_shutdown_during_an_install_leaves_no_partial_install() {
    let registry = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = registry.local_addr().expect("an address");
    let package = r#"{"name": "users", "dependencies": {"left-pad": "1.3.0"}}"#;
    let app = App::new()
        .with_short_timeouts()
        .domain("users", "steady")
        .write("domains/users/package.json", package);
    let start = || {
        let run = app
            .fulcrum(&["dev"])
            .env("npm_config_registry", format!("http://{address}/"))
            .env("npm_config_cache", app.scratch_dir().join("npm"));
        app.spawn_command(run)
    };
    let is_npm = |process: &fulcrum_e2e::Process| process.command.contains("npm");
    let mut dev = start();
    dev.wait_for("installing packages in ");
    let _asked = registry.accept().expect("npm connects to the registry");
    assert!(app.processes().iter().any(is_npm), "{:?}", app.processes());
    let started = Instant::now();
    dev.signal(Signal::TERM);
    dev.wait_exit().exits(0);
    let took = started.elapsed();
    app.assert_no_processes();
    assert!(took < Duration::from_secs(10), "{took:?}");
    measurement(
        "A17",
        &format!("stopped in {} ms during npm install", took.as_millis()),
    );

    // The next start installs again, until every package is in place, by whatever hand.
    let mut dev = start();
    dev.wait_for("installing packages in ");
    dev.signal(Signal::INT);
    dev.wait_exit().exits(0);
    app.write_file("domains/users/node_modules/left-pad/package.json", "{}");
    let mut dev = start();
    dev.wait_for("1 domain ready in ");
    dev.signal(Signal::INT);
    dev.wait_exit().exits(0);
    app.assert_no_processes();
}
