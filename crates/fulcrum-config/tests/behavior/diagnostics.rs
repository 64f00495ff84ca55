//! Diagnostics: location, message and hint.

use crate::support::Case;

/// One mistake in a domain's file is one diagnostic.
#[test]
fn each_mistake_is_reported_once_at_its_location() {
    for (config, expected) in [
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
            "domains/a/fulcrum.yml:2:9: `process.args`: expected a list of texts, found the text `--port 1`\n  hint: write `[--port, 1]`: the text is not split into words",
        ),
        (
            "process:\n  replicas: 2\n  replicas: 3\n",
            "domains/a/fulcrum.yml:3:3: duplicate key `replicas`, first used in line 2\n  hint: remove one of them",
        ),
        (
            "process:\n  env: {A: '${NOPE}'}\n",
            "domains/a/fulcrum.yml:2:12: `process.env.A`: the variable `NOPE` is not set\n  hint: set NOPE, or write a default: `${NOPE:-…}`",
        ),
        (
            "process:\n  env: {A: ${NOPE}}\n",
            "domains/a/fulcrum.yml:2:13: invalid YAML: a `,` or `}` is missing\n  hint: inside `{…}` and `[…]` a value with `${NAME}` needs quotes",
        ),
        (
            "process:\n  env_file: .env\n",
            "domains/a/fulcrum.yml:2:13: `process.env_file`: no such file: `.env`\n  hint: create `domains/a/.env`, or write `{path: …, required: false}`; paths are relative to the directory of the configuration file",
        ),
        (
            "process:\n  stop: {signal: SIGSTOP}\n",
            "domains/a/fulcrum.yml:2:18: `process.stop.signal`: `SIGSTOP` is not a signal that stops a process\n  hint: use one of SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGKILL",
        ),
        (
            "process:\n  restart: {backoff: {initial: 1m}}\n",
            "domains/a/fulcrum.yml:2:32: `process.restart.backoff.initial`: `max` (30s) is less than `initial` (1m)\n  hint: set both `max` and `initial`",
        ),
        (
            "process:\n  ready: {http: /healthz}\n",
            "domains/a/fulcrum.yml:2:10: `process.ready`: uses the domain's own port, which is not set\n  hint: set `process.port`, or the port of the probe",
        ),
        (
            "process:\n  cwd: nowhere\n",
            "domains/a/fulcrum.yml:2:8: `process.cwd`: `nowhere` cannot be the working directory: no such file or directory\n  hint: the path is relative to the directory of the configuration file",
        ),
        (
            "process:\n  command: [python3, a.py]\n  entry: domain.js\n",
            "domains/a/fulcrum.yml:3:10: both `process.entry` and `process.command` (domains/a/fulcrum.yml:2:12) are set\n  hint: `entry` is a file for Node, `command` is any other program: keep one",
        ),
        (
            "runtime:\n  domains: x\n",
            "domains/a/fulcrum.yml:1:1: `runtime` belongs in the app's file, not in a domain's\n  hint: move it there; settings of this domain go under `process`",
        ),
        (
            "process: {a: 1",
            "domains/a/fulcrum.yml:1:10: invalid YAML: `{` is not closed",
        ),
        (
            "process:\n\tenv: {}\n",
            "domains/a/fulcrum.yml:2:2: invalid YAML: a tab is used for indentation\n  hint: indent with spaces",
        ),
        (
            "- a\n- b\n",
            "domains/a/fulcrum.yml:1:1: expected a map at the top level, found a list\n  hint: start with a key, such as `process:`",
        ),
        (
            "process: {}\n---\nprocess: {}\n",
            "domains/a/fulcrum.yml:2:1: a second YAML document starts here\n  hint: keep one document in the file: remove the `---` line",
        ),
    ] {
        assert_eq!(Case::domain(config).diagnostic(), expected, "in\n{config}");
    }
}

#[test]
fn out_of_range_values_are_rejected() {
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
        let reported = case.diagnostic();
        assert!(
            reported.starts_with("domains/a/fulcrum.yml:2:"),
            "{value}: {reported}"
        );
    }
}

#[test]
fn signal_names_are_normalized() {
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
fn a_setting_at_the_top_level_is_reported_and_other_keys_are_not() {
    assert_eq!(
        Case::domain("db: {a: 1}\nrestrat: always\nusers: []\n").diagnostic(),
        "domains/a/fulcrum.yml:2:1: warning: `restrat` has no effect at the top level: did you mean `process.restart`?\n  hint: move it under `process:` as `restart`"
    );
    assert_eq!(
        Case::domain("proces: {}\n").diagnostic(),
        "domains/a/fulcrum.yml:1:1: warning: `proces` has no effect at the top level: did you mean `process`?\n  hint: rename it to `process`"
    );
    let foreign = "db:\n  url: ${UNSET}\nmodels: [user, {a: !custom x}]\nlogic: ~\nmodel: 1\n";
    Case::domain(foreign).app();
    let case = Case::new(&[("fulcrum.yml", foreign), ("domains/a/domain.js", "")]);
    case.app();
}

#[test]
fn keys_in_the_wrong_file_have_a_hint() {
    let case = Case::new(&[
        ("fulcrum.yml", "process: {}\n"),
        ("domains/a/domain.js", ""),
    ]);
    assert_eq!(
        case.diagnostic(),
        "fulcrum.yml:1:1: `process` belongs in a domain's file, not in the app's\n  hint: settings for every domain go under `runtime.defaults`"
    );
}

#[test]
fn a_duplicate_in_another_section_is_only_a_warning() {
    let case = Case::domain("db: {a: 1, a: 2}\n");
    assert!(
        case.diagnostic()
            .starts_with("domains/a/fulcrum.yml:1:12: warning: duplicate key `a`")
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
        let reported = case.diagnostic();
        assert!(
            reported.starts_with("fulcrum.yml:2:18: ")
                && reported.contains("neither encrypted nor authenticated"),
            "{reported}"
        );
    }
}

#[test]
fn tls_is_an_error_rather_than_ignored() {
    let case = Case::new(&[
        (
            "fulcrum.yml",
            "runtime: {grpc: {tls: {cert: a.pem, key: b.pem}}}\n",
        ),
        ("domains/a/domain.js", ""),
    ]);
    assert!(case.diagnostic().contains("TLS is not supported"));
}

#[test]
fn all_diagnostics_are_reported_at_once_and_in_order() {
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
    let locations: Vec<_> = case
        .diagnostics()
        .iter()
        .map(|reported| reported.split(": ").next().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(
        locations,
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
fn an_invalid_app_file_does_not_hide_errors_of_domains() {
    let case = Case::new(&[
        ("fulcrum.yml", "runtime: ["),
        ("domains/a/domain.js", ""),
        ("domains/a/fulcrum.yml", "process: {argz: []}"),
    ]);
    let reported = case.diagnostics();
    assert_eq!(reported.len(), 2, "{reported:#?}");
}

#[test]
fn input_in_a_message_cannot_control_a_terminal() {
    let reported = Case::domain("process:\n  \"\\e[2Jx\": 1\n").diagnostic();
    assert!(
        reported.contains("\\u{1b}[2Jx") && !reported.contains('\u{1b}'),
        "{reported:?}"
    );
}

/// One mistake in the OTLP export, in the app's file.
#[test]
fn mistakes_in_the_export_are_reported_at_their_location() {
    for (forward, expected) in [
        (
            "{otlp: '127.0.0.1:4317'}",
            "fulcrum.yml:3:21: `runtime.logs.forward.otlp`: `127.0.0.1:4317` is not an OTLP endpoint: it does not start with `http://` or `https://`\n  hint: write it like `http://127.0.0.1:4317`",
        ),
        (
            "{otlp: 'http://localhost:4318/v1/logs'}",
            "fulcrum.yml:3:21: `runtime.logs.forward.otlp`: `http://localhost:4318/v1/logs` has a path, which OTLP over gRPC does not use\n  hint: use the endpoint's gRPC port, usually 4317: `/v1/logs` belongs to OTLP over HTTP",
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
            "fulcrum.yml:3:56: `runtime.logs.forward.headers`: `a b` is not a valid header name\n  hint: letters, digits, `-`, `_` and `.`",
        ),
        (
            "{level: warn}",
            "fulcrum.yml:3:22: `runtime.logs.forward.level`: no endpoint is set\n  hint: set `runtime.logs.forward.otlp`, such as `http://127.0.0.1:4317`",
        ),
    ] {
        let config = format!("runtime:\n  logs:\n    forward: {forward}\n");
        let case = Case::new(&[("fulcrum.yml", &config), ("domains/a/domain.js", "")]);
        assert_eq!(case.diagnostic(), expected, "in\n{config}");
    }
}

#[test]
fn words_of_other_tools_are_suggested_in_ours() {
    for (config, hint) in [
        ("environment: {A: b}", "did you mean `env`?"),
        ("healthcheck: {test: x}", "did you mean `ready`?"),
        (
            "stop_grace_period: 10s",
            "did you mean `process.stop.grace`?",
        ),
        ("working_dir: x", "did you mean `cwd`?"),
        ("image: redis:7", "name one with `command`"),
        ("instances: 2", "a domain is one process"),
        ("exec_mode: cluster", "a domain is one process"),
        (
            "max_memory_restart: 300M",
            "did you mean `process.limits.memory`?",
        ),
        ("watch_ignore: [x]", "did you mean `process.watch.ignore`?"),
        ("availability: {restart: always}", "did you mean `restart`?"),
        (
            "terminationGracePeriodSeconds: 5",
            "did you mean `process.stop.grace`?",
        ),
        ("restart: unless-stopped", "did you mean `always`?"),
        ("restart: no", "did you mean `never`?"),
        ("restart: on_failure", "did you mean `on-failure`?"),
        ("ready: {http: /x, retries: 3}", "did you mean `failures`?"),
        ("restrat: always", "did you mean `restart`?"),
    ] {
        let reported = Case::domain(&format!("process:\n  {config}\n")).diagnostic();
        assert!(reported.contains(hint), "{config}: {reported}");
    }
    let case = Case::domain("").env("FULCRUM_PROCESS__WORKING_DIR", "x");
    assert!(case.diagnostic().contains("did you mean `process.cwd`?"));
    let case = Case::new(&[("fulcrum.yml", "runtime: {defaults: {environment: {}}}")]);
    assert!(case.diagnostics().concat().contains("did you mean `env`?"));
}

#[test]
fn an_entry_point_outside_the_app_is_told_as_that() {
    for entry in [
        "../../../other/main.js",
        "/nowhere/main.js",
        "../../../x",
        "/etc",
    ] {
        let reported = Case::domain(&format!("process: {{entry: {entry}}}")).diagnostic();
        assert!(
            reported.contains("is outside the app, at"),
            "{entry}: {reported}"
        );
    }
}

#[test]
fn an_invalid_name_is_told_with_its_characters_and_a_valid_one() {
    for (name, message, suggestion) in [
        ("my.app", "contains `.`", "to `my-app`"),
        ("@scope+x", "contains `@`, `+`", "to `scope-x`"),
        (
            "Größe und Maß",
            "contains `ö`, `ß`, a space",
            "to `Gr-e-und-Ma`",
        ),
        ("-x", "does not start with", "to `x`"),
        ("__", "does not start with", "rename the directory: up to"),
    ] {
        let path = format!("domains/{name}/domain.js");
        let reported = Case::new(&[(&path, "")]).diagnostic();
        assert!(
            reported.contains(message) && reported.contains(suggestion),
            "{reported}"
        );
    }
}

#[test]
fn a_glob_with_brackets_that_names_a_directory_hints_at_escaping() {
    let case = Case::new(&[
        ("domains/[id]/domain.js", ""),
        ("domains/x/domain.js", ""),
        (
            "fulcrum.yml",
            "runtime: {domains: ['domains/[id]', domains/x]}",
        ),
    ]);
    let reported = case.diagnostics().concat();
    assert!(
        reported.contains(r"write `domains/\\[id\\]`")
            || reported.contains(r"write `domains/\[id\]`"),
        "{reported}"
    );
    case.write("fulcrum.yml", r"runtime: {domains: ['domains/\[id\]']}");
    assert!(
        case.diagnostics()
            .concat()
            .contains("`[id]` is not a valid domain name")
    );
}

#[test]
fn a_user_without_effect_is_refused() {
    let reported = Case::domain("process: {user: www-data}").diagnostic();
    assert!(
        reported.contains("cannot run as another user"),
        "{reported}"
    );
    assert!(reported.contains("sudo -u www-data"), "{reported}");
}
