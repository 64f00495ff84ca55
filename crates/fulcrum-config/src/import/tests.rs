//! Fixtures of each tool, and that what is written is accepted.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::*;
use crate::{LoadOptions, Mode, Program, load};

fn files(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    for (path, text) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("created");
        fs::write(path, text).expect("written");
    }
    dir
}

fn translate(dir: &Path, file: &str, evaluated: Option<&str>) -> Result<Import, Diagnostic> {
    import(&ImportRequest {
        file: &dir.join(file),
        app: None,
        evaluated,
    })
}

/// Writes the files, and loads them as `fulcrum config validate` does.
fn accepted(imported: &Import) -> crate::App {
    for file in &imported.files {
        let path = imported.root.join(&file.path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("created");
        fs::write(path, &file.text).expect("written");
    }
    let loaded = load(&LoadOptions {
        app: Some(imported.root.clone()),
        cwd: imported.root.clone(),
        env: BTreeMap::new(),
        flags: Vec::new(),
        mode: Mode::Dev,
        auto_ports: None,
    });
    let texts: Vec<_> = imported.files.iter().map(|file| &file.text).collect();
    assert!(
        loaded.diagnostics.is_empty(),
        "{:?} {texts:#?}",
        loaded.diagnostics
    );
    loaded.app.expect("valid")
}

fn domain_text<'a>(imported: &'a Import, name: &str) -> &'a str {
    let path = Path::new("domains").join(name).join("fulcrum.yml");
    let found = imported.files.iter().find(|file| file.path == path);
    let text = &found
        .unwrap_or_else(|| panic!("no {name}: {:?}", imported.files))
        .text;
    text.split_once('\n').expect("a comment").1
}

fn notes(imported: &Import) -> String {
    let notes: Vec<String> = imported.notes.iter().map(ToString::to_string).collect();
    notes.join("\n")
}

#[test]
fn apps_of_pm2_become_domains() {
    let dir = files(&[
        ("api/server.js", ""),
        ("work.py", ""),
        ("ecosystem.config.js", ""),
        ("x/run", "#!/bin/sh\n"),
    ]);
    let apps = r#"{"apps": [
        {"name": "api", "script": "server.js", "cwd": "api", "args": "--port 80", "instances": 4,
         "exec_mode": "cluster", "node_args": ["--max-old-space-size=200"], "env": {"A": "b$c", "PORT": 80},
         "env_production": {"A": "x"}, "max_memory_restart": "1G", "kill_timeout": 1600,
         "watch": ["src"], "ignore_watch": ["*.log"], "error_file": "e.log"},
        {"name": "@x/work", "script": "work.py", "autorestart": false, "cron_restart": "0 3 * * *"},
        {"script": "npm run all && echo"},
        {"name": "tool", "script": "x/run", "interpreter": "none", "max_restarts": 5}
      ], "deploy": {}}"#;
    let imported = translate(dir.path(), "ecosystem.config.js", Some(apps));
    let imported = imported.expect("valid");
    assert_eq!(
        domain_text(&imported, "api"),
        "process:\n  entry: ../../api/server.js\n  node_args:\n  - --max-old-space-size=200\n  args:\n  - \
         --port\n  - '80'\n  cwd: ../../api\n  env:\n    A: b$$c\n    PORT: '80'\n  restart: always\n  \
         ready: started\n  stop:\n    grace: 1600ms\n  limits:\n    memory: 1GiB\n  watch:\n    paths:\n    - \
         ../../api/src\n    ignore:\n    - '*.log'\n"
    );
    let work = domain_text(&imported, "x-work");
    assert!(
        work.contains("kind: job") && work.contains("schedule: 0 3 * * *"),
        "{work}"
    );
    let tool = domain_text(&imported, "tool");
    assert!(
        tool.contains("- x/run") && tool.contains("budget: 5"),
        "{tool}"
    );
    let notes = notes(&imported);
    for text in [
        "api: `instances: 4` is not carried over: a domain is one process",
        "api: `exec_mode` is not carried over",
        "api: `env_production` is not carried over",
        "api: `error_file` is not carried over",
        "hint: logs are stored in `.fulcrum/logs`",
        "`deploy` is not carried over",
        "`@x/work` is the domain `x-work`",
    ] {
        assert!(notes.contains(text), "{text}: {notes}");
    }
    let app = accepted(&imported);
    assert_eq!(app.domains.len(), 4);
    let api = app.domain("api").expect("there");
    assert_eq!(api.process.env["A"], "b$c");
    assert!(matches!(&api.program, Program::Node { .. }));
}

#[test]
fn services_of_compose_become_domains_where_their_program_is_known() {
    let dir = files(&[
        (
            "api/Dockerfile",
            "FROM node\nWORKDIR /srv\nCMD [\"node\", \"server.js\"]\n",
        ),
        ("api/server.js", ""),
        ("web/main.js", ""),
        (".env", "SECRET=1\n"),
        (
            "compose.yaml",
            "name: shop\nservices:\n  db:\n    image: postgres:17\n  migrate:\n    build: ./api\n    command: node /srv/server.js --migrate\n  api:\n    build: {context: ./api}\n    restart: unless-stopped\n    environment:\n      - A=${SECRET}\n      - B=$$x\n    env_file: .env\n    ports: ['8080:3000']\n    depends_on:\n      db: {condition: service_healthy}\n      migrate: {condition: service_completed_successfully}\n    healthcheck:\n      test: curl -f http://localhost:3000/$$X\n      interval: 5s\n      retries: 2\n      start_period: 20s\n    deploy: {resources: {limits: {memory: 512m, cpus: '0.5'}}}\n    stop_grace_period: 1m30s\n    privileged: true\n  web:\n    image: node:22\n    volumes: ['./web:/app']\n    working_dir: /app\n    command: [node, main.js]\n    profiles: [debug]\n    depends_on: [api]\nvolumes: {data: {}}\n",
        ),
    ]);
    let imported = translate(dir.path(), "compose.yaml", None).expect("valid");
    let api = domain_text(&imported, "api");
    for text in [
        "entry: ../../api/server.js",
        "cwd: ../../api\n",
        "A: ${SECRET:-}",
        "B: $$x",
        "env_file: ../../.env",
        "migrate:\n      condition: completed",
        "restart: always",
        "start_timeout: 30s",
        "- exec curl -f http://localhost:3000/$$X",
        "interval: 5s",
        "grace: 90s",
        "memory: 512MiB",
        "cpu: 0.5",
        "port: 3000",
    ] {
        assert!(api.contains(text), "{text}: {api}");
    }
    let migrate = domain_text(&imported, "migrate");
    assert!(
        migrate.contains("entry: ../../api/server.js") && migrate.contains("kind: job"),
        "{migrate}"
    );
    let web = domain_text(&imported, "web");
    assert!(
        web.contains("autostart: false") && web.contains("cwd: ../../web"),
        "{web}"
    );
    let notes = notes(&imported);
    for text in [
        "compose.yaml:3:3: warning[FUL0183]: db: has no `command`: the program is in the image postgres:17",
        "api: `depends_on: db` is not carried over",
        "`ports: 8080:3000` is not carried over: the program itself listens on 3000",
        "compose.yaml:26:5: warning[FUL0183]: api: `privileged` is not carried over",
        "web: the program is run from this machine, not from the image node:22",
        "`volumes` is not carried over",
        "the variables of `.env` are read by docker compose",
    ] {
        assert!(notes.contains(text), "{text}: {notes}");
    }
    accepted(&imported);
}

#[test]
fn processes_of_process_compose_become_domains() {
    let dir = files(&[
        ("srv/a.js", ""),
        (
            "process-compose.yaml",
            "version: '0.5'\nenvironment: [ALL=1]\nprocesses:\n  a:\n    command: X=2 node a.js\n    working_dir: srv\n    availability: {restart: on_failure, backoff_seconds: 2, max_restarts: 3}\n    readiness_probe:\n      http_get: {host: 127.0.0.1, scheme: http, path: /h, port: 8080}\n      initial_delay_seconds: 5\n      period_seconds: 10\n    shutdown: {signal: 2, timeout_seconds: 7, command: ./stop}\n    depends_on: {b: {condition: process_completed_successfully}}\n  b:\n    command: echo $$HOME && true\n    availability: {restart: 'no', exit_on_end: true}\n",
        ),
    ]);
    let imported = translate(dir.path(), "process-compose.yaml", None).expect("valid");
    let a = domain_text(&imported, "a");
    for text in [
        "entry: ../../srv/a.js",
        "X: '2'",
        "ALL: '1'",
        "policy: on-failure",
        "initial: 2s",
        "budget: 3",
        "http: http://127.0.0.1:8080/h",
        "start_timeout: 35s",
        "signal: SIGINT",
        "grace: 7s",
    ] {
        assert!(a.contains(text), "{text}: {a}");
    }
    let b = domain_text(&imported, "b");
    assert!(
        b.contains("- echo $$HOME && true") && b.contains("restart: never"),
        "{b}"
    );
    assert!(b.contains("kind: job"), "{b}");
    let notes = notes(&imported);
    assert!(
        notes.contains("a: `shutdown.command` is not carried over"),
        "{notes}"
    );
    assert!(
        notes.contains("b: `availability.exit_on_end` is not carried over"),
        "{notes}"
    );
    accepted(&imported);
}

#[test]
fn lines_of_a_procfile_become_domains() {
    let dir = files(&[
        ("web.js", ""),
        (".env", "A=1\n"),
        (
            "Procfile",
            "# ours\nweb: node web.js\nworker: bundle exec sidekiq -p $PORT\nrelease: rake db:migrate\n",
        ),
    ]);
    let imported = translate(dir.path(), "Procfile", None).expect("valid");
    let web = domain_text(&imported, "web");
    assert!(
        web.contains("entry: ../../web.js") && web.contains("port: 5000"),
        "{web}"
    );
    assert!(web.contains("path: ../../.env"), "{web}");
    let worker = domain_text(&imported, "worker");
    assert!(
        worker.contains("- exec bundle exec sidekiq -p $$PORT"),
        "{worker}"
    );
    assert!(worker.contains("port: 5100"), "{worker}");
    assert!(domain_text(&imported, "release").contains("kind: job"));
    accepted(&imported);
}

#[test]
fn scripts_of_packages_become_domains() {
    let dir = files(&[
        (
            "package.json",
            r#"{"name": "root", "workspaces": ["packages/*", "!packages/lib"], "scripts": {"dev": "turbo run dev"}}"#,
        ),
        ("pnpm-lock.yaml", ""),
        (
            "packages/api/package.json",
            r#"{"name": "@s/api", "scripts": {"dev": "NODE_ENV=development nodemon server.js"}}"#,
        ),
        ("packages/api/server.js", ""),
        (
            "packages/web/package.json",
            r#"{"name": "@s/web", "scripts": {"start": "next start", "dev": "next dev"}}"#,
        ),
        (
            "packages/lib/package.json",
            r#"{"name": "@s/lib", "scripts": {"dev": "tsc -w"}}"#,
        ),
    ]);
    let imported = translate(dir.path(), "package.json", None).expect("valid");
    assert_eq!(imported.files.len(), 3);
    let api = domain_text(&imported, "api");
    assert!(api.contains("entry: ../../packages/api/server.js"), "{api}");
    assert!(api.contains("NODE_ENV: development"), "{api}");
    let web = domain_text(&imported, "web");
    assert!(
        web.contains("- pnpm\n  - run\n  - dev\n  cwd: ../../packages/web"),
        "{web}"
    );
    assert!(
        notes(&imported).contains("the script `dev` of the workspace's root is not carried over")
    );
    accepted(&imported);
}

#[test]
fn what_cannot_be_read_is_told_with_its_place() {
    let dir = files(&[
        ("compose.yaml", "services:\n  a: [\n"),
        ("list/compose.yaml", "services:\n  - a\n"),
        ("Procfile", "web: x\nno command\n"),
        ("pm2.json", "{\"apps\": [{\"name\": \"x\"},]}"),
        ("apps.json", "{\"apps\": [\n  {\"name\": \"x\"}]}"),
        ("other.yml", "a: 1\n"),
        ("image/compose.yaml", "services: {db: {image: redis}}\n"),
        ("package.json", "{\"name\": \"x\"}"),
    ]);
    for (file, text) in [
        ("compose.yaml", "compose.yaml:"),
        (
            "list/compose.yaml",
            "compose.yaml:1:1: error[FUL0122]: `services`: expected a map, found a list",
        ),
        (
            "Procfile",
            "Procfile:2:1: error[FUL0122]: `no command` is not `NAME: COMMAND`",
        ),
        ("pm2.json", "pm2.json:1:25: error[FUL0181]: invalid JSON"),
        (
            "apps.json",
            "apps.json:2:3: error[FUL0122]: `apps`: x has no `script`",
        ),
        (
            "other.yml",
            "other.yml: error[FUL0184]: belongs to no tool that can be imported",
        ),
        (
            "image/compose.yaml",
            "compose.yaml: error[FUL0182]: contains no program",
        ),
        (
            "package.json",
            "package.json: error[FUL0182]: contains no program",
        ),
        ("none.yml", "cannot be read: no such file"),
    ] {
        let error = translate(dir.path(), file, None)
            .expect_err(file)
            .to_string();
        assert!(error.contains(text), "{text}: {error}");
    }
}
