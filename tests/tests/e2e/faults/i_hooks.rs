//! Section I, row 12: commands at moments of a domain's life.

use std::fs;

use fulcrum_e2e::{App, LIMIT, measurement, text_of, wait_until};

/// A domain whose hooks write a line each to the file `moments`.
fn app(command: &str, more: &str) -> App {
    let hook = |name: &str| {
        format!(
            "{name}: [sh, -c, 'echo \"{name} $FULCRUM_DOMAIN_NAME $GREETING $FULCRUM_EXIT_CODE $FULCRUM_REASON\" >> moments']"
        )
    };
    let hooks = ["before_start", "after_ready", "on_failure", "after_exit"].map(hook);
    let settings = format!(
        "process: {{command: [sh, -c, '{command}'], env: {{GREETING: hello}}, hooks: {{{}}}{more}}}\n",
        hooks.join(", ")
    );
    App::new().write("domains/users/fulcrum.yml", &settings)
}

fn moments(app: &App) -> Vec<String> {
    let file = app.root().join("domains/users/moments");
    let text = fs::read_to_string(file).unwrap_or_default();
    text.lines().map(|line| line.trim().to_owned()).collect()
}

#[test]
fn i12_each_moment_of_a_life_runs_its_hook_with_the_environment_of_the_domain() {
    let app = app("exec sleep 1000", "");
    app.run(&["dev", "--detach", "--wait"]).exits(0);
    wait_until("the hook after readiness", LIMIT, || {
        (moments(&app).len() == 2).then_some(())
    });
    app.down();
    let moments = moments(&app);
    assert_eq!(
        moments,
        [
            "before_start users hello",
            "after_ready users hello",
            "after_exit users hello 143 stop requested",
        ]
    );
    measurement("I12", &moments.join("; "));
    app.assert_no_processes();
}

#[test]
fn i12_a_failure_is_told_with_its_exit_code_and_reason() {
    let app = app("echo boom >&2; exit 7", ", restart: never, kind: job");
    app.run(&["dev", "--detach", "--wait"]).exits(10);
    wait_until("both hooks", LIMIT, || {
        (moments(&app).len() == 3).then_some(())
    });
    let mut found = moments(&app);
    found.sort();
    assert_eq!(
        found,
        [
            "after_exit users hello 7 exit 7; last on stderr: boom",
            "before_start users hello",
            "on_failure users hello 7 exit 7; last on stderr: boom",
        ]
    );
    app.down();
}

#[test]
fn i12_a_hook_that_fails_before_a_start_is_a_failed_start_and_others_harm_nothing() {
    let app = App::new()
        .write(
            "domains/users/fulcrum.yml",
            "process: {command: [sleep, '1000'], restart: never, hooks: {before_start: [sh, -c, 'echo no disk >&2; exit 4']}}\n",
        )
        .write(
            "domains/api/fulcrum.yml",
            "process: {command: [sleep, '1000'], hooks: {after_ready: [sh, -c, 'echo told; exit 5']}}\n",
        );
    app.run(&["dev", "--detach"]).exits(0);
    let users = app.wait_for("users", "has not started", |users| {
        text_of(users, "reason").contains("hook failed")
    });
    assert_eq!(users["generation"], 0, "{users}");
    assert_eq!(
        text_of(&users, "reason"),
        "before_start hook failed: exit 4; last on stderr: no disk"
    );
    wait_until("the failure of the hook", LIMIT, || {
        let logs = app.run(&["domains", "logs", "api"]).exits(0).stdout;
        let expected = ["told", "after_ready hook failed: exit 5"];
        expected
            .iter()
            .all(|text| logs.contains(text))
            .then_some(())
    });
    let api = app.status("api");
    assert_eq!((&api["ready"], &api["restarts"]), (&true.into(), &0.into()));
    app.down();
    app.assert_no_processes();
}

#[test]
fn i12_a_hook_that_takes_too_long_is_killed_with_its_tree() {
    let hang = "[sh, -c, 'sleep 1000 & sleep 1001']";
    let app = App::new()
        .write(
            "domains/users/fulcrum.yml",
            &format!("process: {{command: [sleep, '1000'], restart: never, hooks: {{timeout: 300ms, before_start: {hang}}}}}\n"),
        )
        .write(
            "domains/api/fulcrum.yml",
            &format!("process: {{command: [sleep, '1000'], hooks: {{after_ready: {hang}}}}}\n"),
        );
    app.run(&["dev", "--detach"]).exits(0);
    app.wait_for("users", "has not started", |users| {
        text_of(users, "reason")
            == "before_start hook failed: not over within 300ms (process.hooks.timeout)"
    });
    app.wait_for("api", "is ready", |api| api["ready"] == true);
    // The hook of the other one still runs.
    app.down();
    app.assert_no_processes();
}
