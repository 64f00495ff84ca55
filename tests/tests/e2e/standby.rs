//! Warm standby: a start with a standby process differs from a cold start only in its duration.

use std::fs;

use fulcrum_e2e::{App, LIMIT, Line, Process, Signal, measurement, wait_until};
use serde_json::Value;

/// A variable in the initial environment of a process.
fn variable(process: &Process, name: &str) -> Option<String> {
    let environ = fs::read(format!("/proc/{}/environ", process.pid)).ok()?;
    let environ = String::from_utf8_lossy(&environ).into_owned();
    let mut pairs = environ.split('\0').filter_map(|pair| pair.split_once('='));
    let found = pairs.find(|(key, _)| *key == name)?;
    Some(found.1.to_owned())
}

/// Whether a process was started as a standby process, even if it is activated by now.
fn is_standby(process: &Process) -> bool {
    variable(process, "FULCRUM_BOOTSTRAP").is_some_and(|config| config.contains(r#""spare":"#))
}

/// All standby processes that wait.
fn standby_processes(app: &App) -> Vec<Process> {
    let list = app.list();
    let leads = |process: &Process| list.iter().any(|domain| domain["pid"] == process.pid);
    let all = app.processes().into_iter();
    all.filter(|process| is_standby(process) && !leads(process))
        .collect()
}

/// Restarts a domain, and waits for the standby process of its next generation.
#[track_caller]
fn restart_with_standby(app: &App, name: &str) -> Process {
    app.run(&["domains", "restart", name]).exits(0);
    wait_until(&format!("{name} has a standby process"), LIMIT, || {
        standby_processes(app)
            .into_iter()
            .find(|standby| variable(standby, "FULCRUM_DOMAIN_NAME").as_deref() == Some(name))
    })
}

/// What the generations of a domain have printed as `facts {…}`.
fn facts(app: &App, name: &str) -> Vec<Value> {
    let parse = |line: Line| {
        let text = line.message.strip_prefix("facts ")?;
        serde_json::from_str(text).ok()
    };
    app.logs(name).into_iter().filter_map(parse).collect()
}

/// All that a program can observe of its start, except for what is unique to a generation.
const PRINT_FACTS: &str = r#"
const stdin = process.stdin;
const env = Object.fromEntries(Object.entries(process.env).sort().filter(([name]) => !['FULCRUM_DOMAIN_TOKEN', 'TRACEPARENT', 'OTEL_RESOURCE_ATTRIBUTES'].includes(name)));
console.log('facts ' + JSON.stringify({
  argv: process.argv, argv0: process.argv0, execArgv: process.execArgv, execPath: process.execPath, title: process.title,
  cwd: process.cwd(), env, stdin: [stdin.constructor.name, stdin.fd, stdin.readable, stdin.readableLength], young: process.uptime() < 3,
  token: process.env.FULCRUM_DOMAIN_TOKEN.length, listeners: process.eventNames().map(String).sort(), mine,
}));
"#;

#[track_caller]
fn assert_same_start(entry: &str, code: &str, more: &[(&str, &str)]) {
    let mut app = App::new().write(&format!("domains/users/{entry}"), code);
    app = app.write(
        "domains/users/fulcrum.yml",
        "process:\n  args: [one, --two]\n  env: {COLOR: blue}\n",
    );
    for (path, text) in more {
        app = app.write(path, text);
    }
    app.start();
    let standby = restart_with_standby(&app, "users");
    let cold = facts(&app, "users");
    assert_eq!(cold.len(), 2, "a standby process prints nothing: {cold:#?}");
    app.run(&["domains", "restart", "users"]).exits(0);
    assert_eq!(app.leader("users"), standby);
    let all = wait_until("the facts are printed", LIMIT, || {
        Some(facts(&app, "users")).filter(|facts| facts.len() == 3)
    });
    assert_eq!(all[2], all[1], "warm and cold");
    let args = all[2]["argv"].as_array().expect("arguments");
    assert_eq!(args[2..], ["one", "--two"]);
    app.down();
}

#[test]
fn a_warm_start_looks_like_a_cold_one_to_an_es_module() {
    let code = format!(
        "import {{ DomainBase }} from '@fulcrum/domain';
const mine = [import.meta.url, import.meta.main ?? null, import.meta.dirname, Object.keys(import.meta), typeof process.mainModule];
{PRINT_FACTS}
await new (class Users extends DomainBase {{}})().start();"
    );
    assert_same_start("domain.mjs", &code, &[]);
}

#[test]
fn a_warm_start_looks_like_a_cold_one_to_commonjs() {
    let code = format!(
        "const {{ DomainBase }} = require('@fulcrum/domain');
const mine = [require.main === module, process.mainModule === module, module.id, module.parent, module.paths, __filename];
{PRINT_FACTS}
module.exports = class Users extends DomainBase {{}};"
    );
    assert_same_start("domain.cjs", &code, &[]);
}

#[test]
fn a_warm_start_looks_like_a_cold_one_to_typescript() {
    let code = format!(
        "import {{ DomainBase }} from '@fulcrum/domain';
import {{ name }} from './name.ts';
const mine: unknown = [import.meta.url, name, typeof process.mainModule];
{PRINT_FACTS}
export default class Users extends DomainBase {{}}"
    );
    let more = [
        ("domains/users/package.json", r#"{"type":"module"}"#),
        (
            "domains/users/name.ts",
            "export const name: string = 'a name';\n",
        ),
    ];
    assert_same_start("domain.ts", &code, &more);
}

/// The code is that of the activation, also where types have to be stripped.
#[test]
fn a_warm_start_runs_the_current_code() {
    let code = |word: &str| {
        format!(
            "import {{ DomainBase }} from '@fulcrum/domain';\n\
             const word: string = '{word}';\nconsole.log('facts ' + JSON.stringify(word));\n\
             export default class Users extends DomainBase {{}}"
        )
    };
    let app = App::new()
        .write("domains/users/package.json", r#"{"type":"module"}"#)
        .write("domains/users/domain.ts", &code("before"));
    app.start();
    let standby = restart_with_standby(&app, "users");
    app.write_file("domains/users/domain.ts", &code("after"));
    app.run(&["domains", "restart", "users"]).exits(0);
    assert_eq!(app.leader("users"), standby);
    let printed = wait_until("the facts are printed", LIMIT, || {
        Some(facts(&app, "users")).filter(|facts| facts.len() == 3)
    });
    assert_eq!(printed, ["before", "before", "after"]);
    app.down();
}

#[test]
fn a_crash_is_replaced_by_the_standby_process() {
    let app = App::new().domain("users", "steady");
    app.start();
    let standby = restart_with_standby(&app, "users");
    app.leader("users").signal(Signal::KILL);
    app.wait_for("users", "is restarted", |users| {
        users["generation"] == 3 && users["ready"] == true
    });
    assert_eq!(app.leader("users"), standby);
    assert_eq!(
        app.event_count("users", "overlap"),
        0,
        "{:?}",
        app.activity_log()
    );
    app.down();
}

#[test]
fn a_killed_standby_process_leads_to_a_cold_start() {
    let app = App::new().domain("users", "steady");
    app.start();
    let standby = restart_with_standby(&app, "users");
    standby.signal(Signal::KILL);
    wait_until("it has exited", LIMIT, || {
        (!standby.is_alive()).then_some(())
    });
    app.run(&["domains", "restart", "users"]).exits(0);
    let leader = app.leader("users");
    assert!(!is_standby(&leader), "{leader}");
    assert_eq!(app.status("users")["restarts"], 0);
    app.down();
}

/// The environment is that of the start: where the standby process has another one, the start is
/// cold.
#[test]
fn a_standby_process_of_other_settings_is_not_used() {
    let settings = |color: &str| format!("process:\n  env: {{COLOR: {color}}}\n");
    let app = App::new()
        .domain("users", "prints-environment")
        .write("domains/users/fulcrum.yml", &settings("blue"));
    app.start();
    let standby = restart_with_standby(&app, "users");
    app.write_file("domains/users/fulcrum.yml", &settings("green"));
    app.run(&["domains", "restart", "users"]).exits(0);
    let leader = app.leader("users");
    assert!(!is_standby(&leader), "{leader}");
    assert_eq!(variable(&leader, "COLOR").as_deref(), Some("green"));
    wait_until("the old standby process has exited", LIMIT, || {
        (!standby.is_alive()).then_some(())
    });
    // The next one has the new settings.
    let standby = wait_until("there is a new standby process", LIMIT, || {
        standby_processes(&app).pop()
    });
    assert_eq!(variable(&standby, "COLOR").as_deref(), Some("green"));
    app.down();
}

#[test]
fn the_token_of_a_standby_process_is_rejected() {
    let app = App::new().domain("users", "steady");
    app.start();
    let standby = restart_with_standby(&app, "users");
    let token = variable(&standby, "FULCRUM_DOMAIN_TOKEN").expect("it has one");
    let assert_rejected = || {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/register.cjs");
        let response = app
            .program("node", &[script, &app.grpc(), "users", &token])
            .output()
            .exits(0)
            .json();
        assert_eq!(response["code"], 16, "UNAUTHENTICATED: {response}");
    };
    assert_rejected();
    app.run(&["domains", "stop", "users"]).exits(0);
    assert_rejected();
    standby.signal(Signal::KILL);
    wait_until("it has exited", LIMIT, || {
        (!standby.is_alive()).then_some(())
    });
    app.run(&["domains", "start", "users"]).exits(0);
    assert_rejected();
    app.down();
}

#[test]
fn standby_processes_are_bounded_and_exit_with_the_instance() {
    let app = App::new()
        .domain("users", "steady")
        .domain("orders", "steady");
    app.start();
    assert!(
        standby_processes(&app).is_empty(),
        "no domain was edited or has crashed"
    );
    let first = restart_with_standby(&app, "users");
    let second = restart_with_standby(&app, "orders");
    wait_until("the first one has made room", LIMIT, || {
        (!first.is_alive()).then_some(())
    });
    assert_eq!(standby_processes(&app), [second]);
    app.down();
}

#[test]
fn no_standby_process_outlives_a_killed_instance() {
    let app = App::new().domain("users", "steady");
    app.start();
    restart_with_standby(&app, "users");
    app.instance().signal(Signal::KILL);
    wait_until("all processes have exited", LIMIT, || {
        app.processes().is_empty().then_some(())
    });
}

#[test]
fn without_standby_there_are_no_standby_processes() {
    for (mode, settings) in [("dev", "runtime:\n  standby: off\n"), ("serve", "{}\n")] {
        let app = App::new()
            .domain("users", "steady")
            .write("fulcrum.yml", settings);
        app.run(&[mode, "--detach", "--wait"]).exits(0);
        for _ in 0..2 {
            app.run(&["domains", "restart", "users"]).exits(0);
            // As long as it would take to start a standby process.
            app.run(&["domains", "wait", "users"]).exits(0);
        }
        assert!(!is_standby(&app.leader("users")), "{mode}");
        assert!(standby_processes(&app).is_empty(), "{mode}");
        app.down();
    }
}

/// The milliseconds of the day at which an event happened.
fn millis_of(event: &Value) -> f64 {
    let text = event["time"].as_str().expect("a time");
    let (_, clock) = text.split_once('T').expect("a date and a time");
    let parts: Vec<f64> = clock
        .trim_end_matches('Z')
        .split(':')
        .map(|part| part.parse().expect("a number"))
        .collect();
    ((parts[0] * 60.0 + parts[1]) * 60.0 + parts[2]) * 1000.0
}

/// The `nth` percentile of the measurements.
fn percentile(measured: &mut [f64], nth: usize) -> f64 {
    measured.sort_by(f64::total_cmp);
    measured[(measured.len() - 1) * nth / 100]
}

/// The durations of all generations after the given one: until the previous process group is empty,
/// until the new process is started, until it has registered, and in total.
fn phases(events: &[Value], name: &str, after: Option<u64>) -> [Vec<f64>; 4] {
    let mut found: [Vec<f64>; 4] = Default::default();
    let [mut stopping, mut group_empty, mut starting] = [0.0; 3];
    let transitions = events.iter().filter(|event| event["domain"] == name);
    for event in transitions {
        let (from, to) = (event["from"].as_str(), event["to"].as_str());
        let at = millis_of(event);
        match (from, to) {
            (Some("running"), Some("stopping")) => stopping = at,
            (Some("stopping"), Some(_)) => group_empty = at,
            (_, Some("starting")) => starting = at,
            (Some("starting"), Some("running")) if event["generation"].as_u64() > after => {
                let parts = [
                    group_empty - stopping,
                    starting - group_empty,
                    at - starting,
                    at - stopping,
                ];
                for (list, part) in found.iter_mut().zip(parts) {
                    list.push(part);
                }
            }
            _ => {}
        }
    }
    found
}

/// From each kill to the registration of the following generation.
fn recovery_times(events: &[Value], name: &str, after: Option<u64>, kills: &[f64]) -> Vec<f64> {
    let registrations = events.iter().filter(|event| {
        event["domain"] == name
            && event["from"] == "starting"
            && event["to"] == "running"
            && event["generation"].as_u64() > after
    });
    registrations
        .zip(kills)
        .map(|(registrations, kill)| millis_of(registrations) - kill)
        .collect()
}

/// The current milliseconds of the day, on the clock of the events.
fn now() -> f64 {
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed();
    since.expect("after 1970").as_secs_f64() * 1000.0 % 86_400_000.0
}

/// How long restarts and crashes take with a standby process. Relevant measurements need a quiet
/// machine and an optimized `FULCRUM_BIN`.
#[test]
#[ignore = "long: 150 restarts, for their measurements"]
fn warm_start_measurements() {
    const ROUNDS: usize = 25;
    let code = "await new (class D extends DomainBase {})().start();";
    let import = "import { DomainBase } from '@fulcrum/domain';";
    let policy = "process: {restart: {stable_after: 300ms, budget: 1000}}\n";
    let app = App::new()
        .write("domains/esm/domain.mjs", &format!("{import}\n{code}"))
        .write("domains/cjs/domain.cjs", "const { DomainBase } = require('@fulcrum/domain');\nnew (class D extends DomainBase {})().start();")
        .write("domains/ts/package.json", r#"{"type":"module"}"#)
        .write("domains/ts/price.ts", "export const price = (n: number): number => n;")
        .write("domains/ts/domain.ts", &format!("{import}\nimport {{ price }} from './price.ts';\nprice(1);\n{code}"))
        .write("domains/esm/fulcrum.yml", policy)
        .write("domains/cjs/fulcrum.yml", policy)
        .write("domains/ts/fulcrum.yml", policy);
    app.start();
    let bare: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let started = std::time::Instant::now();
            app.program("node", &["-e", "0"]).output().exits(0);
            started.elapsed().as_secs_f64() * 1000.0
        })
        .collect();
    let mut bare = bare;
    let (p50, p95) = (percentile(&mut bare, 50), percentile(&mut bare, 95));
    measurement("node -e 0", &format!("p50 {p50:.1} ms, p95 {p95:.1} ms"));
    for crash in [false, true] {
        for name in ["esm", "cjs", "ts"] {
            restart_with_standby(&app, name);
            let cold = app.status(name)["generation"].as_u64();
            let mut kills = Vec::new();
            for _ in 0..ROUNDS {
                let generation = app.status(name)["generation"].as_u64();
                if crash {
                    // It is stable by then.
                    std::thread::sleep(std::time::Duration::from_millis(400));
                    let leader = app.leader(name);
                    kills.push(now());
                    leader.signal(Signal::KILL);
                } else {
                    app.run(&["domains", "restart", name]).exits(0);
                }
                app.wait_for(name, "is ready again", |domain| {
                    domain["ready"] == true && domain["generation"].as_u64() > generation
                });
                wait_until("it has a standby process", LIMIT, || {
                    standby_processes(&app).pop()
                });
                // Until the standby process has booted.
                std::thread::sleep(std::time::Duration::from_millis(300));
            }
            let events = app.events();
            let [mut stop, mut prepare, mut start, mut total] = phases(&events, name, cold);
            if crash {
                // From the kill, and not from its detection.
                total = recovery_times(&events, name, cold, &kills);
            }
            let summary = |kind: &str, list: &mut Vec<f64>| {
                format!(
                    "{kind} p50 {:.0} p95 {:.0}",
                    percentile(list, 50),
                    percentile(list, 95)
                )
            };
            let text = [
                summary("stop", &mut stop),
                summary("prepare", &mut prepare),
                summary("activate and register", &mut start),
                summary("altogether", &mut total),
            ]
            .join(", ");
            let kind = if crash { "crash" } else { "restart" };
            measurement(&format!("{kind} of {name}"), &format!("{text} (ms)"));
        }
    }
    app.down();
}
