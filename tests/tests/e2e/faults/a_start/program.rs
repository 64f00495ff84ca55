//! A11–A15, A21: programs that cannot be started are reported with location and hint, and not
//! retried.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use fulcrum_e2e::{App, text_of};

use crate::bad_configuration::{Case, assert_rejected};
use crate::node::{assert_failed_at_once, fake_node, real_node};

#[test]
fn a11_a_missing_node_is_reported_with_the_searched_path() {
    let app = App::new().domain("users", "steady");
    let empty = app.scratch_dir().join("empty");
    fs::create_dir(&empty).unwrap();
    let run = app
        .fulcrum(&["dev", "--detach", "--wait"])
        .env("PATH", &empty);
    assert_failed_at_once(
        &app,
        run.output(),
        &["node", "PATH", empty.to_str().unwrap(), "install"],
    );
}

/// Each reason why a program cannot be executed has its own message, and is tried once.
#[test]
fn a12_a_program_that_cannot_be_executed_is_reported_with_the_cause() {
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
        // Neither a script nor a program, which only the kernel detects.
        (
            script("\u{7f}ELF\0\0\0\0\0\0\0\0\0", 0o755),
            &["run", "neither a program"],
        ),
        (missing, &["run", "does not exist"]),
    ] {
        let output = app.run(&["dev", "--detach", "--wait"]);
        assert_failed_at_once(&app, output, texts);
    }
}

/// Node 20 cannot strip types itself: Fulcrum strips them before the spawn, on every Node.
#[test]
fn a13_typescript_runs_on_every_node() {
    let app = App::new().domain("digger", "throws-in-typescript");
    app.start();
    app.down();
}

#[test]
fn a13_a_node_that_is_too_old_is_reported_with_its_version() {
    let app = App::new().domain("users", "steady");
    // The real Node, with an old version number.
    let lie = app.scratch_dir().join("lie.cjs");
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
    let dir = fake_node(&app, &script);
    let path = format!("{}:/usr/bin:/bin", dir.display());
    let output = app
        .fulcrum(&["dev", "--detach", "--wait"])
        .env("PATH", path)
        .output();
    assert_failed_at_once(
        &app,
        output,
        &["16.20.2", "too old", "20.13", "process.node"],
    );
}

/// TypeScript with a syntax error is detected before anything is started, and is not retried.
#[test]
fn a13_broken_typescript_fails_before_the_spawn() {
    let app = App::new()
        .domain("painter", "broken-typescript")
        .domain("users", "steady");
    app.run(&["dev", "--detach", "--wait"])
        .exits(10)
        .stderr_contains(&[
            "painter",
            "domain.ts:4:21",
            "export const color: = 'red';",
            "correct the file",
        ]);
    let painter = app.status("painter");
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
    description: "a missing entry",
    app: |app| {
        app.write(
            "domains/users/fulcrum.yml",
            "process:\n  entry: nothing.js\n",
        )
    },
    stderr: &["domains/users/fulcrum.yml:2:", "nothing.js"],
}];

#[test]
fn a14_a_missing_entry_is_reported_before_anything_runs() {
    assert_rejected(A14);
}

/// An invalid manifest is reported with its position; the domain is not retried.
#[test]
fn a14_a_broken_package_json_is_reported_with_its_position() {
    let app = App::new().domain("users", "steady").write(
        "domains/users/package.json",
        "{\n  \"name\": \"users\",\n  oops\n}\n",
    );
    let output = app.run(&["dev", "--detach", "--wait"]);
    assert_failed_at_once(&app, output, &["package.json", ":3"]);
}

/// The code and the manifest's `type` contradict each other.
#[test]
fn a14_a_module_type_that_the_code_contradicts_is_reported() {
    let app = App::new()
        .write(
            "domains/users/fulcrum.yml",
            "process: {entry: domain.cjs}\n",
        )
        .write(
            "domains/users/domain.cjs",
            "export default class Users {}\n",
        );
    let hint = &["domain.cjs:1", "\"type\": \"module\"", ".mjs"];
    app.run(&["dev", "--detach", "--wait"])
        .exits(10)
        .stderr_contains(hint);
    let users = app.status("users");
    assert_eq!(
        (&users["phase"], &users["generation"]),
        (&"failed".into(), &1.into()),
        "{users}"
    );
    app.down();
}

const A15: &[Case] = &[
    Case {
        description: "an entry outside the app",
        app: |app| {
            std::fs::write(app.scratch_dir().join("evil.js"), "").expect("a file");
            app.write(
                "domains/users/fulcrum.yml",
                "process:\n  entry: ../../../out/evil.js\n",
            )
        },
        stderr: &["domains/users/fulcrum.yml:2:", "evil.js", "hint"],
    },
    Case {
        description: "an entry that is a link to itself",
        app: |app| {
            let dir = app.root().join("domains/loop");
            std::fs::create_dir(&dir).expect("a directory");
            symlink("domain.js", dir.join("domain.js")).expect("a link");
            app
        },
        stderr: &["domains/loop", "domain.js", "link"],
    },
];

#[test]
fn a15_an_entry_outside_the_app_is_rejected() {
    assert_rejected(A15);
}

#[test]
fn a15_symlink_loops_are_ignored() {
    let app = App::new().domain("users", "steady");
    let dir = app.root().join("domains/users");
    symlink(app.root().join("domains"), dir.join("again")).unwrap();
    symlink(dir.join("b"), dir.join("a")).unwrap();
    symlink(dir.join("a"), dir.join("b")).unwrap();
    symlink(
        app.root().join("domains/circle"),
        app.root().join("domains/circle"),
    )
    .unwrap();
    app.start();
    assert_eq!(app.list().len(), 1);
    app.down();
}

const A21: &[Case] = &[
    Case {
        description: "two domains of one name",
        app: |app| {
            app.write("fulcrum.yml", "runtime:\n  domains: [domains/*, more/*]\n")
                .write("more/users/domain.cjs", "")
        },
        stderr: &["users", "domains/users", "more/users"],
    },
    Case {
        description: "a name that no domain can have",
        app: |app| app.write("domains/no good/domain.cjs", ""),
        stderr: &["no good", "hint"],
    },
    Case {
        description: "a name that is another's in capitals",
        app: |app| app.write("domains/Users/domain.cjs", ""),
        stderr: &["Users", "users", "hint"],
    },
    Case {
        description: "a name with a control sequence of the terminal",
        app: |app| app.write("domains/\u{1b}[31mred/domain.cjs", ""),
        stderr: &["\\u{1b}[31mred", "hint"],
    },
    Case {
        description: "a name that is too long for a file's",
        app: |app| app.write(&format!("domains/{}/domain.cjs", "n".repeat(200)), ""),
        stderr: &["nnn", "hint"],
    },
];

#[test]
fn a21_duplicate_and_invalid_names_are_rejected() {
    assert_rejected(A21);
}
