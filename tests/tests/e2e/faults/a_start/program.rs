//! A11–A15, A21: what is to run can't: told with place and cure, and not tried again.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use fulcrum_e2e::{App, text_of};

use crate::bad_configuration::{Case, refused};
use crate::node::{failed_at_once, fake_node, real_node};

#[test]
fn a11_no_node_at_all_says_where_was_looked() {
    let app = App::new().domain("users", "steady");
    let empty = app.beside().join("empty");
    fs::create_dir(&empty).unwrap();
    let run = app
        .fulcrum(&["dev", "--detach", "--wait"])
        .env("PATH", &empty);
    failed_at_once(
        &app,
        run.output(),
        &["node", "PATH", empty.to_str().unwrap(), "install"],
    );
}

/// Each way in which a program can't be executed has its own words, and is tried once.
#[test]
fn a12_a_program_that_cannot_be_executed_is_told_by_its_kind() {
    let script = |text: &str, mode: u32| {
        let app = App::new();
        let path = app.root().join("domains/users/run");
        let app = app.write("domains/users/run", text).write(
            "domains/users/fulcrum.yml",
            "process:\n  command: [./run]\n",
        );
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
        app
    };
    let missing = App::new().write(
        "domains/users/fulcrum.yml",
        "process:\n  command: [./run]\n",
    );
    for (app, texts) in [
        (
            script("#!/bin/sh\n", 0o644),
            &["run", "not executable", "chmod +x"][..],
        ),
        (
            script("#!/no/such\n", 0o755),
            &["run", "interpreter", "#!/no/such"],
        ),
        (script("#!/bin/sh\r\n", 0o755), &["run", "carriage return"]),
        (script("echo hello\n", 0o755), &["run", "without a #! line"]),
        // Neither a script nor a program, which only the kernel finds out.
        (
            script("\u{7f}ELF\0\0\0\0\0\0\0\0\0", 0o755),
            &["run", "neither a program"],
        ),
        (missing, &["run", "does not exist"]),
    ] {
        let output = app.run(&["dev", "--detach", "--wait"]);
        failed_at_once(&app, output, texts);
    }
}

/// Node 20 can't read types by itself: Fulcrum takes them off before the spawn, on every Node.
#[test]
fn a13_typescript_runs_on_every_node() {
    let app = App::new().domain("digger", "throws-in-typescript");
    app.up();
    app.down();
}

#[test]
fn a13_a_node_that_is_too_old_is_named_with_its_version() {
    let app = App::new().domain("users", "steady");
    // The real one, which has forgotten its age.
    let lie = app.beside().join("lie.cjs");
    fs::write(
        &lie,
        "Object.defineProperty(process, 'version', { value: 'v16.20.2' });\n\
         const versions = { ...process.versions, node: '16.20.2' };\n\
         Object.defineProperty(process, 'versions', { value: versions });\n",
    )
    .unwrap();
    let script = format!(
        "#!/bin/sh\nexec {} --require {} \"$@\"\n",
        real_node().display(),
        lie.display()
    );
    let folder = fake_node(&app, &script);
    let path = format!("{}:/usr/bin:/bin", folder.display());
    let output = app
        .fulcrum(&["dev", "--detach", "--wait"])
        .env("PATH", path)
        .output();
    failed_at_once(
        &app,
        output,
        &["16.20.2", "too old", "20.13", "process.node"],
    );
}

/// What stripping can't make JavaScript of is found before anything is started, and isn't tried
/// again.
#[test]
fn a13_what_needs_more_than_stripping_fails_before_the_spawn() {
    let app = App::new()
        .domain("painter", "needs-transform")
        .domain("users", "steady");
    app.run(&["dev", "--detach", "--wait"]).exits(10).says(&[
        "painter",
        "domain.ts:4:",
        "enum",
        "npm install --save-dev tsx",
    ]);
    let painter = app.see("painter");
    assert_eq!(painter["phase"], "failed", "{painter}");
    assert_eq!(painter["pid"], serde_json::Value::Null);
    assert!(
        text_of(&painter, "reason").contains("domain.ts:4:"),
        "{painter}"
    );
    let spawned = app
        .logs("painter")
        .into_iter()
        .find(|line| line.message.contains("started by"));
    assert!(spawned.is_none(), "{spawned:?}");
    let attempts = app
        .events()
        .into_iter()
        .filter(|event| event["domain"] == "painter" && event["to"] == "preparing");
    assert_eq!(attempts.count(), 1);
    app.run(&["domains", "wait", "users", "--timeout", "30s"])
        .exits(0);
    app.down();
}

const A14: &[Case] = &[Case {
    what: "an entry that isn't there",
    app: |app| {
        app.write(
            "domains/users/fulcrum.yml",
            "process:\n  entry: nothing.js\n",
        )
    },
    says: &["domains/users/fulcrum.yml:2:", "nothing.js"],
}];

#[test]
fn a14_a_missing_entry_is_told_before_anything_runs() {
    refused(A14);
}

/// A manifest that can't be read is told with its place; the domain isn't tried again.
#[test]
fn a14_a_broken_package_json_is_told_with_its_place() {
    let app = App::new().domain("users", "steady").write(
        "domains/users/package.json",
        "{\n  \"name\": \"users\",\n  oops\n}\n",
    );
    let output = app.run(&["dev", "--detach", "--wait"]);
    failed_at_once(&app, output, &["package.json", ":3"]);
}

/// The file's kind and the manifest's `type` contradict each other.
#[test]
fn a14_a_type_that_the_code_contradicts_is_told() {
    let app = App::new()
        .write("domains/users/package.json", r#"{"type": "commonjs"}"#)
        .write("domains/users/domain.js", "export default class Users {}\n");
    let cure = &["domain.js:1", "\"type\": \"module\"", ".mjs"];
    app.run(&["dev", "--detach", "--wait"]).exits(10).says(cure);
    let users = app.see("users");
    assert_eq!(
        (&users["phase"], &users["generation"]),
        (&"failed".into(), &1.into()),
        "{users}"
    );
    app.down();
}

const A15: &[Case] = &[
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
        what: "an entry that is a link to itself",
        app: |app| {
            let folder = app.root().join("domains/loop");
            std::fs::create_dir(&folder).expect("a folder");
            symlink("domain.js", folder.join("domain.js")).expect("a link");
            app
        },
        says: &["domains/loop", "domain.js", "link"],
    },
];

#[test]
fn a15_an_entry_that_leads_out_of_the_app_is_refused() {
    refused(A15);
}

#[test]
fn a15_links_that_lead_in_circles_are_survived() {
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

const A21: &[Case] = &[
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
        what: "a name that is another's in capitals",
        app: |app| app.write("domains/Users/domain.cjs", ""),
        says: &["Users", "users", "hint"],
    },
    Case {
        what: "a name with a control sequence of the terminal",
        app: |app| app.write("domains/\u{1b}[31mred/domain.cjs", ""),
        says: &["\\u{1b}[31mred", "hint"],
    },
    Case {
        what: "a name that is too long for a file's",
        app: |app| app.write(&format!("domains/{}/domain.cjs", "n".repeat(200)), ""),
        says: &["nnn", "hint"],
    },
];

#[test]
fn a21_names_that_clash_or_that_no_domain_can_have_are_refused() {
    refused(A21);
}
