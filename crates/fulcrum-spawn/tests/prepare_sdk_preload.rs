//! When the SDK stands in for the bootstrap: only where it is certain that Fulcrum's own copy is
//! what the entry runs first.
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

/// An app with a Node that only knows what it is.
struct Scene {
    root: tempfile::TempDir,
}

impl Scene {
    fn new(files: &[(&str, &str)]) -> Self {
        let scene = Self {
            root: tempfile::tempdir().unwrap(),
        };
        scene.write("package.json", "{}");
        scene.write(
            "node",
            "#!/bin/sh\necho '[\"v20.20.2\",\"'\"$0\"'\",false]'\n",
        );
        let mode = fs::Permissions::from_mode(0o755);
        fs::set_permissions(scene.app().join("node"), mode).unwrap();
        for (name, text) in files {
            scene.write(name, text);
        }
        scene
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

    /// Whether the plan does without the preload; that exactly one of the two is asked for is
    /// checked on the way.
    fn stands_in(&self, entry: &str, node_args: &[&str], env: &[(&str, &str)]) -> bool {
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
        let toolbox = PrepareContext::new(self.root.path().join("cache"), vec!["/no/strip".into()]);
        let (spec, _) = plan_node(&program, &toolbox).unwrap_or_else(|error| panic!("{error}"));
        let preloads = spec.args.windows(2).any(|pair| {
            (pair[0] == "--require" || pair[0] == "--import")
                && pair[1].to_string_lossy().ends_with("/dist/bootstrap.cjs")
        });
        let plan = spec.env[&OsString::from("FULCRUM_BOOTSTRAP")].clone();
        let later = plan.to_str().unwrap().contains(r#""later":"file://"#);
        assert_ne!(preloads, later, "{:?} {plan:?}", spec.args);
        later
    }
}

#[test]
fn an_entry_that_imports_the_sdk_first_needs_no_preload() {
    let commented = format!("#!/usr/bin/env node\n// import './b.js' comes later\n{ENTRY}");
    let second = format!("{ENTRY}\nimport './b.mjs';");
    let required = format!("const a = require('x');\n{ENTRY}");
    for text in [ENTRY, &commented, &second, &required] {
        let scene = Scene::new(&[("domains/a/domain.mjs", text)]);
        assert!(scene.stands_in("domain.mjs", &[], &[]), "{text}");
        assert!(scene.stands_in("domain.mjs", &[], &[]), "from the cache");
    }
    let package = ("domains/a/package.json", r#"{"type":"module"}"#);
    let scene = Scene::new(&[("domains/a/domain.js", ENTRY), package]);
    assert!(scene.stands_in("domain.js", &[], &[]));
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
        let scene = Scene::new(&[("domains/a/domain.mjs", text)]);
        assert!(!scene.stands_in("domain.mjs", &[], &[]), "{text}");
    }
}

#[test]
fn an_entry_that_only_exports_its_class_keeps_the_preload() {
    let text =
        "import { DomainBase } from '@fulcrum/domain';\nexport default class extends DomainBase {}";
    let scene = Scene::new(&[("domains/a/domain.mjs", text)]);
    assert!(!scene.stands_in("domain.mjs", &[], &[]));
}

#[test]
fn a_copy_that_isnt_ours_keeps_the_preload() {
    for place in [
        "domains/a/node_modules",
        "domains/node_modules",
        "node_modules",
    ] {
        let package = format!("{place}/@fulcrum/domain/package.json");
        let scene = Scene::new(&[("domains/a/domain.mjs", ENTRY), (&package, USERS_PACKAGE)]);
        assert!(!scene.stands_in("domain.mjs", &[], &[]), "{place}");
    }
    // A package finds itself by its own name.
    let own = ("domains/a/package.json", USERS_PACKAGE);
    let scene = Scene::new(&[("domains/a/domain.mjs", ENTRY), own]);
    assert!(!scene.stands_in("domain.mjs", &[], &[]));
}

#[test]
fn an_entry_behind_a_link_is_looked_at_where_it_is() {
    let scene = Scene::new(&[("domains/a/b.txt", ""), ("lib/real.mjs", ENTRY)]);
    symlink(
        "../../lib/real.mjs",
        scene.app().join("domains/a/domain.mjs"),
    )
    .unwrap();
    assert!(scene.stands_in("domain.mjs", &[], &[]));
    scene.write(
        "lib/node_modules/@fulcrum/domain/package.json",
        USERS_PACKAGE,
    );
    assert!(!scene.stands_in("domain.mjs", &[], &[]));
}

#[test]
fn what_else_node_is_told_keeps_the_preload() {
    let scene = Scene::new(&[
        ("domains/a/domain.mjs", ENTRY),
        ("domains/a/domain.js", ENTRY),
        (
            "domains/a/domain.cjs",
            "require('@fulcrum/domain').start();",
        ),
    ]);
    assert!(!scene.stands_in("domain.mjs", &["--import=./x.mjs"], &[]));
    assert!(!scene.stands_in("domain.mjs", &[], &[("NODE_OPTIONS", "--require x")]));
    // Only its syntax says that it is a module.
    assert!(!scene.stands_in("domain.js", &[], &[]));
    assert!(!scene.stands_in("domain.cjs", &[], &[]));
}
