//! When packages have to be installed, where, and by whom.
#![cfg(feature = "node")]
#![expect(
    clippy::unwrap_used,
    reason = "a test that panics has failed, and says where"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use fulcrum_spawn::StartError;
use fulcrum_spawn::prepare::{InstallPlan, PackageManager, plan_install};

const NEEDS: &str = r#"{"dependencies":{"left-pad":"^1.3.0","@s/p":"1"}}"#;

struct Scene {
    root: tempfile::TempDir,
}

impl Scene {
    fn new(managers: &[&str]) -> Self {
        let scene = Self {
            root: tempfile::tempdir().unwrap(),
        };
        fs::create_dir_all(scene.at("app/domains/a")).unwrap();
        for name in managers {
            scene.write(&format!("bin/{name}"), "#!/bin/sh\n");
            let mode = fs::Permissions::from_mode(0o755);
            fs::set_permissions(scene.at("bin").join(name), mode).unwrap();
        }
        scene
    }

    fn at(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn needed(&self) -> Result<Option<InstallPlan>, StartError> {
        plan_install(
            &self.at("app/domains/a"),
            &self.at("app"),
            self.at("bin").as_os_str(),
        )
    }

    fn install(&self) -> InstallPlan {
        self.needed().unwrap().expect("an install is needed")
    }

    fn nothing_needed(&self) -> bool {
        self.needed().unwrap().is_none()
    }
}

fn arguments(install: &InstallPlan) -> Vec<&str> {
    install
        .command
        .args
        .iter()
        .filter_map(|arg| arg.to_str())
        .collect()
}

#[test]
fn only_missing_dependencies_need_an_install() {
    let scene = Scene::new(&["npm"]);
    assert!(scene.nothing_needed(), "no package.json");
    scene.write(
        "app/domains/a/package.json",
        r#"{"devDependencies":{"x":"1"}}"#,
    );
    assert!(scene.nothing_needed(), "nothing that runs needs it");
    scene.write("app/domains/a/package.json", NEEDS);
    let install = scene.install();
    assert_eq!(
        (install.manager, install.root),
        (PackageManager::Npm, scene.at("app/domains/a"))
    );
    assert_eq!(install.command.cwd, scene.at("app/domains/a"));
    assert_eq!(install.command.program, scene.at("bin/npm"));
    assert!(install.reason.contains("and 1 more"), "{}", install.reason);
    scene.write("app/domains/a/node_modules/left-pad/package.json", "{}");
    assert_eq!(scene.install().reason, "@s/p isn't installed");
    scene.write("app/node_modules/@s/p/package.json", "{}");
    assert!(scene.nothing_needed(), "found upward, as Node finds it");
}

#[test]
fn it_asks_nothing_and_has_the_path_it_was_looked_for_in() {
    let scene = Scene::new(&["npm"]);
    scene.write("app/domains/a/package.json", NEEDS);
    scene.write("app/domains/a/package-lock.json", "{}");
    let install = scene.install();
    assert_eq!(arguments(&install)[..3], ["ci", "--no-audit", "--no-fund"]);
    let env = |name: &str| install.command.env.get(std::ffi::OsStr::new(name)).cloned();
    assert_eq!(env("CI").unwrap(), "1");
    assert_eq!(env("PATH").unwrap(), scene.at("bin"));
    assert_eq!(env("FULCRUM_GRPC_SERVER"), None);
}

#[test]
fn workspaces_install_at_their_root() {
    let scene = Scene::new(&["npm", "pnpm"]);
    scene.write("app/domains/a/package.json", NEEDS);
    scene.write("app/package.json", r#"{"workspaces":["packages/*"]}"#);
    assert_eq!(
        scene.install().root,
        scene.at("app/domains/a"),
        "not a member"
    );
    for workspaces in [
        r#"["domains/*"]"#,
        r#"{"packages":["./domains/a/"]}"#,
        r#"["**"]"#,
    ] {
        scene.write(
            "app/package.json",
            &format!(r#"{{"workspaces":{workspaces}}}"#),
        );
        assert_eq!(scene.install().root, scene.at("app"), "{workspaces}");
    }
    scene.write("app/package.json", "{}");
    scene.write(
        "app/pnpm-workspace.yaml",
        "packages:\n  # ours\n  - 'domains/*'\nother:\n  - x\n",
    );
    scene.write("app/pnpm-lock.yaml", "");
    let install = scene.install();
    assert_eq!(
        (install.root.clone(), install.manager),
        (scene.at("app"), PackageManager::Pnpm)
    );
    assert_eq!(arguments(&install), ["install", "--frozen-lockfile"]);
    scene.write("app/domains/a/package-lock.json", "{}");
    assert_eq!(
        scene.install().root,
        scene.at("app/domains/a"),
        "its own lock file wins"
    );
}

#[test]
fn an_install_that_was_cut_short_is_done_again() {
    let scene = Scene::new(&["npm"]);
    scene.write(
        "app/domains/a/package.json",
        r#"{"dependencies":{"p":"1"}}"#,
    );
    let install = scene.install();
    install.mark_started().unwrap();
    scene.write("app/domains/a/node_modules/p/package.json", "{}");
    assert!(scene.install().reason.contains("cut short"));
    install.complete().unwrap();
    assert!(scene.nothing_needed());
    install.mark_started().unwrap();
    assert!(
        !scene
            .at("app/domains/a/node_modules/.fulcrum-installed")
            .exists()
    );
    install.complete().unwrap();
    scene.write(
        "app/domains/a/package.json",
        r#"{"dependencies":{"p":"2"}}"#,
    );
    assert!(scene.install().reason.contains("has changed"));
    scene.install().complete().unwrap();
    assert!(scene.nothing_needed());
}

#[test]
fn what_the_user_installed_is_trusted() {
    let scene = Scene::new(&[]);
    scene.write(
        "app/domains/a/package.json",
        r#"{"dependencies":{"p":"1"}}"#,
    );
    scene.write("app/domains/a/node_modules/p/package.json", "{}");
    assert!(scene.nothing_needed());
    scene.write(
        "app/domains/a/package.json",
        r#"{"dependencies":{"p":"2"}}"#,
    );
    assert!(scene.nothing_needed());
}

#[test]
fn a_missing_manager_is_named_with_how_to_get_it() {
    let scene = Scene::new(&["npm"]);
    scene.write("app/domains/a/package.json", NEEDS);
    scene.write("app/domains/a/pnpm-lock.yaml", "");
    let failure = scene.needed().unwrap_err();
    assert!(
        failure.permanent && failure.message.contains("pnpm is not found in PATH="),
        "{failure}"
    );
    assert!(
        failure.message.contains("domains/a/package.json"),
        "{failure}"
    );
    assert!(failure.hint.unwrap().contains("npm install --global pnpm"));
}

#[test]
fn what_fulcrum_provides_needs_no_install() {
    let scene = Scene::new(&["npm"]);
    scene.write(
        "app/domains/a/package.json",
        r#"{"dependencies":{"fulcrum":"1","@fulcrum/domain":"1"}}"#,
    );
    assert!(scene.nothing_needed());
    scene.write(
        "app/domains/a/package.json",
        r#"{"dependencies":{"fulcrum":"1","p":"1"}}"#,
    );
    let install = scene.install();
    assert_eq!(install.reason, "p isn't installed");
    assert!(
        install.notices[0]
            .text()
            .contains("fulcrum is provided by Fulcrum")
    );
}

#[test]
fn a_broken_package_file_is_located() {
    let scene = Scene::new(&["npm"]);
    scene.write("app/domains/a/package.json", "{\n  oops\n}");
    let failure = scene.needed().unwrap_err();
    assert!(
        failure.permanent && failure.message.contains("package.json:2:"),
        "{failure}"
    );
}
