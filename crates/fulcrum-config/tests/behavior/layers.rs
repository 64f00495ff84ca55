//! Origins of values, and that their text is preserved.

use std::time::Duration;

use crate::support::Case;
use fulcrum_config::{
    DependencyCondition, Mode, PortSetting, RegistrationMode, RestartMode, read_env_file,
};
use serde_json::{Value, json};

#[test]
fn a_later_layer_takes_precedence_and_the_origin_is_shown() {
    let case = Case::new(&[
        ("fulcrum.yml", "runtime:\n  defaults:\n    stop: {grace: 6s}\n    start_timeout: 1m\n    heartbeat: {misses: 7}\n    env: {A: app, B: app}\n    replicas: 2\n"),
        ("domains/a/domain.js", ""),
        ("domains/a/fulcrum.yml", "process:\n  start_timeout: 2m\n  heartbeat: {misses: 8}\n  env: {B: domain, C: domain}\n  replicas: 3\n"),
    ])
    .env("FULCRUM_PROCESS__HEARTBEAT__MISSES", "9")
    .env("FULCRUM_PROCESS__REPLICAS", "4")
    .env("FULCRUM_PROCESS__ENV__D", "env")
    .flag("process.replicas", "5");
    let app = case.app();
    let process = &app.domains[0].process;
    assert_eq!(process.restart.window, Duration::from_secs(60));
    assert_eq!(process.stop.grace, Duration::from_secs(6));
    assert_eq!(process.start_timeout, Duration::from_secs(120));
    assert_eq!(process.heartbeat.misses, 9);
    assert_eq!(process.replicas, 5);
    let env: Vec<_> = process
        .env
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    assert_eq!(env, ["A=app", "B=domain", "C=domain", "D=env"]);

    let shown = app.effective_domain("a").expect("it is there");
    for (path, value, origin) in [
        ("/process/restart/window", json!("1m"), "default"),
        ("/process/stop/grace", json!("6s"), "fulcrum.yml:3:19"),
        (
            "/process/start_timeout",
            json!("2m"),
            "domains/a/fulcrum.yml:2:18",
        ),
        (
            "/process/heartbeat/misses",
            json!(9),
            "env FULCRUM_PROCESS__HEARTBEAT__MISSES",
        ),
        ("/process/replicas", json!(5), "flag"),
        ("/process/env/A", json!("app"), "fulcrum.yml:6:14"),
        ("/process/entry", json!("domains/a/domain.js"), "discovered"),
        ("/process/cwd", json!("domains/a"), "default"),
    ] {
        assert_eq!(
            shown.pointer(path),
            Some(&json!({"value": value, "origin": origin})),
            "{path}"
        );
    }
    assert_eq!(app.effective().pointer("/domains/a"), Some(&shown));
    assert_eq!(
        app.effective().pointer("/runtime/grpc/listen/origin"),
        Some(&json!("default"))
    );
}

#[test]
fn text_is_preserved() {
    let config = "process:\n  env: {A: 1.10, B: 0123, C: true, D: 1e3, E: 0x1F, F: 2026-11-23, G: 'no', H: '', \"my.key\": 08, I: !!str null, J: 12_000}\n  args: [1.0, 007]\n";
    let app = Case::domain(config)
        .env("FULCRUM_PROCESS__ENV__K", "00.10")
        .app();
    let process = &app.domains[0].process;
    let env: Vec<_> = process
        .env
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    assert_eq!(
        env,
        [
            "A=1.10",
            "B=0123",
            "C=true",
            "D=1e3",
            "E=0x1F",
            "F=2026-11-23",
            "G=no",
            "H=",
            "I=null",
            "J=12_000",
            "K=00.10",
            "my.key=08"
        ]
    );
    assert_eq!(process.args, ["1.0", "007"]);
}

#[test]
fn variables_are_expanded() {
    let config = "process:\n  env:\n    URL: pg://${HOST}:${PORT:-5432}/$$x\n  stop: {grace: '${GRACE:-7s}'}\n  args: ['${HOST}']\n  ready: {log: 'on ${HOST}'}\n";
    let case = Case::domain(config).env("HOST", "db");
    let app = case.app();
    let process = &app.domains[0].process;
    assert_eq!(process.env["URL"], "pg://db:5432/$x");
    assert_eq!(process.stop.grace, Duration::from_secs(7));
    assert_eq!(process.args, ["db"]);
    // The highest layers are literal.
    let app = Case::domain("process: {}")
        .env("FULCRUM_PROCESS__ENV__A", "${HOST}")
        .app();
    assert_eq!(app.domains[0].process.env["A"], "${HOST}");
}

#[test]
fn short_and_long_forms_are_merged() {
    let case = Case::new(&[
        (
            "fulcrum.yml",
            "runtime:\n  watch: false\n  standby: off\n  defaults: {restart: {policy: never, budget: 3}}\n",
        ),
        ("domains/a/domain.js", ""),
        (
            "domains/a/fulcrum.yml",
            "process: {restart: always, depends_on: {b: {condition: started}, c: }, port: auto, env_file: x.env}",
        ),
        ("domains/a/x.env", "A=1"),
        ("domains/b/domain.js", ""),
        ("domains/c/domain.js", ""),
    ]);
    let app = case.app();
    let process = &app.domains[0].process;
    assert_eq!(
        (process.restart.policy, process.restart.budget),
        (RestartMode::Always, 3)
    );
    assert_eq!(
        process.depends_on.values().copied().collect::<Vec<_>>(),
        [DependencyCondition::Started, DependencyCondition::Ready]
    );
    assert_eq!(process.port, Some(PortSetting::Auto));
    assert_eq!(
        (app.runtime.watch.enabled, app.runtime.standby),
        (Some(false), Some(0))
    );
    assert_eq!(
        process.env_files[0].path,
        case.root().join("domains/a/x.env")
    );
    assert_eq!(
        read_env_file(&process.env_files[0].path).expect("valid")["A"],
        "1"
    );
    assert_eq!(app.waves(), [vec!["b", "c"], vec!["a"]]);
}

#[test]
fn a_probe_replaces_a_probe() {
    let case = Case::new(&[
        ("fulcrum.yml", "runtime: {defaults: {ready: {tcp: 1}}}"),
        ("domains/a/domain.js", ""),
        ("domains/a/fulcrum.yml", "process: {ready: {log: up}}"),
    ]);
    assert_eq!(
        case.app().domains[0].process.ready.check,
        fulcrum_config::ProbeCheck::Log("up".into())
    );
}

#[test]
fn a_program_other_than_node_is_ready_once_it_runs_unless_set_otherwise() {
    use fulcrum_config::ProbeCheck;

    let check = |app: &str, settings: &str| {
        let case = Case::new(&[
            ("fulcrum.yml", app),
            ("domains/a/fulcrum.yml", settings),
            ("domains/b/domain.js", ""),
        ]);
        let domains = case.app().domains;
        assert_eq!(domains[1].process.alive.check, ProbeCheck::Registered);
        domains[0].process.ready.check.clone()
    };
    let command = "process: {command: [sleep, '9']}";
    assert_eq!(check("", command), ProbeCheck::Started);
    let app = "runtime: {defaults: {ready: registered}}";
    assert_eq!(check(app, command), ProbeCheck::Registered);
    let registers = "process: {command: [sleep, '9'], ready: registered}";
    assert_eq!(check("", registers), ProbeCheck::Registered);
}

#[test]
fn paths_are_relative_to_the_file_they_are_written_in() {
    let case = Case::new(&[
        (
            "fulcrum.yml",
            "runtime: {defaults: {env_file: [shared.env], node: ./bin/node, entry: src/main.js}}",
        ),
        ("shared.env", ""),
        ("bin/node", ""),
        ("domains/a/fulcrum.yml", "process: {cwd: src}"),
        ("domains/a/src/main.js", ""),
    ]);
    let app = case.app();
    let process = &app.domains[0].process;
    assert_eq!(process.env_files[0].path, case.root().join("shared.env"));
    assert_eq!(process.node, Some(case.root().join("./bin/node")));
    assert_eq!(process.cwd, case.root().join("domains/a/src"));
    assert!(app.domains[0].has_process());
}

#[test]
fn a_missing_node_is_reported_at_its_setting() {
    let case = Case::domain("process:\n  node: /nowhere/node");
    let reported = case.diagnostic();
    assert!(
        reported.starts_with("domains/a/fulcrum.yml:2:9: `process.node`: no such file"),
        "{reported}"
    );
    let by_name = Case::domain("process: {node: node20}");
    assert!(by_name.app().domains[0].process.node.is_some());
}

#[test]
fn a_line_in_an_env_file_that_is_no_variable_is_a_warning_at_its_location() {
    let case = Case::domain("process: {env_file: [.env]}");
    case.write("domains/a/.env", "A=1\nnonsense\n");
    let reported = case.diagnostic();
    assert!(
        reported.starts_with("domains/a/.env:2:1: warning: `nonsense` is ignored"),
        "{reported}"
    );
    assert_eq!(
        case.load().app.expect("a warning").domains[0]
            .process
            .file_env["A"],
        "1"
    );
}

#[test]
fn an_env_file_that_is_not_required_may_be_missing() {
    let config = "process: {env_file: [{path: .env}, {path: local.env, required: false}]}";
    let case = Case::domain(config);
    case.write("domains/a/.env", "A=1\nB=1\n");
    let app = case.app();
    let files = &app.domains[0].process.env_files;
    assert_eq!([files[0].required, files[1].required], [true, false]);
    assert!(files[1].is_left_out());
    case.write("domains/a/local.env", "B=2\n");
    assert_eq!(case.app().domains[0].process.file_env["B"], "2");
    // One that cannot be read is an error all the same.
    case.symlink("nowhere", "domains/a/.env.link");
    for (config, message) in [
        ("{path: .env.link, required: false}", "no such file"),
        ("{file: .env}", "`file` is not a key"),
        ("{required: false}", "has no `path`"),
        (
            "{path: .env, required: maybe}",
            "`required: true` or `false`",
        ),
        ("{path: .env, requierd: false}", "did you mean `required`"),
    ] {
        case.write(
            "domains/a/fulcrum.yml",
            format!("process: {{env_file: [{config}]}}"),
        );
        assert!(
            case.diagnostic().contains(message),
            "{config}: {}",
            case.diagnostic()
        );
    }
}

#[test]
fn a_missing_env_file_names_its_example() {
    let case = Case::domain("process: {env_file: .env}");
    assert!(case.diagnostic().contains("create `domains/a/.env`"));
    case.write("domains/a/.env.example", "A=\n");
    let reported = case.diagnostic();
    assert!(
        reported.contains("`cp domains/a/.env.example domains/a/.env`"),
        "{reported}"
    );
}

#[test]
fn a_variable_of_the_shell_that_a_file_replaces_is_told_once() {
    let config = "process: {env_file: ../../shared.env}";
    let case = Case::new(&[
        ("domains/a/domain.js", ""),
        ("domains/a/fulcrum.yml", config),
        ("domains/b/domain.js", ""),
        ("domains/b/fulcrum.yml", config),
        ("shared.env", "A=file\nB=same\nSECRET=file\n"),
    ]);
    let case = case
        .env("A", "shell")
        .env("B", "same")
        .env("SECRET", "shell");
    let reported = case.diagnostics();
    assert!(
        reported
            .iter()
            .all(|text| text.contains("replaces A, SECRET of the environment"))
    );
    assert!(
        reported.concat().contains("env_override: false"),
        "{reported:#?}"
    );
    assert_eq!(reported.len(), 1, "{reported:#?}");
    case.write("fulcrum.yml", "runtime: {env_override: false}");
    assert!(!case.app().runtime.env_override);
}

#[test]
fn secrets_are_masked_wherever_they_are_shown() {
    let config = "process:\n  command: [run, --password, hunter2, 'http://u:hunter2@x/']\n  args: [--token=hunter2]\n  \
        env: {DATABASE_URL: 'postgres://u:hunter2@db/x', API_KEY: hunter2, PLAIN: shown}\n";
    let app = Case::new(&[("domains/a/fulcrum.yml", config)]).app();
    let shown = app.effective().to_string() + &app.to_yaml(None).expect("YAML");
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(
        shown.contains("postgres://u:***@db/x") && shown.contains("shown"),
        "{shown}"
    );
    let all = app.with_secrets();
    let shown = all.effective().to_string() + &all.to_yaml(Some("a")).expect("YAML");
    assert_eq!(shown.matches("hunter2").count(), 10, "{shown}");
}

#[test]
fn the_mode_determines_the_registration_mode() {
    let mut case = Case::domain("process: {}");
    assert_eq!(case.app().runtime.grpc.registration, RegistrationMode::Open);
    case.mode = Mode::Serve;
    assert_eq!(
        case.app().runtime.grpc.registration,
        RegistrationMode::Token
    );
    case.write("fulcrum.yml", "runtime: {grpc: {registration: open}}");
    assert_eq!(case.app().runtime.grpc.registration, RegistrationMode::Open);
}

#[test]
fn an_address_is_explicit_if_any_layer_sets_it() {
    let listen = |case: Case| case.app().runtime.grpc.listen;
    let default = listen(Case::domain("process: {}"));
    assert_eq!(
        (default.to_string(), default.explicit),
        ("127.0.0.1:50051".into(), false)
    );
    let by_env =
        listen(Case::domain("process: {}").env("FULCRUM_RUNTIME__GRPC__LISTEN", "[::1]:0"));
    assert_eq!(
        (by_env.to_string(), by_env.explicit),
        ("[::1]:0".into(), true)
    );
    let by_flag = listen(
        Case::domain("process: {}")
            .env("FULCRUM_RUNTIME__GRPC__LISTEN", "[::1]:0")
            .flag("runtime.grpc.listen", "localhost:7"),
    );
    assert_eq!(
        (by_flag.to_string(), by_flag.explicit),
        ("localhost:7".into(), true)
    );
    let emptied = listen(Case::domain("process: {}").env("FULCRUM_RUNTIME__GRPC__LISTEN", ""));
    assert!(!emptied.explicit);
}

#[test]
fn mistakes_in_variables_and_flags_name_them() {
    for (name, value, expected) in [
        (
            "FULCRUM_PROCESS__STRAT_TIMEOUT",
            "5s",
            "variable `FULCRUM_PROCESS__STRAT_TIMEOUT`: unknown key `strat_timeout` in `process`\n  hint: did you mean `process.start_timeout`?",
        ),
        (
            "FULCRUM_PROCESS__STOP__GRACE",
            "5",
            "variable FULCRUM_PROCESS__STOP__GRACE: `process.stop.grace`: expected a duration such as `500ms`, `10s` or `2m`, found the number `5`\n  hint: add the unit: `5s` or `5ms`",
        ),
        (
            "FULCRUM_PROCESS__USER__NAME",
            "x",
            "variable `FULCRUM_PROCESS__USER__NAME`: `process.user` has no keys",
        ),
        (
            "FULCRUM_PROCES__USER",
            "x",
            "warning: variable `FULCRUM_PROCES__USER`: has no effect\n  hint: did you mean `FULCRUM_PROCESS__USER`?",
        ),
    ] {
        assert_eq!(
            Case::domain("process: {}").env(name, value).diagnostic(),
            expected
        );
    }
    assert_eq!(
        Case::domain("process: {}")
            .flag("runtime.grpc.lisen", "x")
            .diagnostic(),
        "flag for `runtime.grpc.lisen`: unknown key `lisen` in `runtime.grpc`\n  hint: did you mean `runtime.grpc.listen`?"
    );
    let contract = [
        "FULCRUM_APP_PATH",
        "FULCRUM_GRPC_SERVER",
        "FULCRUM_DOMAIN_NAME",
        "FULCRUM_LOG_LEVEL",
        "FULCRUM_DOMAIN_TOKEN",
        "FULCRUM_DB__URL",
        "OTHER__X",
    ];
    let case = contract
        .iter()
        .fold(Case::domain("process: {}"), |case, name| {
            case.env(name, if *name == "FULCRUM_APP_PATH" { "" } else { "x" })
        });
    case.app();
}

#[test]
fn variables_can_hold_lists_and_maps() {
    let case = Case::domain("process: {}")
        .env("FULCRUM_PROCESS__ARGS", "a, b")
        .env("FULCRUM_PROCESS__NODE_ARGS", "['x, y']")
        .env("FULCRUM_PROCESS__READY", "{log: up}")
        .env("FULCRUM_PROCESS__RESTART", "never")
        .env("FULCRUM_PROCESS__LIMITS", "{memory: 1MiB}")
        .env("FULCRUM_RUNTIME__DEFAULTS__REPLICAS", "3");
    let app = case.app();
    let process = &app.domains[0].process;
    assert_eq!(process.args, ["a", "b"]);
    assert_eq!(process.node_args, ["x, y"]);
    assert_eq!(process.restart.policy, RestartMode::Never);
    assert_eq!(process.limits.memory, Some(1 << 20));
    assert_eq!(process.replicas, 3);
}

#[test]
fn secrets_are_masked() {
    let app =
        Case::domain("process: {env: {DB_PASSWORD: hunter2, API_KEY: hunter2, KEYBOARD: qwerty}}")
            .app();
    let shown = app.effective().to_string();
    assert!(!shown.contains("hunter2") && shown.contains("qwerty"));
    assert_eq!(app.domains[0].process.env["DB_PASSWORD"], "hunter2");
}

#[test]
fn values_are_available_as_yaml() {
    let app = Case::domain("process: {env: {origin: x, VERSION: '1.10'}}").app();
    let yaml = app.to_yaml(Some("a")).expect("it is there");
    let read: Value = serde_yaml::from_str(&yaml).expect("valid YAML");
    assert_eq!(read.pointer("/process/stop/grace"), Some(&json!("5s")));
    assert_eq!(
        read.pointer("/process/env"),
        Some(&json!({"VERSION": "1.10", "origin": "x"}))
    );
    assert!(app.to_yaml(Some("b")).is_none());
}

#[test]
fn logs_are_not_exported_unless_an_endpoint_is_set() {
    let plain = Case::new(&[("domains/a/domain.js", "")]).app();
    assert_eq!(plain.runtime.logs.forward, None);

    let config = "runtime:\n  logs:\n    forward:\n      otlp: http://${COLLECTOR}:4317/\n      headers: {Authorization: 'Bearer ${SECRET}'}\n";
    let case = Case::new(&[("fulcrum.yml", config), ("domains/a/domain.js", "")])
        .env("COLLECTOR", "otel")
        .env("SECRET", "hunter2")
        .env("FULCRUM_RUNTIME__LOGS__FORWARD__LEVEL", "warn");
    let app = case.app();
    let forward = app.runtime.logs.forward.clone().expect("it is set");
    assert_eq!(forward.otlp.as_deref(), Some("http://otel:4317"));
    assert_eq!(forward.headers["authorization"], "Bearer hunter2");
    assert_eq!(forward.level.as_deref(), Some("warn"));
    // The effective configuration does not contain credentials.
    assert!(!app.effective().to_string().contains("hunter2"));
    assert!(app.effective().to_string().contains("fulcrum.yml:5:"));
}
