//! Invalid configurations: each is reported with cause, location and hint, exit code 5, and nothing
//! is started.

use fulcrum_e2e::App;

/// An invalid configuration, and what standard error must contain.
pub(crate) struct Case {
    pub(crate) description: &'static str,
    pub(crate) app: fn(App) -> App,
    pub(crate) stderr: &'static [&'static str],
}

const CASES: &[Case] = &[
    Case {
        description: "invalid YAML",
        app: |app| app.write("fulcrum.yml", "runtime:\n  grpc: {listen: [1, 2\nx: y\n"),
        stderr: &["fulcrum.yml:"],
    },
    Case {
        description: "a tab for an indent",
        app: |app| app.write("domains/users/fulcrum.yml", "process:\n\trestart: never\n"),
        stderr: &["domains/users/fulcrum.yml:2:", "tab"],
    },
    Case {
        description: "an unknown key of process",
        app: |app| app.write("domains/users/fulcrum.yml", "process:\n  entri: x.js\n"),
        stderr: &["domains/users/fulcrum.yml:2:3", "entri", "entry", "hint"],
    },
    Case {
        description: "an unknown key of runtime",
        app: |app| app.write("fulcrum.yml", "runtime:\n  grcp: {}\n"),
        stderr: &["fulcrum.yml:2:3", "grcp", "grpc", "hint"],
    },
    Case {
        description: "a value of the wrong type",
        app: |app| {
            app.write(
                "domains/users/fulcrum.yml",
                "process:\n  start_timeout: soon\n",
            )
        },
        stderr: &["domains/users/fulcrum.yml:2:18", "start_timeout", "10s"],
    },
    Case {
        description: "a key twice",
        app: |app| {
            app.write(
                "domains/users/fulcrum.yml",
                "process:\n  restart: never\n  restart: always\n",
            )
        },
        stderr: &["domains/users/fulcrum.yml:3:3", "restart"],
    },
    Case {
        description: "two entry points",
        app: |app| {
            app.write("domains/users/domain.js", "")
                .write("domains/users/domain.ts", "")
        },
        stderr: &["domains/users", "domain.js", "domain.ts", "process.entry"],
    },
    Case {
        description: "a missing dependency",
        app: |app| {
            app.write(
                "domains/users/fulcrum.yml",
                "process:\n  depends_on: [user]\n",
            )
        },
        stderr: &["domains/users/fulcrum.yml:2:", "user", "users"],
    },
];

#[test]
fn every_invalid_configuration_is_reported_with_location_and_hint() {
    assert_rejected(CASES);
}

/// Each is reported by `config validate` and by every start, and nothing is started.
#[track_caller]
pub(crate) fn assert_rejected(cases: &[Case]) {
    for case in cases {
        eprintln!("{}", case.description);
        let app = (case.app)(App::new().domain("users", "steady"));
        app.run(&["config", "validate"])
            .exits(5)
            .stderr_contains(case.stderr);
        app.run(&["dev"]).exits(5).stderr_contains(case.stderr);
        app.run(&["dev", "--detach", "--wait"])
            .exits(5)
            .stderr_contains(case.stderr);
        app.assert_no_processes();
        assert_eq!(app.activity_log(), [], "something was started");
    }
}

/// All diagnostics are reported at once, so that one run is enough to fix them.
#[test]
fn all_diagnostics_are_reported_at_once() {
    let app = App::new()
        .domain("users", "steady")
        .domain("orders", "steady")
        .write(
            "domains/users/fulcrum.yml",
            "process:\n  entri: x.js\n  start_timeout: soon\n",
        )
        .write(
            "domains/orders/fulcrum.yml",
            "process:\n  depends_on: [nobody]\n",
        );
    app.run(&["config", "validate"]).exits(5).stderr_contains(&[
        "domains/users/fulcrum.yml:2:3",
        "domains/users/fulcrum.yml:3:18",
        "domains/orders/fulcrum.yml:2:",
        "3 errors",
    ]);
    let found = app
        .run(&["config", "validate", "-o", "json"])
        .exits(5)
        .json();
    assert_eq!(found.as_array().unwrap().len(), 3, "{found}");
}

#[test]
fn without_an_app_the_searched_directories_are_named() {
    let app = App::new();
    std::fs::remove_file(app.root().join("fulcrum.yml")).unwrap();
    app.run(&["dev"])
        .exits(5)
        .stderr_contains(&["fulcrum.yml", "--app"]);
    app.run(&["domains", "list"])
        .exits(5)
        .stderr_contains(&["fulcrum.yml"]);
}
