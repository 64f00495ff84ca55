//! `dev --detach --wait`, and the JSON contract of `domains list` and `domains status`.

use std::os::unix::fs::PermissionsExt;

use fulcrum_e2e::{App, text_of};
use serde_json::Value;

const PRICING: &str = "pricing";

fn shop() -> App {
    App::new()
        .domain("users", "steady")
        .domain("orders", "steady")
        .write(
            "domains/orders/fulcrum.yml",
            "process:\n  depends_on: [users]\n",
        )
        .write("domains/pricing/fulcrum.yml", "models: {}\n")
}

/// Whether a value is of one of these JSON types: `string|null`.
fn is_type(value: &Value, types: &str) -> bool {
    types.split('|').any(|name| match name {
        "null" => value.is_null(),
        "bool" => value.is_boolean(),
        "int" => value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => unreachable!("no such type: {name}"),
    })
}

#[track_caller]
fn assert_keys(value: &Value, keys: &[(&str, &str)]) {
    for (key, types) in keys {
        let found = value.get(key);
        assert!(
            found.is_some_and(|found| is_type(found, types)),
            "{key} must be {types}: {value}"
        );
    }
}

const DOMAIN: &[(&str, &str)] = &[
    ("name", "string"),
    ("phase", "string"),
    ("ready", "bool"),
    ("goal", "string"),
    ("pid", "int|null"),
    ("generation", "int"),
    ("restarts", "int"),
    ("uptime_ms", "int"),
    ("cpu_percent", "number"),
    ("memory_bytes", "int"),
    ("heartbeat_age_ms", "int|null"),
    ("entry", "string|null"),
    ("last_exit", "object|null"),
    ("reason", "string"),
];

/// D1: domains are discovered without configuration, and each element has the keys of the contract.
#[test]
fn a_detached_instance_is_ready_and_lists_its_domains() {
    let app = shop();
    let output = app.start();
    assert!(output.stderr.contains("2 domains ready in "), "{output}");

    let list = app.list();
    let names: Vec<_> = list.iter().map(|domain| text_of(domain, "name")).collect();
    assert_eq!(names, ["orders", PRICING, "users"]);
    for domain in &list {
        assert_keys(domain, DOMAIN);
    }
    for name in ["orders", "users"] {
        let domain = app.status(name);
        assert_eq!(domain["phase"], "running");
        assert_eq!(domain["ready"], true);
        assert_eq!(domain["goal"], "up");
        assert_eq!(domain["generation"], 1);
        assert_eq!(domain["restarts"], 0);
        assert_eq!(domain["last_exit"], Value::Null);
        assert_eq!(domain["entry"], format!("domains/{name}/domain.cjs"));
        assert!(
            domain["memory_bytes"].as_u64() > Some(4_000_000),
            "a Node needs more: {domain}"
        );
        assert!(
            domain["heartbeat_age_ms"].is_u64(),
            "the SDK sends heartbeats: {domain}"
        );
    }
    app.down();
}

/// D2: a directory with a configuration and without an entry point is listed, and has no process.
#[test]
fn a_domain_without_an_entry_has_no_process() {
    let app = shop();
    app.start();
    let pricing = app.status(PRICING);
    assert_eq!(pricing["entry"], Value::Null);
    assert_eq!(pricing["pid"], Value::Null);
    assert_eq!(pricing["phase"], "stopped");
    assert_eq!(pricing["ready"], false);
    assert_eq!(pricing["goal"], "down");
    app.run(&["domains", "start", PRICING])
        .exits(1)
        .stderr_contains(&[PRICING, "no entry point"]);
    app.down();
}

/// `domains status` describes the instance, and one domain in detail; secrets are redacted.
#[test]
fn status_describes_the_instance_and_one_domain() {
    let app = shop().write(
        "domains/users/fulcrum.yml",
        "process:\n  env:\n    API_TOKEN: abracadabra\n    COLOR: green\n",
    );
    app.start();
    let status = app
        .run(&["domains", "status", "-o", "json"])
        .exits(0)
        .json();
    assert_keys(&status, &[("instance", "object"), ("domains", "array")]);
    let instance = &status["instance"];
    assert_keys(
        instance,
        &[
            ("pid", "int"),
            ("version", "string"),
            ("app", "string"),
            ("grpc", "string"),
            ("socket", "string"),
            ("started_at", "string"),
            ("mode", "string"),
        ],
    );
    assert_eq!(instance["mode"], "dev");
    assert_eq!(instance["app"], app.root().to_str().unwrap());
    assert_eq!(status["domains"].as_array().unwrap().len(), 3);
    let socket = std::path::Path::new(text_of(instance, "socket"));
    for (path, mode) in [(socket, 0o600), (socket.parent().unwrap(), 0o700)] {
        let found = path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(found, mode, "{} has mode {found:o}", path.display());
    }

    let users = app
        .run(&["domains", "status", "users", "-o", "json"])
        .exits(0)
        .json();
    assert_keys(&users, DOMAIN);
    assert_keys(
        &users,
        &[("command", "array"), ("cwd", "string"), ("env", "object")],
    );
    assert_eq!(users["env"]["COLOR"], "green");
    assert_ne!(
        users["env"]["API_TOKEN"], "abracadabra",
        "a secret is printed"
    );
    let text = app.run(&["domains", "status", "users"]).exits(0).stdout;
    assert!(
        text.contains("COLOR") && !text.contains("abracadabra"),
        "{text}"
    );
    app.down();
}

/// A start without `--wait` leaves a running instance, and `--only` starts the dependencies of the
/// selected domain too.
#[test]
fn only_starts_a_domain_and_its_dependencies() {
    let app = shop().domain("billing", "steady");
    app.run(&["dev", "--detach", "--only", "orders"]).exits(0);
    app.run(&["domains", "wait", "orders", "--timeout", "30s"])
        .exits(0);
    assert_eq!(app.status("users")["ready"], true);
    assert_eq!(app.status("billing")["generation"], 0);
    app.run(&["domains", "start", "billing"]).exits(0);
    assert_eq!(app.status("billing")["ready"], true);
    app.down();
}

/// A request is sent to a domain, and its response is printed; the exit code shows failures.
#[test]
fn a_call_returns_the_domains_response() {
    let app = App::new().domain("users", "steady");
    app.start();
    let call = [
        "domains",
        "call",
        "users",
        "text_echo_request",
        r#"{"text":"héllo"}"#,
    ];
    let answer = app.run(&call).exits(0).json();
    assert_eq!(answer["text"], "héllo");
    assert_eq!(answer["pid"].as_u64(), app.status("users")["pid"].as_u64());
    let unknown = app
        .run(&["domains", "call", "users", "nothing_request"])
        .exits(1);
    assert!(unknown.stderr.contains("nothing"), "{unknown}");
    app.run(&["domains", "call", "users", "text_echo_request", "{"])
        .exits(2);
    app.run(&["domains", "call", "nobody", "text_echo_request"])
        .exits(4);
    app.down();
}

/// A start that waits is satisfied with an instance that runs already.
#[test]
fn a_start_that_waits_joins_a_running_instance() {
    let app = App::new().stub_domain("users", &[]);
    app.start();
    let pid = app.leader("users").pid;
    let joined = app.run(&["dev", "--detach", "--wait"]).exits(0);
    let joined = joined.stderr_contains(&["already running (pid ", "ready"]);
    assert!(!joined.stderr.contains("fulcrum reload"), "{joined}");
    app.run(&["dev", "--detach"]).exits(1);
    app.run(&["serve", "--detach", "--wait"]).exits(1);
    app.write_stub_domain("users", &[], "{env: {A: b}}");
    app.run(&["dev", "--detach", "--wait"])
        .exits(0)
        .stderr_contains(&["fulcrum reload"]);
    assert_eq!(app.leader("users").pid, pid);
    app.run(&["domains", "stop", "users"]).exits(0);
    app.run(&["dev", "--detach", "--wait"])
        .exits(10)
        .stderr_contains(&["users: stopped"]);
    app.down();
}

#[test]
fn a_domain_without_autostart_is_started_by_hand() {
    let app =
        App::new()
            .stub_domain("users", &[])
            .stub_domain_with("seed", &[], "{autostart: false}");
    app.start();
    assert_eq!(app.status("seed")["phase"], "stopped");
    app.run(&["domains", "start", "seed"]).exits(0);
    app.run(&["reload"]).exits(0);
    assert_eq!(app.status("seed")["ready"], true);
    app.down();
}
