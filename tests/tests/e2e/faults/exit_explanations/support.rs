//! Helpers of these tests.

use fulcrum_e2e::{App, Foreground, json_lines};
use serde_json::Value;

/// A domain that becomes ready and exits on request.
pub(super) const STEADY: &str = "steady";

/// No restart, so that the state stays.
pub(super) const NO_RESTART: &str = "process:\n  restart: never\n";

/// The next start is far in the future.
pub(super) const LONG_BACKOFF: &str = "process:\n  restart: {backoff: {initial: 30s, max: 30s}}\n";

/// A program other than Node, as a domain that is not restarted.
pub(super) fn shell(app: App, name: &str, script: &str) -> App {
    // `$$` in a configuration is one `$`.
    let script = serde_json::to_string(&script.replace('$', "$$")).expect("a text");
    app.write(
        &format!("domains/{name}/fulcrum.yml"),
        &format!("process:\n  command: [sh, -c, {script}]\n  restart: never\n"),
    )
}

pub(super) fn has_ended(domain: &Value) -> bool {
    domain["pid"].is_null() && !domain["last_exit"].is_null()
}

pub(super) fn status_text(app: &App, name: &str) -> String {
    app.run(&["domains", "status", name]).exits(0).stdout
}

pub(super) fn why_text(app: &App, name: &str) -> String {
    app.run(&["domains", "why", name]).exits(0).stdout
}

#[track_caller]
pub(super) fn assert_contains(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "no {part:?} in:\n{text}");
    }
}

/// The complete lines that a follower has printed.
pub(super) fn whole_lines(follower: &Foreground) -> Vec<Value> {
    let text = follower.stdout();
    json_lines(&text[..text.rfind('\n').map_or(0, |end| end + 1)])
}
