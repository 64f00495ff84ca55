//! Which Node is chosen for a domain, with scripts in place of Node.
#![cfg(feature = "node")]
#![expect(
    clippy::unwrap_used,
    reason = "a test that panics has failed, and says where"
)]

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use fulcrum_spawn::StartError;
use fulcrum_spawn::prepare::{NodeOrigin, NodeRequest, NodeRuntime, PrepareContext, find_node};

/// An app with one domain, a home directory and a directory of programs.
struct TestApp {
    root: tempfile::TempDir,
}

impl TestApp {
    fn new() -> Self {
        let app = Self {
            root: tempfile::tempdir().unwrap(),
        };
        for dir in ["app/domains/a", "home", "bin"] {
            fs::create_dir_all(app.at(dir)).unwrap();
        }
        app
    }

    fn at(&self, path: &str) -> PathBuf {
        self.root.path().canonicalize().unwrap().join(path)
    }

    fn write(&self, path: &str, text: &str) -> PathBuf {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    fn program(&self, path: &str, script: &str) -> PathBuf {
        let path = self.write(path, &format!("#!/bin/sh\n{script}\n"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    /// A script that prints what a Node of this version prints, and counts its runs.
    fn node(&self, path: &str, version: &str) -> PathBuf {
        let (real, queries) = (self.at(path), self.at("queries"));
        let answer = format!(r#"["v{version}","{}"]"#, real.display());
        self.program(
            path,
            &format!("echo x >> {}\necho '{answer}'", queries.display()),
        )
    }

    fn query_count(&self) -> usize {
        fs::read_to_string(self.at("queries"))
            .unwrap_or_default()
            .lines()
            .count()
    }

    fn find(&self, configured: Option<&Path>) -> Result<NodeRuntime, StartError> {
        let request = NodeRequest {
            configured,
            domain_dir: &self.at("app/domains/a"),
            app_root: &self.at("app"),
            path: &OsString::from(self.at("bin")),
            home: Some(&self.at("home")),
        };
        find_node(&request, &PrepareContext::new(self.at("cache"), Vec::new()))
    }
}

#[test]
fn the_node_in_path_is_queried_once_until_it_changes() {
    let app = TestApp::new();
    let path = app.node("bin/node", "20.20.2");
    let node = app.find(None).unwrap();
    assert_eq!(node.to_string(), "node 20.20.2 (PATH)");
    assert_eq!(node.path, path);
    app.find(None).unwrap();
    assert_eq!(app.query_count(), 1, "the result is cached");
    app.node("bin/node", "22.18.0");
    let node = app.find(None).unwrap();
    assert!(node.at_least(22, 18) && !node.at_least(23, 0));
    assert_eq!(app.query_count(), 2);
    app.write("cache/node.json", "{ broken");
    app.find(None).unwrap();
    assert_eq!(app.query_count(), 3, "a damaged cache is ignored");
}

#[test]
fn a_wrapper_is_replaced_by_what_it_runs_and_is_queried_each_time() {
    let app = TestApp::new();
    let real = app.node("real/node", "22.1.0");
    app.program("bin/node", &format!("exec {} \"$@\"", real.display()));
    assert_eq!(app.find(None).unwrap().path, real);
    assert_eq!(app.find(None).unwrap().path, real);
    assert_eq!(app.query_count(), 2);
}

#[test]
fn a_link_is_followed_and_cached() {
    let app = TestApp::new();
    let real = app.node("real/node", "22.1.0");
    std::os::unix::fs::symlink(&real, app.at("bin/node")).unwrap();
    assert_eq!(app.find(None).unwrap().path, real);
    app.find(None).unwrap();
    assert_eq!(app.query_count(), 1);
}

#[test]
fn only_the_configured_node_is_considered() {
    let app = TestApp::new();
    app.node("bin/node", "20.20.2");
    let mine = app.node("mine", "24.0.0");
    let node = app.find(Some(&mine)).unwrap();
    assert_eq!((node.origin, node.path), (NodeOrigin::Configured, mine));
    let missing = app.find(Some(&app.at("nope"))).unwrap_err();
    assert!(
        missing.permanent
            && missing.message.contains("process.node")
            && missing.message.contains("/nope")
    );
    let other = app.program("python", "echo Python 3.11");
    let wrong = app.find(Some(&other)).unwrap_err();
    assert!(
        wrong.message.contains("is not Node") && wrong.message.contains("Python 3.11"),
        "{wrong}"
    );
    let plain = app.write("plain", "");
    assert!(
        app.find(Some(&plain))
            .unwrap_err()
            .message
            .contains("not executable")
    );
}

#[test]
fn an_old_or_missing_node_is_a_permanent_failure_with_a_hint() {
    let app = TestApp::new();
    let missing = app.find(None).unwrap_err();
    assert_eq!(
        missing.message,
        format!("node not found in PATH={}", app.at("bin").display())
    );
    assert!(missing.permanent && missing.hint.unwrap().contains("20.13"));
    let path = app.node("bin/node", "18.19.0");
    let old = app.find(None).unwrap_err();
    let shown = path.display();
    let message =
        format!("node 18.19.0 ({shown}, from PATH) is too old: Fulcrum needs 20.13 or newer");
    assert_eq!(old.message, message);
    app.node("bin/node", "20.12.9");
    assert!(app.find(None).is_err());
    app.node("bin/node", "20.13.0");
    assert!(app.find(None).is_ok());
}

#[test]
fn a_version_file_is_satisfied_by_path_or_by_an_installed_version() {
    let app = TestApp::new();
    app.node("bin/node", "20.20.2");
    let nvmrc = app.write("app/.nvmrc", "20\n");
    assert_eq!(
        app.find(None).unwrap().origin,
        NodeOrigin::VersionFile(nvmrc.clone())
    );
    fs::write(&nvmrc, "22").unwrap();
    let unsatisfied = app.find(None).unwrap_err();
    for word in [".nvmrc", "requires node 22", "20.20.2"] {
        assert!(unsatisfied.message.contains(word), "{unsatisfied}");
    }
    app.node("home/.nvm/versions/node/v22.1.0/bin/node", "22.1.0");
    app.node(
        "home/.local/share/fnm/node-versions/v22.9.0/installation/bin/node",
        "22.9.0",
    );
    app.node("home/.volta/tools/image/node/24.0.0/bin/node", "24.0.0");
    let newest = app.find(None).unwrap();
    assert_eq!(newest.to_string(), "node 22.9.0 (.nvmrc)");
    app.program(
        "home/.local/share/fnm/node-versions/v22.9.0/installation/bin/node",
        "exit 1",
    );
    assert_eq!(
        app.find(None).unwrap().version.to_string(),
        "22.1.0",
        "a broken installation is skipped"
    );
}

#[test]
fn engines_choose_an_installed_version_and_are_a_warning_unless_they_are_strict() {
    let app = TestApp::new();
    app.node("bin/node", "20.20.2");
    let package = app.write(
        "app/domains/a/package.json",
        r#"{"engines":{"node":">=22"}}"#,
    );
    let node = app.find(None).unwrap();
    assert_eq!(node.origin, NodeOrigin::Path);
    let warning = node.warning.unwrap();
    for word in [
        &*package.to_string_lossy(),
        "engines.node requires >=22",
        "node 20.20.2 (PATH)",
    ] {
        assert!(warning.text().contains(word), "{warning}");
    }
    app.write("app/.npmrc", "engine-strict=true\n");
    let unsatisfied = app.find(None).unwrap_err();
    assert!(
        unsatisfied.message.contains(&*package.to_string_lossy())
            && unsatisfied.message.contains(">=22")
    );
    app.node("home/.nvm/versions/node/v24.1.0/bin/node", "24.1.0");
    let node = app.find(None).unwrap();
    assert_eq!(
        (node.warning, node.version.to_string().as_str()),
        (None, "24.1.0")
    );
    fs::write(&package, r#"{"engines":{"node":"^20.1 || >=24"}}"#).unwrap();
    assert_eq!(app.find(None).unwrap().origin, NodeOrigin::Engines(package));
}

#[test]
fn the_decision_names_what_made_it() {
    let app = TestApp::new();
    app.node("bin/node", "22.20.2");
    for (path, text, shown) in [
        (
            "app/domains/a/package.json",
            r#"{"devEngines":{"runtime":{"name":"node","version":"^22"}}}"#,
            "devEngines.runtime",
        ),
        (
            "app/domains/a/package.json",
            r#"{"volta":{"node":"22.20.2"}}"#,
            "volta.node",
        ),
        (
            "app/domains/a/.tool-versions",
            "nodejs 22.20.2\n",
            ".tool-versions",
        ),
        ("app/domains/a/.node-version", ">=22\n", ".node-version"),
    ] {
        app.write(path, text);
        assert_eq!(
            app.find(None).unwrap().to_string(),
            format!("node 22.20.2 ({shown})")
        );
    }
    app.write("app/domains/a/.node-version", ">=24\n");
    let unsatisfied = app.find(None).unwrap_err();
    assert!(
        unsatisfied.message.contains("requires node >=24"),
        "{unsatisfied}"
    );
}
