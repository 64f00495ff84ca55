//! Section I, row 17: one end is one line, and the error explains it.

use fulcrum_e2e::{App, measurement, text_of};

fn command(name: &str, words: &str, settings: &str) -> (String, String) {
    let file = format!("domains/{name}/fulcrum.yml");
    (file, format!("process: {{command: {words}, {settings}}}\n"))
}

#[test]
fn i17_an_end_is_one_line_with_the_error_and_what_follows() {
    let (file, settings) = command(
        "users",
        "[node, users.js]",
        "restart: {budget: 1, window: 10m, backoff: {initial: 20ms, jitter: 0}}",
    );
    let app = App::new()
        .write(&file, &settings)
        .write(
            "domains/users/users.js",
            "setTimeout(() => main().catch(error => { console.error(error); process.exit(1); }), 700);\n\
             async function main() { throw new Error('boom', { cause: new Error('inner') }); }\n",
        );
    let mut dev = app.spawn(&["dev"]);
    dev.wait_for("failed: crash loop");
    app.run(&["down"]).exits(0);
    let end = dev.wait_exit();
    let about: Vec<&str> = end
        .stdout
        .lines()
        .chain(end.stderr.lines())
        .filter(|line| line.contains("boom") && line.contains("exit"))
        .collect();
    assert_eq!(about.len(), 2, "two lives, two lines: {about:#?}");
    let first = "exited with code 1: Error: boom at users.js:2:31 (cause: Error: inner) [FUL0327]; restarting now (";
    assert!(about[0].contains(first), "{about:#?}");
    measurement("I17", about[0]);
}

#[test]
fn i17_reports_of_programs_loggers_and_other_runtimes_are_explained() {
    let cases = [
        (
            "pino",
            "node",
            "console.log(JSON.stringify({level: 60, err: {type: 'Error', message: 'no database'}, msg: 'cannot start'})); process.exit(1)",
            "exit 1: cannot start (Error: no database)",
        ),
        (
            "thrown",
            "node",
            "throw {code: 5}",
            "exit 1: uncaught { code: 5 } at program:1",
        ),
        (
            "color",
            "node",
            "console.error('\\u001b[31mERROR\\u001b[39m no luck'); process.exit(1)",
            "exit 1: ERROR no luck",
        ),
        ("status", "sh", "exit 6", "exit 6"),
    ];
    let mut app = App::new();
    for (name, program, text, _) in &cases {
        let (file, settings) = command(name, &format!("[{program}, program]"), "restart: never");
        app = app
            .write(&file, &settings)
            .write(&format!("domains/{name}/program"), &format!("{text}\n"));
    }
    app.run(&["dev", "--detach"]).exits(0);
    for (name, _, _, expected) in cases {
        let domain = app.wait_for(name, "has exited", |domain| !domain["last_exit"].is_null());
        assert_eq!(text_of(&domain["last_exit"], "reason"), expected, "{name}");
    }
    app.down();
}
