//! What is watched, and which changes are reported to domains.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::BURST_END;
use fulcrum_e2e::{App, LIMIT, Pace, measurement, quantile, wait_until};

/// W1, W2, W3: only the edited domain is restarted, once, and the duration is reported; enabled by
/// default in `dev`.
#[test]
fn g13_only_the_edited_domain_is_restarted() {
    let app = App::new()
        .domain("users", "steady")
        .domain("orders", "steady");
    app.fulcrum(&["dev", "--detach", "--wait"])
        .env_remove("FULCRUM_RUNTIME__WATCH__ENABLED")
        .output()
        .exits(0);
    app.wait_for_event("fulcrum", "watching", 1);
    let orders = app.leader("orders");
    let mut pace = Pace::start();
    for number in 0..200 {
        app.write_file(
            &format!("domains/users/a{number}.js"),
            &format!("// {number}\n"),
        );
        pace.step();
    }
    let reason = app.wait_for_event("users", "reloaded", 1);
    assert!(
        reason.starts_with("reloaded in ") && reason.contains("a0.js"),
        "{reason}"
    );
    app.wait_until_stable(&["users"]);
    let generation = app.status("users")["generation"].as_u64();
    let most = if pace.longest() < BURST_END {
        3
    } else {
        u64::MAX
    };
    assert!(
        generation.is_some_and(|number| (2..=most).contains(&number)),
        "{generation:?}, {pace:?}"
    );
    assert_eq!(app.leader("orders"), orders);
    let entry = app.root().join("domains/users/domain.cjs");
    let entry = fs::read_to_string(entry).expect("readable");
    let mut times: Vec<u64> = (0..9)
        .map(|round| {
            let before = app.event_reasons("users", "reloaded").len();
            app.write_file("domains/users/domain.cjs", &format!("{entry}// {round}\n"));
            let reason = app.wait_for_event("users", "reloaded", before + 1);
            let took = reason.split(' ').nth(2).and_then(|took| took.parse().ok());
            took.unwrap_or_else(|| panic!("{reason}"))
        })
        .collect();
    let p50 = quantile(&mut times, 0.5).expect("there are some");
    measurement(
        "G13",
        &format!("from save to ready again, CommonJS: p50 {p50} ms of {times:?}"),
    );
    let lines = app.logs("users");
    assert!(
        lines
            .iter()
            .any(|line| line.message.starts_with("reloaded in "))
    );
    app.down();
}

/// W6: a changed template restarts no domain; the domain is notified, if it has the capability.
#[test]
fn g13_a_changed_template_restarts_no_domain_and_is_reported() {
    let app = App::new()
        .with_short_timeouts()
        .domain("users", "steady")
        .stub_domain("orders", &["--capability", "assets"]);
    app.start_watching();
    let leaders = [app.leader("users"), app.leader("orders")];
    for domain in ["users", "orders"] {
        app.write_file(&format!("domains/{domain}/views/x.hbs"), "{{name}}");
        let reason = app.wait_for_event(domain, "asset_changed", 1);
        assert_eq!(reason, "views/x.hbs changed");
    }
    assert_eq!([app.leader("users"), app.leader("orders")], leaders);
    app.down();
}

/// `serve` and `--watch=false` watch nothing, unless the configuration enables it.
#[test]
fn g06_nothing_is_watched_unless_enabled() {
    let app = App::new().with_short_timeouts().shell_domain("users", "");
    for args in [&["dev", "--watch=false"][..], &["serve"]] {
        let all = [args, &["--detach", "--wait"]].concat();
        let run = app
            .fulcrum(&all)
            .env_remove("FULCRUM_RUNTIME__WATCH__ENABLED");
        run.output().exits(0);
        app.write_file("domains/users/code", "one");
        app.run(&["reload"])
            .exits(0)
            .stderr_contains(&["no changes"]);
        assert_eq!(
            app.event_reasons("fulcrum", "watching"),
            Vec::<String>::new()
        );
        assert_eq!(app.event_reasons("users", "changed"), Vec::<String>::new());
        app.down();
    }
    let run = app.fulcrum(&["serve", "--detach", "--wait"]);
    run.env("FULCRUM_RUNTIME__WATCH__ENABLED", "true")
        .output()
        .exits(0);
    app.wait_for_event("fulcrum", "watching", 1);
    app.write_file("domains/users/code", "two");
    app.wait_for_start("users", "two");
    app.down();
}

const DOMAIN: &str = "export default class D extends DomainBase { onAssetChanged(path) { console.log(`notified of ${path}`); } }";

/// An app in which three domains import a shared file, each in its own way, and one does not.
fn sharing() -> App {
    let esm = "import { DomainBase } from '@fulcrum/domain';";
    App::new()
        .write("shared/money.mjs", "export const tax = 1;\n")
        .write("shared/money.cjs", "exports.tax = 1;\n")
        .write(
            "domains/static/domain.mjs",
            &format!("{esm}\nimport '../../shared/money.mjs';\n{DOMAIN}\n"),
        )
        .write(
            "domains/dynamic/domain.mjs",
            &format!("{esm}\nsetTimeout(() => import('../../shared/money.mjs'), 300);\n{DOMAIN}\n"),
        )
        .write(
            "domains/required/domain.cjs",
            "const { DomainBase } = require('@fulcrum/domain');\nrequire('../../shared/money.cjs');\nmodule.exports = class D extends DomainBase {};\n",
        )
        .write("domains/none/domain.mjs", &format!("{esm}\n{DOMAIN}\n"))
}

/// W8: domains that have loaded a shared file are restarted, and no others; `import()` counts once
/// it has loaded. A file that no generation has loaded restarts no domain.
#[test]
fn g13_a_shared_file_restarts_its_importers() {
    let app = sharing();
    app.start_watching();
    let generation = |name: &str| app.status(name)["generation"].as_u64();
    let none = app.leader("none");
    // Loaded files are reported a moment after the start, and watched from then on.
    for (name, file) in [
        ("static", "money.mjs"),
        ("dynamic", "money.mjs"),
        ("required", "money.cjs"),
    ] {
        wait_until(&format!("{name} reports {file}"), LIMIT, || {
            has_reported(&app, name, file).then_some(())
        });
    }
    wait_until("it is watched", LIMIT, || {
        is_watched(&app, &app.root().join("shared")).then_some(())
    });
    app.write_file("shared/money.mjs", "export const tax = 2;\n");
    for name in ["static", "dynamic"] {
        let reason = app.wait_for_event(name, "reloaded", 1);
        assert!(reason.ends_with("(shared/money.mjs)"), "{reason}");
    }
    app.write_file("shared/money.cjs", "exports.tax = 2;\n");
    app.wait_for_event("required", "reloaded", 1);
    assert_eq!(
        ["static", "dynamic", "required"].map(generation),
        [Some(2); 3]
    );
    assert_eq!(app.leader("none"), none);
    // A test file that no domain has loaded: it is created first, then edited.
    app.write_file("domains/none/price.test.mjs", "1;\n");
    app.wait_for_event("none", "reloaded", 1);
    let none = app.wait_for("none", "is steady", |none| {
        none["uptime_ms"].as_u64() > Some(2500)
    });
    app.write_file("domains/none/price.test.mjs", "2;\n");
    app.write_file("domains/none/a.txt", "reported later than earlier changes");
    app.wait_for_event("none", "asset_changed", 1);
    assert_eq!(app.status("none")["pid"], none["pid"]);
    let path = app.root().join("domains/none/a.txt");
    wait_until("the domain is notified of its asset", LIMIT, || {
        let lines = app.logs("none");
        let wanted = format!("notified of {}", path.display());
        lines
            .iter()
            .any(|line| line.message == wanted)
            .then_some(())
    });
    app.down();
}

/// Whether a domain has reported that it has loaded a file of this name.
fn has_reported(app: &App, domain: &str, file: &str) -> bool {
    let run = app.root().with_file_name("run").join("fulcrum");
    let dirs = fs::read_dir(run).into_iter().flatten().flatten();
    let files = dirs.map(|dir| dir.path().join("modules").join(domain));
    files
        .filter_map(|files| fs::read_to_string(files).ok())
        .any(|text| text.lines().any(|line| line.ends_with(file)))
}

/// Whether the instance watches a directory.
fn is_watched(app: &App, watched_dir: &Path) -> bool {
    let inode = fs::metadata(watched_dir).expect("it exists").ino();
    let wanted = format!("ino:{inode:x} ");
    let infos = fs::read_dir(format!("/proc/{}/fdinfo", app.instance().pid));
    let mut infos = infos.expect("it is running").flatten();
    infos.any(|info| fs::read_to_string(info.path()).is_ok_and(|text| text.contains(&wanted)))
}
