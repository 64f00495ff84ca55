//! Section T: a command that runs while the app does, and `dev --ci`.

use fulcrum_e2e::{App, LIMIT, Signal, wait_until};

fn shop() -> App {
    App::new()
        .domain("users", "steady")
        .write("domains/users/fulcrum.yml", "process: {port: auto}\n")
}

#[test]
fn t10_a_command_has_the_app_and_its_exit_code_is_passed_on() {
    let app = shop();
    let script = "echo \"$FULCRUM_GRPC_SERVER $FULCRUM_PORT_USERS $NODE_ENV $1\"; exit 7";
    let run = app.run(&["test", "--", "sh", "-c", script, "sh", "-x"]);
    let run = run.exits(7);
    let words: Vec<&str> = run.stdout.split_whitespace().collect();
    assert!(words[0].starts_with("127.0.0.1:"), "{run}");
    assert!(words[1].parse::<u16>().is_ok(), "{run}");
    assert_eq!(words[2..], ["test", "-x"]);
    app.assert_no_processes();

    // While it runs, the app answers.
    let binary = fulcrum_e2e::binary().display().to_string();
    let list = app.run(&["run", "--", &binary, "domains", "list", "-o", "name"]);
    assert_eq!(list.exits(0).stdout, "users\n");
    app.assert_no_processes();

    let missing = app.run(&["run", "--", "no-such-program"]).exits(127);
    missing.stderr_contains(&["cannot run no-such-program"]);
    app.assert_no_processes();
}

#[test]
fn t10_signals_are_passed_on_and_a_killed_command_leaves_nothing() {
    let app = shop();
    let script = "trap 'echo got it; exit 3' TERM; echo up; while :; do sleep 0.1; done";
    let mut running = app.spawn(&["run", "--", "sh", "-c", script]);
    running.wait_for("up");
    running.signal(Signal::TERM);
    let ended = running.wait_exit();
    assert!(ended.stdout.contains("got it"), "{ended}");
    ended.exits(3);
    app.assert_no_processes();

    let mut running = app.spawn(&["run", "--", "sh", "-c", "echo up; exec sleep 60"]);
    running.wait_for("up");
    running.signal(Signal::KILL);
    running.wait_exit();
    // The instance sees the end of the command; the program itself is that of the shell.
    wait_until("the domains have ended", LIMIT, || {
        let mut left = app.processes().into_iter();
        let only_the_program = left.all(|process| process.to_string().contains("sleep"));
        only_the_program.then_some(())
    });
}

#[test]
fn t10_a_domain_that_fails_for_good_is_reported_and_the_code_is_10() {
    let app = shop()
        .domain("broken", "throws-at-start")
        .write("domains/broken/fulcrum.yml", "process: {restart: never}\n");
    let run = app.run(&["run", "--", "echo", "never"]).exits(10);
    assert_eq!(run.stdout, "", "the program does not run: {run}");
    run.stderr_contains(&[
        "broken stopped: exit 1 before it registered: Error",
        "broken: Error",
    ]);
    app.assert_no_processes();

    // The pauses between restarts are longer than the window, so the budget alone would never end it.
    app.write_file(
        "domains/broken/fulcrum.yml",
        "process: {restart: {budget: 2, window: 100ms, backoff: {initial: 150ms, max: 150ms}}}\n",
    );
    let endless = app.run(&["dev", "--ci"]).exits(10);
    endless.stderr_contains(&["broken backoff: exit 1 before it registered"]);
    app.assert_no_processes();
    app.write_file("domains/broken/fulcrum.yml", "process: {restart: never}\n");

    let github = app.fulcrum(&["dev", "--ci"]).env("GITHUB_ACTIONS", "true");
    let dev = github.output().exits(10);
    dev.stderr_contains(&[
        "::error title=broken stopped,file=domains/broken/domain.cjs,line=",
        "::group::broken: the last",
        "::endgroup::",
    ]);
    app.assert_no_processes();
}
