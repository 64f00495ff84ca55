//! Section K, configuration: what users of other tools write.

use fulcrum_e2e::{App, measurement};

fn config(app: &App, text: &str) -> String {
    app.write_file("domains/users/fulcrum.yml", text);
    app.run(&["config", "validate"]).stderr
}

#[test]
fn k09_forms_that_look_supported_work_or_are_explained() {
    let app = App::new().domain("users", "prints-environment");
    app.write_file(
        "domains/users/fulcrum.yml",
        "process:\n  env:\n    NESTED: ${UNSET_A:-${UNSET_B:-deep}}\n    SET: ${TEST_GATE:+yes}\n",
    );
    app.start();
    let printed = app.logs("users");
    let has = |text: &str| printed.iter().any(|line| line.message == text);
    assert!(has("NESTED=deep") && has("SET=yes"), "{printed:?}");
    app.down();

    let mut told = 0;
    for (line, hint) in [
        ("A: ${NOPE:?set it}", "is required: `set it`"),
        ("A: a: b", "needs quotes: `A: \"a: b\"`"),
        ("A: @x", "needs quotes: `A: \"@x\"`"),
        ("A: {{x}}", "needs quotes: `A: \"{{x}}\"`"),
        (
            "A: $HOME",
            "write `${HOME}` for the variable, or `$$HOME` for this text",
        ),
        ("A: !vault x", "the tag `!vault` has no meaning"),
        ("\u{a0} A: 1", "no-break space"),
    ] {
        let text = config(&app, &format!("process:\n  env:\n    {line}\n"));
        assert!(text.contains(hint), "{line}: {text}");
        told += 1;
    }
    measurement(
        "K9",
        &format!("{told} misread lines, each told with its cure"),
    );
}

#[test]
fn k10_env_files_are_those_of_dotenv_and_may_be_optional() {
    let app = App::new()
        .domain("users", "prints-environment")
        .write(
            "domains/users/fulcrum.yml",
            "process: {env_file: [{path: .env}, {path: local.env, required: false}]}\n",
        )
        .write(
            "domains/users/.env",
            "BACK=`a \"b\" 'c'`\nHASH=a#b\nINHERITED=file\nCOLON: style\n",
        );
    let start = |env_override: &str| {
        app.write_file(
            "fulcrum.yml",
            &format!("runtime: {{env_override: {env_override}}}\n"),
        );
        let run = app.fulcrum(&["serve", "--detach", "--wait"]);
        let run = run.env("INHERITED", "shell").env("NODE_ENV", "staging");
        let stderr = run.output().exits(0).stderr;
        let printed = app.logs("users");
        app.down();
        (stderr, printed)
    };
    let (stderr, printed) = start("true");
    let last = |printed: &[fulcrum_e2e::Line], name: &str| {
        let mut values = printed
            .iter()
            .filter_map(|line| line.message.strip_prefix(name));
        values.next_back().unwrap_or_default().to_owned()
    };
    assert_eq!(last(&printed, "BACK="), "a \"b\" 'c'");
    assert_eq!(last(&printed, "HASH="), "a");
    assert_eq!(last(&printed, "COLON="), "style");
    assert_eq!(last(&printed, "INHERITED="), "file");
    assert_eq!(last(&printed, "NODE_ENV="), "staging");
    assert!(
        stderr.contains("replaces INHERITED of the environment"),
        "{stderr}"
    );
    let (stderr, printed) = start("false");
    assert_eq!(last(&printed, "INHERITED="), "shell");
    assert!(!stderr.contains("replaces"), "{stderr}");
    measurement(
        "K10",
        "an optional file, back quotes, `env_override` both ways, NODE_ENV of the user",
    );
}

#[test]
fn k11_words_of_other_tools_are_answered_in_ours() {
    let app = App::new().stub_domain("users", &[]);
    for (line, hint) in [
        ("environment: {A: b}", "did you mean `env`?"),
        (
            "stop_grace_period: 10s",
            "did you mean `process.stop.grace`?",
        ),
        (
            "max_memory_restart: 1G",
            "did you mean `process.limits.memory`?",
        ),
        ("restart: unless-stopped", "did you mean `always`?"),
        ("image: redis", "name one with `command`"),
    ] {
        let text = config(&app, &format!("process:\n  {line}\n"));
        assert!(text.contains(hint), "{line}: {text}");
    }
}

#[test]
fn k11_files_of_other_tools_are_imported_and_run() {
    let server = "console.log(`runs in ${process.cwd()} with ${process.env.WORD}`); setInterval(() => {}, 1000);";
    let mut imported = 0;
    for (file, text) in [
        (
            "ecosystem.config.js",
            "module.exports = {apps: [{name: 'api', script: 'server.js', cwd: './services/api', env: {WORD: 'a$b'}, instances: 2}]}",
        ),
        (
            "compose.yaml",
            "services:\n  api:\n    build: services/api\n    command: node server.js\n    environment: [WORD=a$$b]\n    networks: [x]\n",
        ),
        (
            "process-compose.yaml",
            "processes:\n  api:\n    command: node server.js\n    working_dir: services/api\n    environment: [WORD=a$$b]\n    shutdown: {command: x}\n",
        ),
        (
            "Procfile",
            "api: cd services/api && WORD='a$b' exec node server.js\nrelease: true\n",
        ),
        (
            "package.json",
            "{\"workspaces\": [\"services/*\"], \"scripts\": {\"dev\": \"turbo dev\"}}",
        ),
    ] {
        let app = App::new()
            .write("services/api/server.js", server)
            .write(
                "services/api/package.json",
                "{\"name\": \"api\", \"scripts\": {\"dev\": \"WORD='a$b' nodemon server.js\"}}",
            )
            .write(file, text);
        app.run(&["import", file, "--dry-run"])
            .exits(0)
            .stdout_contains(&["==> domains/api/fulcrum.yml"])
            .stderr_contains(&[file]);
        assert!(
            !app.root().join("domains/api").exists(),
            "{file}: a dry run writes"
        );
        let run = app.run(&["import", file, "-o", "json"]).exits(0);
        let json = run.json();
        assert_eq!(json["written"], true, "{json}");
        assert_eq!(json["domains"][0]["name"], "api", "{json}");
        assert!(json["domains"][0]["process"].is_object(), "{json}");
        assert_eq!(json["files"][1]["state"], "written", "{json}");
        let skipped = json["not_carried_over"].as_array().expect("a list");
        let places = skipped.iter().filter(|note| note["file"] == file);
        assert_eq!(places.count(), skipped.len(), "{json}");
        run.stderr_contains(&["wrote domains/api/fulcrum.yml"]);
        app.start();
        let expected = format!(
            "runs in {} with a$b",
            app.root().join("services/api").display()
        );
        let printed = app.logs("api");
        let found = printed.iter().any(|line| line.message == expected);
        assert!(found, "{file}: {printed:?}");
        let again = app.run(&["import", file]).exits(1);
        again.stderr_contains(&["nothing was written", "domains/api/fulcrum.yml"]);
        app.down();
        app.assert_no_processes();
        imported += 1;
    }
    let app = App::new().write("ecosystem.config.js", "\nmodule.exports = {apps: [nope]}");
    app.run(&["import", "ecosystem.config.js"])
        .exits(5)
        .stderr_contains(&["nope is not defined", "ecosystem.config.js:2"]);
    measurement(
        "K11",
        &format!("files of {imported} tools imported, and their programs run"),
    );
}

#[test]
fn k12_names_entries_and_globs_are_told_as_what_they_are() {
    let app = App::new().stub_domain("users", &[]);
    let text = config(&app, "process: {entry: ../../../main.js}\n");
    assert!(text.contains("is outside the app, at"), "{text}");
    let app = App::new().domain("my.app", "steady");
    app.run(&["config", "validate"])
        .exits(5)
        .stderr_contains(&["contains `.`", "to `my-app`"]);
}
