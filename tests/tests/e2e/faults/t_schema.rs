//! Section T, the schema of the configuration, and what an app sets itself.

use fulcrum_e2e::App;
use serde_json::Value;

#[test]
fn t02_the_schema_has_every_setting_and_show_has_what_differs() {
    let app = App::new().domain("users", "steady").write(
        "domains/users/fulcrum.yml",
        "process: {stop: {grace: 7s}, env: {A: x}}\n",
    );
    for (file, section) in [("app", "runtime"), ("domain", "process")] {
        let schema = app.run(&["config", "schema", file]).exits(0).json();
        assert_eq!(
            schema["$schema"],
            "https://json-schema.org/draft/2020-12/schema"
        );
        let keys = schema["properties"][section]["properties"].as_object();
        let keys = keys.expect("the settings of the section");
        for (key, setting) in keys {
            let description = setting["description"].as_str().unwrap_or_default();
            assert!(!description.is_empty(), "{section}.{key}: {setting}");
        }
    }
    let grace = app.run(&["config", "schema", "domain"]).json();
    let grace = &grace["properties"]["process"]["properties"]["stop"]["properties"]["grace"];
    assert_eq!(grace["default"], "5s");

    let diff = ["config", "show", "users", "--diff", "-o", "json"];
    let diff = app.run(&diff).exits(0).json();
    let process = &diff["process"];
    assert_eq!(process["stop"]["grace"]["value"], "7s");
    assert_eq!(process["env"]["A"]["value"], "x");
    assert_eq!(process["restart"], Value::Null, "a default: {diff}");
}
