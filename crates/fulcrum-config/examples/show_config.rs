//! Loads a temporary app and prints its effective configuration with the origin of each value:
//! `cargo run -p fulcrum-config --example show_config`.
#![expect(
    clippy::disallowed_macros,
    reason = "a stand-alone program that prints to standard output"
)]

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::Path;

use fulcrum_config::{LoadOptions, Mode, ReloadPlan, RunningState, Selection, load};
use serde_json::Value;

fn main() -> Result<(), Box<dyn Error>> {
    let dir = tempfile::tempdir()?;
    create_app(dir.path())?;
    let options = LoadOptions {
        app: Some(dir.path().to_owned()),
        cwd: dir.path().to_owned(),
        env: BTreeMap::from([("FULCRUM_PROCESS__REPLICAS".into(), "2".into())]),
        flags: Vec::new(),
        mode: Mode::Dev,
        auto_ports: None,
    };
    let loaded = load(&options);
    for diagnostic in &loaded.diagnostics {
        println!("{diagnostic}");
    }
    let app = loaded.app.ok_or("the configuration is invalid")?;

    println!("start order: {:?}", app.waves());
    let selection = Selection {
        only: vec!["orders".into()],
        no_deps: false,
    };
    let selected = selection
        .resolve(&app)
        .map_err(|unknown| unknown.message(&app))?;
    println!("orders needs: {selected:?}\n");

    let orders = app.effective_domain("orders").ok_or("no such domain")?;
    print_settings("", &orders);

    // A changed configuration is compared with the running one.
    let file = dir.path().join("domains/orders/fulcrum.yml");
    fs::write(
        file,
        "process: {depends_on: [users], env: {API_KEY: other, REGION: eu}}\n",
    )?;
    let changed = load(&options).app.ok_or("the configuration is invalid")?;
    let plan = ReloadPlan::new(&RunningState::new(&app), &changed);
    println!("\nreload: {}", plan.summary());

    // Errors have a location and a hint.
    fs::write(dir.path().join("fulcrum.yml"), "runtime: {grcp: {}}\n")?;
    for diagnostic in load(&options).diagnostics {
        println!("\n{diagnostic}");
    }
    Ok(())
}

fn create_app(root: &Path) -> std::io::Result<()> {
    for domain in ["users", "orders"] {
        let dir = root.join("domains").join(domain);
        fs::create_dir_all(&dir)?;
        fs::write(dir.join("domain.js"), "")?;
    }
    fs::write(
        root.join("fulcrum.yml"),
        "runtime:\n  defaults: {stop: {grace: 6s}}\n",
    )?;
    fs::write(
        root.join("domains/orders/fulcrum.yml"),
        "process:\n  depends_on: [users]\n  env: {API_KEY: secret, REGION: us}\n",
    )
}

/// Prints one `path = value (origin)` per setting that is not a default.
fn print_settings(path: &str, value: &Value) {
    let Some(object) = value.as_object() else {
        return;
    };
    if let Some(origin) = object.get("origin").and_then(Value::as_str) {
        if origin != "default" {
            println!("{path} = {} ({origin})", object["value"]);
        }
        return;
    }
    for (key, value) in object {
        let separator = if path.is_empty() { "" } else { "." };
        print_settings(&format!("{path}{separator}{key}"), value);
    }
}
