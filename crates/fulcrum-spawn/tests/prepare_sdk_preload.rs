//! When a domain starts without a preload: only if the embedded SDK is certain to be the first code
//! that the entry runs.
#![cfg(feature = "node")]
#![expect(
    clippy::unwrap_used,
    reason = "a test that panics has failed, and says where"
)]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use fulcrum_spawn::prepare::{NodeProgram, PrepareContext, plan_node};

const ENTRY: &str =
    "import { DomainBase } from '@fulcrum/domain';\nnew (class extends DomainBase {})().start();";
const USERS_PACKAGE: &str = r#"{"name":"@fulcrum/domain","version":"9.0.0"}"#;

/// An app with a script in place of Node, which only prints its version.
struct TestApp {
    root: tempfile::TempDir,
}

impl TestApp {
    fn new(files: &[(&str, &str)]) -> Self {
        let app = Self {
            root: tempfile::tempdir().unwrap(),
        };
        app.write("package.json", "{}");
        app.write("node", "#!/bin/sh\necho '[\"v20.20.2\",\"'\"$0\"'\"]'\n");
        let mode = fs::Permissions::from_mode(0o755);
        fs::set_permissions(app.app().join("node"), mode).unwrap();
        for (name, text) in files {
            app.write(name, text);
        }
        app
    }

    fn app(&self) -> PathBuf {
        self.root.path().canonicalize().unwrap().join("app")
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.app_unresolved().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn app_unresolved(&self) -> PathBuf {
        self.root.path().join("app")
    }

    /// Whether the plan has no preload. Asserts that the bootstrap is either preloaded or deferred.
    fn is_deferred(&self, entry: &str, node_args: &[&str], env: &[(&str, &str)]) -> bool {
        let app = self.app();
        let dir = app.join("domains/a");
        let node_args: Vec<String> = node_args.iter().map(|arg| (*arg).to_owned()).collect();
        let env: BTreeMap<OsString, OsString> = env
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()))
            .collect();
        let program = NodeProgram {
            name: "a",
            entry: &dir.join(entry),
            dir: &dir,
            app_root: &app,
            node: Some(&app.join("node")),
            node_args: &node_args,
            args: &[],
            cwd: &app,
            env,
            modules: None,
            parent: 1,
        };
        let context = PrepareContext::new(self.root.path().join("cache"), vec!["/no/strip".into()]);
        let (spec, _) = plan_node(&program, &context).unwrap_or_else(|error| panic!("{error}"));
        let preloads = spec.args.windows(2).any(|pair| {
            (pair[0] == "--require" || pair[0] == "--import")
                && pair[1].to_string_lossy().ends_with("/dist/bootstrap.cjs")
        });
        let config = spec.env[&OsString::from("FULCRUM_BOOTSTRAP")].clone();
        let deferred = config.to_str().unwrap().contains(r#""later":"file://"#);
        assert_ne!(preloads, deferred, "{:?} {config:?}", spec.args);
        deferred
    }
}

#[test]
fn an_entry_that_imports_the_sdk_first_needs_no_preload() {
    let commented = format!("#!/usr/bin/env node\n// import './b.js' comes later\n{ENTRY}");
    let second = format!("{ENTRY}\nimport './b.mjs';");
    let required = format!("const a = require('x');\n{ENTRY}");
    for text in [ENTRY, &commented, &second, &required] {
        let app = TestApp::new(&[("domains/a/domain.mjs", text)]);
        assert!(app.is_deferred("domain.mjs", &[], &[]), "{text}");
        assert!(app.is_deferred("domain.mjs", &[], &[]), "from the cache");
    }
    let package = ("domains/a/package.json", r#"{"type":"module"}"#);
    let app = TestApp::new(&[("domains/a/domain.js", ENTRY), package]);
    assert!(app.is_deferred("domain.js", &[], &[]));
}

#[test]
fn an_entry_that_runs_something_else_first_keeps_the_preload() {
    let other = format!("import './b.mjs';\n{ENTRY}");
    let exported = format!("export * from './b.mjs';\n{ENTRY}");
    for text in [
        other.as_str(),
        &exported,
        "// import { DomainBase } from '@fulcrum/domain';\nimport { a } from './b.mjs';\na.start();",
        "const { DomainBase } = await import('@fulcrum/domain');\nnew DomainBase('a').start();",
        "import { DomainBase } from 'fulcrum';\nnew DomainBase('a').start();",
        "import { DomainBase } from '@fulcrum/domain/x';\nnew DomainBase('a').start();",
        "import { DomainBase } from '@fulcrum/domain';\nnew DomainBase('a').start(;",
        "console.log('no import'.start());",
    ] {
        let app = TestApp::new(&[("domains/a/domain.mjs", text)]);
        assert!(!app.is_deferred("domain.mjs", &[], &[]), "{text}");
    }
}

#[test]
fn an_entry_that_only_exports_its_class_keeps_the_preload() {
    let text =
        "import { DomainBase } from '@fulcrum/domain';\nexport default class extends DomainBase {}";
    let app = TestApp::new(&[("domains/a/domain.mjs", text)]);
    assert!(!app.is_deferred("domain.mjs", &[], &[]));
}

#[test]
fn another_copy_of_the_sdk_keeps_the_preload() {
    for dir in [
        "domains/a/node_modules",
        "domains/node_modules",
        "node_modules",
    ] {
        let package = format!("{dir}/@fulcrum/domain/package.json");
        let app = TestApp::new(&[("domains/a/domain.mjs", ENTRY), (&package, USERS_PACKAGE)]);
        assert!(!app.is_deferred("domain.mjs", &[], &[]), "{dir}");
    }
    // A package can import itself by its name.
    let own = ("domains/a/package.json", USERS_PACKAGE);
    let app = TestApp::new(&[("domains/a/domain.mjs", ENTRY), own]);
    assert!(!app.is_deferred("domain.mjs", &[], &[]));
}

#[test]
fn the_real_path_of_a_linked_entry_counts() {
    let app = TestApp::new(&[("domains/a/b.txt", ""), ("lib/real.mjs", ENTRY)]);
    symlink("../../lib/real.mjs", app.app().join("domains/a/domain.mjs")).unwrap();
    assert!(app.is_deferred("domain.mjs", &[], &[]));
    app.write(
        "lib/node_modules/@fulcrum/domain/package.json",
        USERS_PACKAGE,
    );
    assert!(!app.is_deferred("domain.mjs", &[], &[]));
}

#[test]
fn other_options_of_node_keep_the_preload() {
    let app = TestApp::new(&[
        ("domains/a/domain.mjs", ENTRY),
        ("domains/a/domain.js", ENTRY),
        (
            "domains/a/domain.cjs",
            "require('@fulcrum/domain').start();",
        ),
    ]);
    assert!(!app.is_deferred("domain.mjs", &["--import=./x.mjs"], &[]));
    assert!(!app.is_deferred("domain.mjs", &[], &[("NODE_OPTIONS", "--require x")]));
    // It is a module by its syntax only.
    assert!(!app.is_deferred("domain.js", &[], &[]));
    assert!(!app.is_deferred("domain.cjs", &[], &[]));
}
