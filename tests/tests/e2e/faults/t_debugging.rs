//! Section T: domains with Node's inspector, and expressions that are evaluated through it.

use fulcrum_e2e::{App, LIMIT, wait_until};
use serde_json::Value;

fn inspector_url(app: &App, domain: &str) -> String {
    wait_until("the inspector is open", LIMIT, || {
        let status = ["domains", "status", domain, "-o", "json"];
        let status = app.run(&status).exits(0).json();
        status["inspector_url"].as_str().map(str::to_owned)
    })
}

fn port(url: &str) -> &str {
    let address = url
        .strip_prefix("ws://127.0.0.1:")
        .expect("a local address");
    address.split('/').next().unwrap_or_default()
}

#[test]
fn t09_inspectors_have_ports_of_their_own_that_stay_and_evaluate_expressions() {
    let app = App::new()
        .domain("orders", "steady")
        .domain("users", "steady");
    app.run(&["dev", "-D", "--wait", "--inspect"]).exits(0);
    let (orders, users) = (inspector_url(&app, "orders"), inspector_url(&app, "users"));
    assert_ne!(port(&orders), port(&users));
    app.run(&["domains", "list"])
        .stdout_contains(&["INSPECTOR", &orders, &users]);
    let line = format!("inspector at {users}");
    let logged = app.logs("users");
    assert!(logged.iter().any(|one| one.message == line), "{logged:?}");

    app.run(&["domains", "restart", "users"]).exits(0);
    let again = inspector_url(&app, "users");
    assert_eq!(port(&again), port(&users));
    assert_ne!(again, users, "another process");

    let eval = |domain: &str, expression: &str| {
        app.run(&["domains", "eval", domain, expression, "-o", "json"])
    };
    assert_eq!(eval("users", "[6 * 7, process.pid > 1]").json()[0], 42);
    app.down();
    app.run(&["dev", "-D", "--inspect=nobody"]).exits(4);
    app.run(&["dev", "-D", "--inspect=9229"]).exits(2);
}

#[test]
fn t09_a_domain_that_waits_for_a_debugger_does_not_time_out() {
    let app = App::new()
        .domain("orders", "steady")
        .domain("users", "steady")
        .write(
            "domains/users/fulcrum.yml",
            "process: {start_timeout: 300ms}\n",
        );
    app.run(&["dev", "-D", "--inspect-brk=users"]).exits(0);
    inspector_url(&app, "users");
    // Longer than its start timeout: the time in which the other one starts, and a second.
    app.run(&["domains", "wait", "orders"]).exits(0);
    app.run(&["domains", "wait", "users", "--timeout", "1s"])
        .exits(17);
    let status = app
        .run(&["domains", "status", "users", "-o", "json"])
        .json();
    assert_eq!(
        (&status["phase"], &status["restarts"]),
        (&Value::from("starting"), &Value::from(0))
    );
    app.down();
    app.assert_no_processes();
}

#[test]
fn t09_an_expression_needs_no_flag_and_leaves_no_inspector_open() {
    let app = App::new()
        .domain("orders", "steady")
        .domain("users", "steady");
    // Another inspector has the port that Node would choose.
    app.run(&["dev", "-D", "--wait", "--inspect=orders"])
        .exits(0);
    inspector_url(&app, "orders");
    let eval = |expression: &str| app.run(&["domains", "eval", "users", expression]);
    let value = eval("await Promise.resolve(new Map([['a', 1n]]))").exits(0);
    assert_eq!(value.stdout, "Map(1) { 'a' => 1n }\n");
    let thrown = eval("null.x").exits(1);
    thrown.stderr_contains(&["TypeError: Cannot read properties of null"]);
    // Each closes what it has opened, so the next one can.
    let path = eval("require('node:path').sep").exits(0);
    assert_eq!(path.stdout, "'/'\n");
    app.run(&["domains", "eval", "nobody", "1"]).exits(4);
    let slow = app.run(&[
        "domains",
        "eval",
        "users",
        "new Promise(() => {})",
        "--timeout",
        "300ms",
    ]);
    slow.exits(1).stderr_contains(&["no value within 300 ms"]);
    // Code that runs forever is ended, and the domain goes on.
    let endless = [
        "domains",
        "eval",
        "users",
        "for (;;);",
        "--timeout",
        "300ms",
    ];
    app.run(&endless)
        .exits(1)
        .stderr_contains(&["no value within 300 ms"]);
    assert_eq!(eval("6 * 7").exits(0).stdout, "42\n");
    app.down();
    app.run(&["serve", "-D", "--wait"]).exits(0);
    let refused = eval("1").exits(1);
    refused.stderr_contains(&["only evaluated under `fulcrum dev`"]);
    app.down();
}
