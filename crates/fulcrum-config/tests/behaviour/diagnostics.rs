//! What is said about mistakes: place, words and hint.

use crate::support::Case;

/// One mistake in a domain's file is one finding, as written here.
#[test]
fn each_mistake_is_told_once_at_its_place() {
    for (config, told) in [
        (
            "process:\n  restrat: always\n",
            "domains/a/fulcrum.yml:2:3: `process`: unknown key `restrat`\n  hint: did you mean `restart`?",
        ),
        (
            "process:\n  grace: 5s\n",
            "domains/a/fulcrum.yml:2:3: `process`: unknown key `grace`\n  hint: did you mean `process.stop.grace`?",
        ),
        (
            "process:\n  stop: {grace: 5}\n",
            "domains/a/fulcrum.yml:2:17: `process.stop.grace`: expected a duration such as `500ms`, `10s` or `2m`, found the number `5`\n  hint: add the unit: `5s` or `5ms`",
        ),
        (
            "process:\n  limits:\n    memory: 256\n",
            "domains/a/fulcrum.yml:3:13: `process.limits.memory`: expected a size such as `256MiB` or `1GB`, found the number `256`\n  hint: add the unit: `256MiB`; bytes are `256B`",
        ),
        (
            "process:\n  restart: on-failrue\n",
            "domains/a/fulcrum.yml:2:12: `process.restart`: expected one of `always`, `on-failure`, `never`, found the text `on-failrue`\n  hint: did you mean `on-failure`?",
        ),
        (
            "process:\n  restart: [always]\n",
            "domains/a/fulcrum.yml:2:12: `process.restart`: expected a map, found a list",
        ),
        (
            "process:\n  args: --port 1\n",
            "domains/a/fulcrum.yml:2:9: `process.args`: expected a list of texts, found the text `--port 1`\n  hint: write `[--port, 1]`: no shell splits it into words",
        ),
        (
            "process:\n  replicas: 2\n  replicas: 3\n",
            "domains/a/fulcrum.yml:3:3: the key `replicas` is here a second time; line 2 has it too\n  hint: keep one of the two",
        ),
        (
            "process:\n  env: {A: '${NOPE}'}\n",
            "domains/a/fulcrum.yml:2:12: `process.env.A`: the variable `NOPE` is not set\n  hint: set NOPE, or give a default: `${NOPE:-…}`",
        ),
        (
            "process:\n  env: {A: ${NOPE}}\n",
            "domains/a/fulcrum.yml:2:13: this is no valid YAML: while parsing a flow mapping, did not find expected ',' or '}'\n  hint: inside `{…}` and `[…]` a value with `${NAME}` needs quotes",
        ),
        (
            "process:\n  env_file: .env\n",
            "domains/a/fulcrum.yml:2:13: `process.env_file`: there is no file `.env`\n  hint: create `domains/a/.env`; paths are relative to the folder of the file that they are written in",
        ),
        (
            "process:\n  stop: {signal: SIGSTOP}\n",
            "domains/a/fulcrum.yml:2:18: `process.stop.signal`: `SIGSTOP` is no signal that can ask a process to end\n  hint: one of SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGKILL",
        ),
        (
            "process:\n  restart: {backoff: {initial: 1m}}\n",
            "domains/a/fulcrum.yml:2:32: `process.restart.backoff.initial`: the longest delay (30s) is shorter than the first (1m)\n  hint: set both `max` and `initial`, or make them equal",
        ),
        (
            "process:\n  ready: {http: /healthz}\n",
            "domains/a/fulcrum.yml:2:10: `process.ready`: asks at the domain's own port, and none is set\n  hint: set `process.port`, or name the port in the probe",
        ),
        (
            "process:\n  cwd: nowhere\n",
            "domains/a/fulcrum.yml:2:8: `process.cwd`: `nowhere` can't be the working directory: there is no such file or folder\n  hint: the path is relative to the folder of the file that it is written in",
        ),
        (
            "process:\n  command: [python3, a.py]\n  entry: domain.js\n",
            "domains/a/fulcrum.yml:3:10: both `process.entry` and `process.command` (domains/a/fulcrum.yml:2:12) are set\n  hint: `entry` is a file for Node, `command` is any other program: keep one",
        ),
        (
            "runtime:\n  domains: x\n",
            "domains/a/fulcrum.yml:1:1: `runtime` belongs in the app's file, not in a domain's\n  hint: move it there; what is for this domain alone goes under `process`",
        ),
        (
            "process: {a: 1",
            "domains/a/fulcrum.yml:1:10: this is no valid YAML: `{` is not closed",
        ),
        (
            "process:\n\tenv: {}\n",
            "domains/a/fulcrum.yml:2:2: this is no valid YAML: a tab is used to indent\n  hint: YAML indents with spaces only",
        ),
        (
            "- a\n- b\n",
            "domains/a/fulcrum.yml:1:1: the file must hold a map, not a list\n  hint: begin with a key, such as `process:`",
        ),
        (
            "process: {}\n---\nprocess: {}\n",
            "domains/a/fulcrum.yml:2:1: a second YAML document begins here\n  hint: keep one document in the file: remove the `---` line",
        ),
    ] {
        assert_eq!(Case::domain(config).problem(), told, "in\n{config}");
    }
}

#[test]
fn out_of_range_values_are_refused() {
    for value in [
        "port: 0",
        "port: 65536",
        "port: http",
        "replicas: 0",
        "replicas: 1.5",
        "restart: {budget: 0}",
        "restart: {backoff: {factor: 0.5}}",
        "restart: {backoff: {factor: nan}}",
        "restart: {backoff: {jitter: 1.1}}",
        "restart: {backoff: {jitter: -0.1}}",
        "restart: {success_exit_codes: [256]}",
        "restart: {success_exit_codes: 0}",
        "restart: {window: 0s}",
        "start_timeout: 0s",
        "start_timeout: 400d",
        "heartbeat: {misses: 0}",
        "heartbeat: {interval: 0ms}",
        "limits: {memory: 0B}",
        "limits: {cpu: 0}",
        "install: yes",
        "user: ''",
        "command: []",
        "command: ['']",
        "env: {'A=B': 1}",
        "env: {A: [1]}",
        "env: {A: }",
        "env: [A=1]",
        "env: {A: \"x\\0y\"}",
        "depends_on: b",
        "depends_on: {b: {condition: healthy}}",
        "ready: true",
        "alive: {log: up}",
        "entry: main.py",
        "entry: missing.js",
        "watch: {paths: {}}",
    ] {
        let case = Case::domain(&format!("process:\n  {value}\n"));
        case.write("domains/b/domain.js", "");
        let told = case.problem();
        assert!(
            told.starts_with("domains/a/fulcrum.yml:2:"),
            "{value}: {told}"
        );
    }
}

#[test]
fn signals_have_one_form() {
    for (written, read) in [
        ("TERM", "SIGTERM"),
        ("sigint", "SIGINT"),
        ("SIGKILL", "SIGKILL"),
    ] {
        let app = Case::domain(&format!("process: {{stop: {{signal: {written}}}}}")).app();
        assert_eq!(app.domains[0].process.stop.signal, read);
    }
}

#[test]
fn a_setting_on_the_top_level_is_told_and_foreign_keys_are_left_alone() {
    assert_eq!(
        Case::domain("db: {a: 1}\nrestrat: always\nusers: []\n").problem(),
        "domains/a/fulcrum.yml:2:1: warning: `restrat` does nothing at the top level: did you mean `process.restart`?\n  hint: move it under `process:` as `restart`"
    );
    assert_eq!(
        Case::domain("proces: {}\n").problem(),
        "domains/a/fulcrum.yml:1:1: warning: `proces` does nothing at the top level: did you mean `process`?\n  hint: rename it to `process`"
    );
    let foreign = "db:\n  url: ${UNSET}\nmodels: [user, {a: !custom x}]\nlogic: ~\nmodel: 1\n";
    Case::domain(foreign).app();
    let case = Case::new(&[("fulcrum.yml", foreign), ("domains/a/domain.js", "")]);
    case.app();
}

#[test]
fn keys_of_the_other_file_are_told_where_they_belong() {
    let case = Case::new(&[
        ("fulcrum.yml", "process: {}\n"),
        ("domains/a/domain.js", ""),
    ]);
    assert_eq!(
        case.problem(),
        "fulcrum.yml:1:1: `process` belongs in a domain's file, not in the app's\n  hint: settings for every domain go under `runtime.defaults`"
    );
}

#[test]
fn a_duplicate_in_a_foreign_section_is_only_a_warning() {
    let case = Case::domain("db: {a: 1, a: 2}\n");
    assert!(
        case.problem()
            .starts_with("domains/a/fulcrum.yml:1:12: warning: the key `a` is here a second time")
    );
}

#[test]
fn an_exposed_address_names_the_risk() {
    for address in ["0.0.0.0:50051", "'[::]:50051'"] {
        let case = Case::new(&[
            (
                "fulcrum.yml",
                &format!("runtime:\n  grpc: {{listen: {address}}}\n"),
            ),
            ("domains/a/domain.js", ""),
        ]);
        let told = case.problem();
        assert!(
            told.starts_with("fulcrum.yml:2:18: ")
                && told.contains("neither encrypted nor authenticated"),
            "{told}"
        );
    }
}

#[test]
fn tls_is_refused_rather_than_ignored() {
    let case = Case::new(&[
        (
            "fulcrum.yml",
            "runtime: {grpc: {tls: {cert: a.pem, key: b.pem}}}\n",
        ),
        ("domains/a/domain.js", ""),
    ]);
    assert!(case.problem().contains("doesn't serve TLS yet"));
}

#[test]
fn everything_is_told_at_once_and_in_order() {
    let case = Case::new(&[
        (
            "fulcrum.yml",
            "runtime:\n  grcp: {}\n  defaults:\n    replicas: x\n",
        ),
        ("domains/a/domain.js", ""),
        (
            "domains/a/fulcrum.yml",
            "process:\n  user: [a]\n  port: 99999\n",
        ),
        ("domains/b/domain.js", ""),
        ("domains/b/fulcrum.yml", "process: {"),
        ("domains/c/domain.js", ""),
        (
            "domains/c/fulcrum.yml",
            "process:\n  depends_on: [a, b, d]\n",
        ),
    ]);
    let places: Vec<_> = case
        .problems()
        .iter()
        .map(|told| told.split(": ").next().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(
        places,
        [
            "fulcrum.yml:2:3",
            "fulcrum.yml:4:15",
            "domains/a/fulcrum.yml:2:9",
            "domains/a/fulcrum.yml:3:9",
            "domains/b/fulcrum.yml:1:10",
            "domains/c/fulcrum.yml:2:22"
        ]
        .into_iter()
        .collect::<std::collections::BTreeSet<_>>()
        .into_iter()
        .collect::<Vec<_>>()
    );
}

#[test]
fn a_broken_app_file_does_not_hide_what_is_wrong_with_domains() {
    let case = Case::new(&[
        ("fulcrum.yml", "runtime: ["),
        ("domains/a/domain.js", ""),
        ("domains/a/fulcrum.yml", "process: {argz: []}"),
    ]);
    let told = case.problems();
    assert_eq!(told.len(), 2, "{told:#?}");
}

#[test]
fn input_in_a_message_cannot_steer_a_terminal() {
    let told = Case::domain("process:\n  \"\\e[2Jx\": 1\n").problem();
    assert!(
        told.contains("\\u{1b}[2Jx") && !told.contains('\u{1b}'),
        "{told:?}"
    );
}

/// One mistake in where logs are forwarded to, in the app's file.
#[test]
fn mistakes_about_a_receiver_of_logs_are_told_at_their_place() {
    for (forward, told) in [
        (
            "{otlp: '127.0.0.1:4317'}",
            "fulcrum.yml:3:21: `runtime.logs.forward.otlp`: `127.0.0.1:4317` is no receiver's address: it doesn't begin with `http://`\n  hint: write it like `http://127.0.0.1:4317`",
        ),
        (
            "{otlp: 'https://otel.example:4317'}",
            "fulcrum.yml:3:21: `runtime.logs.forward.otlp`: `https://otel.example:4317`: this version of Fulcrum doesn't speak TLS to a receiver\n  hint: forward to a collector on this machine or in this network, and let that one speak TLS",
        ),
        (
            "{otlp: 'http://localhost:4318/v1/logs'}",
            "fulcrum.yml:3:21: `runtime.logs.forward.otlp`: `http://localhost:4318/v1/logs` has a path, and OTLP over gRPC has none\n  hint: name the receiver's gRPC port, usually 4317: `/v1/logs` belongs to OTLP over HTTP",
        ),
        (
            "{otpl: 'http://localhost:4317'}",
            "fulcrum.yml:3:15: `runtime.logs.forward`: unknown key `otpl`\n  hint: did you mean `otlp`?",
        ),
        (
            "http://localhost:4317",
            "fulcrum.yml:3:14: `runtime.logs.forward`: expected a map, found the text `http://localhost:4317`",
        ),
        (
            "{otlp: 'http://localhost:4317', level: wran}",
            "fulcrum.yml:3:53: `runtime.logs.forward.level`: expected one of `trace`, `debug`, `info`, `warn`, `error`, `fatal`, found the text `wran`\n  hint: did you mean `warn`?",
        ),
        (
            "{otlp: 'http://localhost:4317', headers: {'a b': c}}",
            "fulcrum.yml:3:56: `runtime.logs.forward.headers`: `a b` can't be the name of a header\n  hint: letters, digits, `-`, `_` and `.`",
        ),
        (
            "{level: warn}",
            "fulcrum.yml:3:22: `runtime.logs.forward.level`: there is no receiver to forward to\n  hint: name it under `runtime.logs.forward.otlp`, such as `http://127.0.0.1:4317`",
        ),
    ] {
        let config = format!("runtime:\n  logs:\n    forward: {forward}\n");
        let case = Case::new(&[("fulcrum.yml", &config), ("domains/a/domain.js", "")]);
        assert_eq!(case.problem(), told, "in\n{config}");
    }
}
