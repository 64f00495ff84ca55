//! S2: TypeScript with nothing installed.

use fulcrum_e2e::{App, text_of};

/// A stack trace names the lines of the files as they were written, the second one's too.
#[test]
fn a_stack_trace_names_the_lines_of_the_source() {
    let app = App::new().domain("digger", "throws-in-typescript");
    app.up();
    let call = [
        "domains",
        "call",
        "digger",
        "hole_dig_request",
        r#"{"depth": 3}"#,
    ];
    app.run(&call).exits(0);
    let stack: Vec<String> = app
        .logs("digger")
        .into_iter()
        .filter(|line| line.stream == "stderr")
        .map(|line| line.message)
        .collect();
    let stack = stack.join("\n");
    for place in ["Error: hit a stone", "deep.ts:8:", "domain.ts:18:"] {
        assert!(stack.contains(place), "no {place} in:\n{stack}");
    }
    app.down();
}

/// What stripping can't make JavaScript of is found before anything is started, and isn't tried
/// again.
#[test]
fn what_needs_more_than_stripping_fails_before_the_spawn() {
    let app = App::new()
        .domain("painter", "needs-transform")
        .domain("users", "steady");
    app.run(&["dev", "--detach", "--wait"]).exits(10).says(&[
        "painter",
        "domain.ts:4:",
        "enum",
        "npm install --save-dev tsx",
    ]);
    let painter = app.see("painter");
    assert_eq!(painter["phase"], "failed", "{painter}");
    assert_eq!(painter["pid"], serde_json::Value::Null);
    assert!(
        text_of(&painter, "reason").contains("domain.ts:4:"),
        "{painter}"
    );
    let spawned = app
        .logs("painter")
        .into_iter()
        .find(|line| line.message.contains("started by"));
    assert!(spawned.is_none(), "{spawned:?}");
    let attempts = app
        .events()
        .into_iter()
        .filter(|event| event["domain"] == "painter" && event["to"] == "preparing");
    assert_eq!(attempts.count(), 1);
    app.run(&["domains", "wait", "users", "--timeout", "30s"])
        .exits(0);
    app.down();
}

/// After the cure, a start is enough.
#[test]
fn a_cured_file_starts() {
    let app = App::new().domain("painter", "needs-transform");
    app.run(&["dev", "--detach", "--wait"]).exits(10);
    let cured = "import { DomainBase } from '@fulcrum/domain';\n\
                 export default class Painter extends DomainBase { colour: string = 'red'; }\n";
    app.put("domains/painter/domain.ts", cured);
    app.run(&["domains", "start", "painter"]).exits(0);
    assert_eq!(app.see("painter")["ready"], true);
    app.down();
}
