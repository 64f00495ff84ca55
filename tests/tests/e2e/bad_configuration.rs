//! Configurations that can't be used: cause, place and cure, exit code 5, and nothing started.

use std::os::unix::fs::symlink;

use fulcrum_e2e::App;

struct Case {
    what: &'static str,
    app: fn(App) -> App,
    says: &'static [&'static str],
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
        what: "two domains of one name",
        app: |app| {
            app.write("fulcrum.yml", "runtime:\n  domains: [domains/*, more/*]\n")
                .write("more/users/domain.cjs", "")
        },
        says: &["users", "domains/users", "more/users"],
    },
    Case {
        what: "a name that no domain can have",
        app: |app| app.write("domains/no good/domain.cjs", ""),
        says: &["no good", "hint"],
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
        what: "an entry outside the app",
        app: |app| {
            std::fs::write(app.beside().join("evil.js"), "").expect("a file");
            app.write(
                "domains/users/fulcrum.yml",
                "process:\n  entry: ../../../out/evil.js\n",
            )
        },
        says: &["domains/users/fulcrum.yml:2:", "evil.js", "hint"],
    },
    Case {
        what: "an entry that isn't there",
        app: |app| {
            app.write(
                "domains/users/fulcrum.yml",
                "process:\n  entry: nothing.js\n",
            )
        },
        says: &["domains/users/fulcrum.yml:2:", "nothing.js"],
    },
    Case {
        what: "an entry that is a link to itself",
        app: |app| {
            let folder = app.root().join("domains/loop");
            std::fs::create_dir(&folder).expect("a folder");
            symlink("domain.js", folder.join("domain.js")).expect("a link");
            app
        },
        says: &["domains/loop", "domain.js", "link"],
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
    for case in CASES {
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
fn links_that_lead_in_circles_are_survived() {
    let app = App::new().domain("users", "steady");
    let folder = app.root().join("domains/users");
    symlink(app.root().join("domains"), folder.join("again")).unwrap();
    symlink(folder.join("b"), folder.join("a")).unwrap();
    symlink(folder.join("a"), folder.join("b")).unwrap();
    symlink(
        app.root().join("domains/circle"),
        app.root().join("domains/circle"),
    )
    .unwrap();
    app.up();
    assert_eq!(app.list().len(), 1);
    app.down();
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
