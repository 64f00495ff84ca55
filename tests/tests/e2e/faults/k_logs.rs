//! Section K, row 13: a message is more than a line; row 14: what is matched is what is shown.

use fulcrum_e2e::{App, json_lines, measurement};
use serde_json::Value;

/// A logger that colors its time and level, an object with a property `error`, and an error with its
/// cause, each printed at once.
const TALK: &str = r#"
process.stdout.write("\u001b[90m12:00:00\u001b[0m \u001b[33mWRN\u001b[0m \u001b[1mlow\u001b[0m disk trace_id=req-7\n");
process.stdout.write("{\n  user: 'a',\n  error: null,\n}\n");
process.stderr.write("Error: boom trace_id=req-8\n    at f (/a.js:1:2) {\n  [cause]: TypeError: inner\n      at g (/a.js:3:4)\n}\nnext\n");
setInterval(() => {}, 1000);
"#;

const STACK: [&str; 5] = [
    "Error: boom trace_id=req-8",
    "    at f (/a.js:1:2) {",
    "  [cause]: TypeError: inner",
    "      at g (/a.js:3:4)",
    "}",
];

fn talking_app() -> App {
    let app = App::new().write("domains/talk/talk.cjs", TALK).write(
        "domains/talk/fulcrum.yml",
        "process: {command: [node, talk.cjs], ready: {log: next}}\n",
    );
    app.run(&["dev", "--detach", "--wait"]).exits(0);
    app
}

/// The lines of the domain that a command prints.
fn printed(app: &App, args: &[&str]) -> Vec<Value> {
    let args = [&["logs", "talk", "-o", "json"], args].concat();
    let lines = json_lines(&app.run(&args).exits(0).stdout);
    let is_own = |line: &Value| line["stream"] == "fulcrum";
    lines.into_iter().filter(|line| !is_own(line)).collect()
}

fn texts(lines: &[Value]) -> Vec<&str> {
    let messages = lines.iter().map(|line| line["message"].as_str());
    messages.map(|message| message.expect("a text")).collect()
}

#[test]
fn k13_a_stack_trace_is_one_message_in_memory_and_in_the_store() {
    let app = talking_app();
    let check = |app: &App| {
        let errors = printed(app, &["--level", "error"]);
        assert_eq!(texts(&errors), STACK);
        for (at, line) in errors.iter().enumerate() {
            assert_eq!(line["level"], "error", "{line}");
            assert_eq!(line["trace_id"], "req-8", "{line}");
            assert_eq!(line["continues"] == true, at > 0, "{line}");
        }
        // A match in the middle selects the whole.
        assert_eq!(texts(&printed(app, &["--grep", "TypeError: inner"])), STACK);
        assert_eq!(
            texts(&printed(app, &["--level", "error", "-n", "2"])),
            STACK[3..]
        );
    };
    check(&app);
    app.down();
    check(&app);
    measurement(
        "K13",
        "an error of 5 lines: 5 lines by --level error and by --grep",
    );
}

#[test]
fn k14_colors_hide_neither_level_nor_text_and_a_property_is_no_level() {
    let app = talking_app();
    let warnings = printed(&app, &["--grep", "^12:00:00 WRN low disk"]);
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert_eq!(warnings[0]["level"], "warn");
    assert_eq!(warnings[0]["trace_id"], "req-7");
    let object = printed(&app, &["--grep", "error: null"]);
    assert_eq!(texts(&object), ["{", "  user: 'a',", "  error: null,", "}"]);
    assert!(
        object.iter().all(|line| line["level"].is_null()),
        "{object:?}"
    );
    app.down();
}
