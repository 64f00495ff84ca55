//! Which Node a domain gets, with programs that only claim to be Node.
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

/// An app with one domain, a home and a folder of programs.
struct Scene {
    root: tempfile::TempDir,
}

impl Scene {
    fn new() -> Self {
        let scene = Self {
            root: tempfile::tempdir().unwrap(),
        };
        for dir in ["app/domains/a", "home", "bin"] {
            fs::create_dir_all(scene.at(dir)).unwrap();
        }
        scene
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

    /// A Node by its answer; it writes down each time it is asked.
    fn node(&self, path: &str, version: &str, strips: &str) -> PathBuf {
        let (real, asked) = (self.at(path), self.at("asked"));
        let answer = format!(r#"["v{version}","{}",{strips}]"#, real.display());
        self.program(
            path,
            &format!("echo x >> {}\necho '{answer}'", asked.display()),
        )
    }

    fn times_asked(&self) -> usize {
        fs::read_to_string(self.at("asked"))
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
fn the_one_in_path_is_asked_once_until_it_changes() {
    let scene = Scene::new();
    let path = scene.node("bin/node", "20.20.2", "false");
    let node = scene.find(None).unwrap();
    assert_eq!(node.to_string(), "node 20.20.2 (PATH)");
    assert_eq!((node.path, node.strips_types), (path, false));
    scene.find(None).unwrap();
    assert_eq!(scene.times_asked(), 1, "the answer is remembered");
    scene.node("bin/node", "22.18.0", r#""strip""#);
    let node = scene.find(None).unwrap();
    assert!(node.strips_types && node.at_least(22, 18) && !node.at_least(23, 0));
    assert_eq!(scene.times_asked(), 2);
    scene.write("cache/node.json", "{ broken");
    scene.find(None).unwrap();
    assert_eq!(scene.times_asked(), 3, "a broken memory is none");
}

#[test]
fn a_wrapper_gives_way_to_what_it_runs_and_is_asked_each_time() {
    let scene = Scene::new();
    let real = scene.node("real/node", "22.1.0", "false");
    scene.program("bin/node", &format!("exec {} \"$@\"", real.display()));
    assert_eq!(scene.find(None).unwrap().path, real);
    assert_eq!(scene.find(None).unwrap().path, real);
    assert_eq!(scene.times_asked(), 2);
}

#[test]
fn a_link_is_followed_and_remembered() {
    let scene = Scene::new();
    let real = scene.node("real/node", "22.1.0", "false");
    std::os::unix::fs::symlink(&real, scene.at("bin/node")).unwrap();
    assert_eq!(scene.find(None).unwrap().path, real);
    scene.find(None).unwrap();
    assert_eq!(scene.times_asked(), 1);
}

#[test]
fn the_configured_one_is_the_only_one_considered() {
    let scene = Scene::new();
    scene.node("bin/node", "20.20.2", "false");
    let mine = scene.node("mine", "24.0.0", r#""strip""#);
    let node = scene.find(Some(&mine)).unwrap();
    assert_eq!((node.origin, node.path), (NodeOrigin::Configured, mine));
    let gone = scene.find(Some(&scene.at("nope"))).unwrap_err();
    assert!(
        gone.permanent && gone.message.contains("process.node") && gone.message.contains("/nope")
    );
    let other = scene.program("python", "echo Python 3.11");
    let wrong = scene.find(Some(&other)).unwrap_err();
    assert!(
        wrong.message.contains("is not Node") && wrong.message.contains("Python 3.11"),
        "{wrong}"
    );
    let plain = scene.write("plain", "");
    assert!(
        scene
            .find(Some(&plain))
            .unwrap_err()
            .message
            .contains("not executable")
    );
}

#[test]
fn too_old_and_missing_are_permanent_and_say_what_to_do() {
    let scene = Scene::new();
    let missing = scene.find(None).unwrap_err();
    assert_eq!(
        missing.message,
        format!("node not found in PATH={}", scene.at("bin").display())
    );
    assert!(missing.permanent && missing.hint.unwrap().contains("20.13"));
    let path = scene.node("bin/node", "18.19.0", "false");
    let old = scene.find(None).unwrap_err();
    let shown = path.display();
    let said =
        format!("node 18.19.0 ({shown}, from PATH) is too old: Fulcrum needs 20.13 or newer");
    assert_eq!(old.message, said);
    scene.node("bin/node", "20.12.9", "false");
    assert!(scene.find(None).is_err());
    scene.node("bin/node", "20.13.0", "false");
    assert!(scene.find(None).is_ok());
}

#[test]
fn a_version_file_is_met_by_path_or_by_what_is_installed() {
    let scene = Scene::new();
    scene.node("bin/node", "20.20.2", "false");
    let nvmrc = scene.write("app/.nvmrc", "20\n");
    assert_eq!(
        scene.find(None).unwrap().origin,
        NodeOrigin::Nvmrc(nvmrc.clone())
    );
    fs::write(&nvmrc, "22").unwrap();
    let unmet = scene.find(None).unwrap_err();
    for word in [".nvmrc", "wants node 22", "20.20.2"] {
        assert!(unmet.message.contains(word), "{unmet}");
    }
    scene.node(
        "home/.nvm/versions/node/v22.1.0/bin/node",
        "22.1.0",
        "false",
    );
    scene.node(
        "home/.local/share/fnm/node-versions/v22.9.0/installation/bin/node",
        "22.9.0",
        "false",
    );
    scene.node(
        "home/.volta/tools/image/node/24.0.0/bin/node",
        "24.0.0",
        "false",
    );
    let newest = scene.find(None).unwrap();
    assert_eq!(newest.to_string(), "node 22.9.0 (.nvmrc)");
    scene.program(
        "home/.local/share/fnm/node-versions/v22.9.0/installation/bin/node",
        "exit 1",
    );
    assert_eq!(
        scene.find(None).unwrap().version.to_string(),
        "22.1.0",
        "a broken one is passed over"
    );
}

#[test]
fn engines_are_a_wish_too() {
    let scene = Scene::new();
    scene.node("bin/node", "20.20.2", "false");
    let package = scene.write(
        "app/domains/a/package.json",
        r#"{"engines":{"node":">=22"}}"#,
    );
    let unmet = scene.find(None).unwrap_err();
    assert!(unmet.message.contains(&*package.to_string_lossy()) && unmet.message.contains(">=22"));
    fs::write(&package, r#"{"engines":{"node":"^20.1 || >=24"}}"#).unwrap();
    assert_eq!(
        scene.find(None).unwrap().origin,
        NodeOrigin::Engines(package)
    );
}
