//! Section T: `fulcrum doctor` finds planted faults.

use std::ffi::OsString;
use std::fs::{self, File};
use std::net::TcpListener;
use std::time::{Duration, SystemTime};

use fulcrum_e2e::{App, LIMIT, Signal, binary, measurement, wait_until};
use serde_json::Value;

/// A fault of files or variables, and the check that must find it.
struct Fault {
    check: &'static str,
    status: &'static str,
    plant: fn(App) -> App,
    variables: &'static [(&'static str, &'static str)],
    /// A part of what was found.
    what: &'static str,
}

const FAULTS: &[Fault] = &[
    Fault {
        check: "configuration",
        status: "fail",
        plant: |app| app.write("domains/users/fulcrum.yml", "process: {restrat: never}\n"),
        variables: &[],
        what: "1 error",
    },
    Fault {
        check: "configuration",
        status: "warn",
        plant: |app| app.write("domains/users/fulcrum.yml", "process: {env: {A: $HOME}}\n"),
        variables: &[],
        what: "1 warning",
    },
    Fault {
        check: "node",
        status: "fail",
        plant: |app| app.write("domains/users/.nvmrc", "99.1.0\n"),
        variables: &[],
        what: "99.1.0",
    },
    Fault {
        check: "node",
        status: "warn",
        plant: |app| {
            let manifest = r#"{"name": "users", "engines": {"node": ">=99"}}"#;
            app.write("domains/users/package.json", manifest)
        },
        variables: &[],
        what: "99",
    },
    Fault {
        check: "typescript",
        status: "fail",
        plant: |app| app.write("domains/orders/domain.ts", "const a: number = ;\n"),
        variables: &[],
        what: "domain.ts:1:19",
    },
    Fault {
        check: "node-options",
        status: "fail",
        plant: |app| app,
        variables: &[("NODE_OPTIONS", "--require /nowhere/trace.js")],
        what: "/nowhere/trace.js does not exist",
    },
    Fault {
        check: "node-options",
        status: "fail",
        plant: |app| {
            let settings = "process: {env: {NODE_OPTIONS: '--import=./no-loader.mjs'}}\n";
            app.write("domains/users/fulcrum.yml", settings)
        },
        variables: &[],
        what: "users: --import ./no-loader.mjs does not exist",
    },
    Fault {
        check: "node-options",
        status: "warn",
        plant: |app| app.domain("orders", "steady"),
        variables: &[("NODE_OPTIONS", "--inspect")],
        what: "--inspect for all domains",
    },
    Fault {
        check: "proxy",
        status: "warn",
        plant: |app| app,
        variables: &[("HTTP_PROXY", "http://proxy.example:3128")],
        what: "HTTP_PROXY without the loopback",
    },
    Fault {
        check: "runtime-directory",
        status: "warn",
        plant: |app| app,
        variables: &[("XDG_RUNTIME_DIR", "/nowhere/run")],
        what: "/nowhere/run",
    },
    Fault {
        check: "sdk",
        status: "warn",
        plant: |app| {
            let package = |version: &str| {
                format!("{{\"name\": \"@fulcrum/domain\", \"version\": \"{version}\"}}")
            };
            app.write(
                "node_modules/@fulcrum/domain/package.json",
                &package("0.1.0"),
            )
            .write(
                "domains/users/node_modules/@fulcrum/domain/package.json",
                &package("0.0.7"),
            )
        },
        variables: &[],
        what: "0.0.7, 0.1.0",
    },
    Fault {
        check: "permissions",
        status: "fail",
        plant: |app| app.write(".fulcrum", "a file in the place of the directory\n"),
        variables: &[],
        what: ".fulcrum is no directory",
    },
    Fault {
        check: "logs",
        status: "warn",
        plant: |app| {
            app.write(
                "fulcrum.yml",
                "runtime: {logs: {store: {total_size: 1MiB}}}\n",
            )
            .write(".fulcrum/logs/users/old", &"x".repeat(3 << 20))
        },
        variables: &[],
        what: "3.0 MiB of at most 1.0 MiB",
    },
    Fault {
        check: "clock",
        status: "warn",
        plant: |app| {
            let entry = app.root().join("domains/users/domain.cjs");
            let file = File::options().write(true).open(entry).expect("the entry");
            let later = SystemTime::now() + Duration::from_secs(3_600);
            file.set_modified(later).expect("a time in the future");
            app
        },
        variables: &[],
        what: "domain.cjs is 3",
    },
];

fn app() -> App {
    App::new().domain("users", "steady")
}

fn check(report: &Value, id: &str) -> Value {
    let checks = report["checks"].as_array().expect("checks");
    let found = checks.iter().find(|check| check["id"] == id);
    found
        .unwrap_or_else(|| panic!("no check {id}: {report}"))
        .clone()
}

/// The check has found the fault, says why it matters and how to cure it, and a failure is in the exit
/// code.
#[track_caller]
fn assert_found(report: &Value, id: &str, status: &str, what: &str) -> Value {
    let found = check(report, id);
    assert_eq!(found["status"], status, "{found}");
    assert_eq!(found["ok"], status != "fail", "{found}");
    assert!(found.to_string().contains(what), "{what}: {found}");
    for key in ["why", "cure"] {
        let text = found[key].as_str().unwrap_or_default();
        assert!(!text.is_empty(), "{key}: {found}");
    }
    found
}

fn doctor(app: &App, variables: &[(&str, &str)]) -> Value {
    let mut run = app.fulcrum(&["doctor", "-o", "json"]);
    for (name, value) in variables {
        run = run.env(name, OsString::from(value));
    }
    let output = run.output();
    let report = output.json();
    let fails = report["summary"]["fail"].as_u64().expect("a number");
    output.exits(i32::from(fails > 0));
    report
}

#[test]
fn t03_faults_of_files_and_variables_are_found() {
    for fault in FAULTS {
        eprintln!("{} {}: {}", fault.check, fault.status, fault.what);
        let app = (fault.plant)(app());
        let report = doctor(&app, fault.variables);
        assert_found(&report, fault.check, fault.status, fault.what);
    }
    measurement(
        "T3",
        &format!("{} faults of files and variables", FAULTS.len()),
    );
}

#[test]
fn t03_ports_that_other_processes_hold_are_found_with_the_process() {
    let (grpc, http) = (listener(), listener());
    let ports = [&grpc, &http].map(|one| one.local_addr().expect("an address").port());
    let app = app()
        .write(
            "fulcrum.yml",
            &format!("runtime: {{grpc: {{listen: '127.0.0.1:{}'}}}}\n", ports[0]),
        )
        .write(
            "domains/users/fulcrum.yml",
            &format!("process: {{port: {}}}\n", ports[1]),
        );
    // The variable that the tests set prevails over the file.
    let listen = format!("127.0.0.1:{}", ports[0]);
    let report = doctor(&app, &[("FULCRUM_RUNTIME__GRPC__LISTEN", &listen)]);
    let own = format!("pid {}", std::process::id());
    assert_found(&report, "port", "fail", &own);
    assert_found(&report, "domain-ports", "fail", &own);
    drop((grpc, http));
    assert_eq!(check(&doctor(&app, &[]), "port")["status"], "ok");
}

fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").expect("a free port")
}

#[test]
fn t03_a_low_limit_of_open_files_is_found() {
    let app = app();
    let fulcrum = binary().to_str().expect("UTF-8");
    for (limit, status) in [("100", "fail"), ("512", "warn")] {
        let nofile = format!("--nofile={limit}:{limit}");
        let args = [&nofile, fulcrum, "doctor", "-o", "json"];
        let report = app.program("prlimit", &args).output().json();
        assert_found(&report, "open-files", status, limit);
    }
}

#[test]
fn t03_a_damaged_segment_is_found() {
    let app = app().with_short_timeouts();
    app.start();
    app.down();
    let dir = app.root().join(".fulcrum/logs/users");
    let entries = fs::read_dir(&dir).expect("segments");
    let file = entries.flatten().next().expect("a segment").path();
    let mut bytes = fs::read(&file).expect("a segment");
    let middle = bytes.len() / 2;
    bytes[middle..middle + 40].fill(0);
    fs::write(&file, bytes).expect("the file is damaged");
    assert_found(&doctor(&app, &[]), "log-segments", "warn", "users");
}

#[test]
fn t03_an_instance_that_does_not_respond_is_found() {
    let app = app().with_short_timeouts();
    app.start();
    let instance = app.instance();
    instance.signal(Signal::STOP);
    assert_found(&doctor(&app, &[]), "instance", "fail", "does not respond");
    instance.signal(Signal::CONT);
    assert_eq!(check(&doctor(&app, &[]), "instance")["status"], "ok");
    app.down();
}

/// With its guard, too, so that nobody has cleaned up.
#[test]
fn t03_processes_of_a_killed_instance_are_found_and_ended() {
    let app = App::new()
        .with_short_timeouts()
        .stub_domain("users", &["--ignore-term"]);
    app.start();
    let users = app.leader("users");
    for process in app.processes() {
        if process.command.contains("__guard") {
            process.signal(Signal::STOP);
        }
    }
    app.instance().signal(Signal::KILL);
    wait_until("the instance is gone", LIMIT, || {
        (app.run(&["domains", "list"]).code == Some(3)).then_some(())
    });
    let report = doctor(&app, &[]);
    let status = if users.is_alive() { "fail" } else { "warn" };
    let found = assert_found(&report, "stale-processes", status, "--fix");
    assert_eq!(found["fixable"], true, "{found}");
    let fixed = app.run(&["doctor", "--fix", "-o", "json"]).json();
    let found = check(&fixed, "stale-processes");
    let done = found["fixed"].as_str().unwrap_or_default();
    assert!(done.contains("did not shut down cleanly"), "{found}");
    assert_eq!(found["status"], "ok", "{found}");
    assert!(!users.is_alive());
    // The suspended guard.
    wait_until("nothing is left", LIMIT, || {
        let left = app.processes();
        left.iter().for_each(|process| process.signal(Signal::KILL));
        left.is_empty().then_some(())
    });
    app.assert_no_processes();
}

#[test]
fn t03_a_cache_beyond_its_limit_is_found_and_swept() {
    let app = app().write("fulcrum.yml", "runtime: {cache_size: 1MiB}\n");
    let cache = app.scratch_dir().join("cache");
    let file = cache.join("fulcrum/ts/old.js");
    fs::create_dir_all(file.parent().expect("a directory")).expect("a directory");
    fs::write(&file, vec![0; 2 << 20]).expect("a large file");
    let variables = [("XDG_CACHE_HOME", cache.to_str().expect("UTF-8"))];
    assert_found(&doctor(&app, &variables), "cache", "warn", "--fix");
    let fixed = app
        .fulcrum(&["doctor", "--fix"])
        .env("XDG_CACHE_HOME", cache.as_os_str())
        .output();
    fixed.stdout_contains(&["ok", "cache", "0 B of at most 1.0 MiB"]);
    assert!(!file.exists());
}

#[test]
fn t03_a_healthy_app_and_no_app_pass() {
    let report = doctor(&app(), &[]);
    let checks = report["checks"].as_array().expect("checks");
    assert!(checks.len() > 20, "{report}");
    let fails = checks.iter().filter(|check| check["status"] == "fail");
    assert_eq!(fails.count(), 0, "{report}");
    assert_eq!(check(&report, "node")["ok"], true);

    let nowhere = app();
    let output = nowhere
        .fulcrum(&["doctor"])
        .current_dir(&nowhere.scratch_dir())
        .output()
        .exits(0);
    assert!(!output.stdout.contains("configuration"), "{output}");
    assert!(output.stdout.contains("0 failures"), "{output}");
}
