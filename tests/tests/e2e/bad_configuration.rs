//! Configurations that can't be used: cause, place and cure, exit code 5, and nothing started.

use fulcrum_e2e::App;

/// A configuration that can't be used, and what must be said about it.
pub(crate) struct Case {
    pub(crate) what: &'static str,
    pub(crate) app: fn(App) -> App,
    pub(crate) says: &'static [&'static str],
}

const CASES: &[Case] = &[
    Case {
        what: "YAML that is none",
        app: |app| app.write("fulcrum.yml", "runtime:\n  grpc: {listen: [1, 2\nx: y\n"),
        says: &["fulcrum.yml:"],
    },
    Case {
        what: "a tab for an indent",
        app: |app| app.write("domains/users/fulcrum.yml", "process:\n\trestart: never\n"),
        says: &["domains/users/fulcrum.yml:2:", "tab"],
    },
    Case {
        what: "a key of process that isn't",
        app: |app| app.write("domains/users/fulcrum.yml", "process:\n  entri: x.js\n"),
        says: &["domains/users/fulcrum.yml:2:3", "entri", "entry", "hint"],
    },
    Case {
        what: "a key of runtime that isn't",
        app: |app| app.write("fulcrum.yml", "runtime:\n  grcp: {}\n"),
        says: &["fulcrum.yml:2:3", "grcp", "grpc", "hint"],
    },
    Case {
        what: "a value of the wrong type",
        app: |app| {
            app.write(
                "domains/users/fulcrum.yml",
                "process:\n  start_timeout: soon\n",
            )
        },
        says: &["domains/users/fulcrum.yml:2:18", "start_timeout", "10s"],
    },
    Case {
        what: "a key twice",
        app: |app| {
            app.write(
                "domains/users/fulcrum.yml",
                "process:\n  restart: never\n  restart: always\n",
            )
        },
        says: &["domains/users/fulcrum.yml:3:3", "restart"],
    },
    Case {
        what: "two entry points",
        app: |app| {
            app.write("domains/users/domain.js", "")
                .write("domains/users/domain.ts", "")
        },
        says: &["domains/users", "domain.js", "domain.ts", "process.entry"],
    },
    Case {
        what: "a dependency that isn't there",
        app: |app| {
            app.write(
                "domains/users/fulcrum.yml",
                "process:\n  depends_on: [user]\n",
            )
        },
        says: &["domains/users/fulcrum.yml:2:", "user", "users"],
    },
];

#[test]
fn every_unusable_configuration_is_told_with_place_and_cure() {
    refused(CASES);
}

/// Each is told by `config validate` and by every start, and nothing is started.
#[track_caller]
pub(crate) fn refused(cases: &[Case]) {
    for case in cases {
        eprintln!("{}", case.what);
        let app = (case.app)(App::new().domain("users", "steady"));
        app.run(&["config", "validate"]).exits(5).says(case.says);
        app.run(&["dev"]).exits(5).says(case.says);
        app.run(&["dev", "--detach", "--wait"])
            .exits(5)
            .says(case.says);
        app.nothing_left();
        assert_eq!(app.ledger(), [], "something was started");
    }
}

/// All findings at once, so that one run is enough to mend them.
#[test]
fn all_findings_are_told_at_once() {
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
    app.run(&["config", "validate"]).exits(5).says(&[
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
fn without_an_app_it_says_where_it_looked() {
    let app = App::new();
    std::fs::remove_file(app.root().join("fulcrum.yml")).unwrap();
    app.run(&["dev"]).exits(5).says(&["fulcrum.yml", "--app"]);
    app.run(&["domains", "list"])
        .exits(5)
        .says(&["fulcrum.yml"]);
}
