//! D3, D4: the configuration is validated and printed without starting anything.

use fulcrum_e2e::App;

#[test]
fn a_valid_configuration_is_reported_as_valid() {
    let app = App::new()
        .domain("users", "steady")
        .domain("orders", "steady");
    let output = app.run(&["config", "validate"]).exits(0);
    assert_eq!(output.stdout, "2 domains, no problems\n", "{output}");
    let found = app
        .run(&["config", "validate", "-o", "json"])
        .exits(0)
        .json();
    assert_eq!(found, serde_json::json!([]));
}

/// D3: a misspelled key is reported with its position and the nearest key.
#[test]
fn an_unknown_key_is_reported_with_the_nearest_key() {
    let app = App::new()
        .domain("users", "steady")
        .write("domains/users/fulcrum.yml", "process:\n  restrat: always\n");
    app.run(&["config", "validate"]).exits(5).stderr_contains(&[
        "domains/users/fulcrum.yml:2:3",
        "restrat",
        "restart",
    ]);
}

/// D4: every setting is printed with its origin; later layers override earlier ones.
#[test]
fn config_show_prints_the_origin_of_each_setting() {
    let app = App::new()
        .domain("users", "steady")
        .write(
            "fulcrum.yml",
            "runtime:\n  defaults:\n    start_timeout: 7s\n    restart: never\n",
        )
        .write("domains/users/fulcrum.yml", "process:\n  restart: always\n");
    let run = app.fulcrum(&["config", "show", "users", "-o", "json"]);
    let shown = run
        .env("FULCRUM_PROCESS__HEARTBEAT__MISSES", "9")
        .output()
        .exits(0)
        .json();
    let process = &shown["process"];
    let origin = |pointer: &str| {
        let origin = process
            .pointer(pointer)
            .and_then(|setting| setting["origin"].as_str());
        origin
            .unwrap_or_else(|| panic!("no origin of {pointer}: {process:#}"))
            .to_owned()
    };
    assert_eq!(origin("/stop/grace"), "default");
    assert!(
        origin("/start_timeout").starts_with("fulcrum.yml:3"),
        "{}",
        origin("/start_timeout")
    );
    let restart = process["restart"].to_string();
    assert!(restart.contains("domains/users/fulcrum.yml:2"), "{restart}");
    assert!(origin("/heartbeat/misses").contains("FULCRUM_PROCESS__HEARTBEAT__MISSES"));
    app.run(&["config", "show", "user"])
        .exits(4)
        .stderr_contains(&["users"]);
}
