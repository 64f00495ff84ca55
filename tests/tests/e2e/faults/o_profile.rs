//! Section O: profiles through the inspector.

use std::fs;

use fulcrum_e2e::App;
use serde_json::Value;

/// A domain that was started without an inspector, and is busy.
#[test]
fn o04_a_profile_names_the_functions_and_a_snapshot_is_complete() {
    let app = App::new().domain("users", "busy-most-of-the-time");
    app.start();
    let profile = [
        "domains", "profile", "users", "--cpu", "2s", "--flame", "-o", "json",
    ];
    let written = app.run(&profile).exits(0).json();
    let path = written["path"].as_str().expect("a path");
    assert!(
        path.starts_with(&app.root().join(".fulcrum/profiles").display().to_string()),
        "{path}"
    );
    let text = fs::read_to_string(path).expect("the profile");
    let cpu: Value = serde_json::from_str(&text).expect("JSON");
    let nodes = cpu["nodes"].as_array().expect("calls");
    let in_domain = |node: &&Value| {
        let url = node["callFrame"]["url"].as_str();
        url.is_some_and(|url| {
            url.ends_with("domains/users/domain.cjs") || url.ends_with("domains/users/domain.js")
        })
    };
    assert!(nodes.iter().any(|node| in_domain(&node)), "{text}");
    assert!(
        cpu["samples"]
            .as_array()
            .is_some_and(|samples| samples.len() > 100)
    );
    let svg =
        fs::read_to_string(written["flame"].as_str().expect("a picture")).expect("the picture");
    assert!(
        svg.starts_with("<svg ") && svg.contains("users/domain."),
        "{svg}"
    );

    let to = app.scratch_dir().join("users.heapsnapshot");
    let to = to.to_str().expect("UTF-8");
    let shown = app
        .run(&["domains", "profile", "users", "--heap", "--to", to])
        .exits(0);
    shown.stdout_contains(&[to, "MiB", "DevTools, Memory"]);
    let heap: Value =
        serde_json::from_str(&fs::read_to_string(to).expect("the snapshot")).expect("JSON");
    let count = heap["snapshot"]["node_count"].as_u64().expect("a count");
    assert!(count > 10_000, "{count} objects");

    // The inspector was opened for this only, and nothing was restarted.
    let again = app
        .run(&["domains", "profile", "users", "--cpu", "200ms"])
        .exits(0);
    again.stdout_contains(&[".cpuprofile", "DevTools, Performance"]);
    let status = app.status("users");
    assert_eq!(
        (&status["generation"], &status["ready"]),
        (&1.into(), &true.into())
    );
    app.down();
}

#[test]
fn o04_what_cannot_be_profiled_is_said() {
    let app = App::new()
        .stub_domain("stub", &[])
        .domain("users", "steady");
    app.run(&["dev", "--detach", "--wait"]).exits(0);
    let profile = |name| app.run(&["domains", "profile", name, "--cpu", "100ms"]);
    profile("stub")
        .exits(1)
        .stderr_contains(&["stub", "not a Node program"]);
    profile("nobody").exits(4).stderr_contains(&["nobody"]);
    app.run(&["domains", "stop", "users"]).exits(0);
    profile("users")
        .exits(1)
        .stderr_contains(&["users is not running", "domains start users"]);
    let both = app.run(&["domains", "profile", "users", "--heap", "--flame"]);
    both.exits(2).stderr_contains(&["--flame"]);
    app.down();
}
