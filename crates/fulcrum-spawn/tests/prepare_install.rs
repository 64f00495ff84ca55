//! When packages have to be installed, where, and with which package manager.
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

const TWO_DEPENDENCIES: &str = r#"{"dependencies":{"left-pad":"^1.3.0","@s/p":"1"}}"#;

struct TestApp {
    root: tempfile::TempDir,
}

impl TestApp {
    fn new(managers: &[&str]) -> Self {
        let app = Self {
            root: tempfile::tempdir().unwrap(),
        };
        fs::create_dir_all(app.at("app/domains/a")).unwrap();
        for name in managers {
            app.write(&format!("bin/{name}"), "#!/bin/sh\n");
            let mode = fs::Permissions::from_mode(0o755);
            fs::set_permissions(app.at("bin").join(name), mode).unwrap();
        }
        app
    }

    fn at(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn plan(&self) -> Result<Option<InstallPlan>, StartError> {
        plan_install(
            &self.at("app/domains/a"),
            &self.at("app"),
            self.at("bin").as_os_str(),
        )
    }

    fn install(&self) -> InstallPlan {
        self.plan().unwrap().expect("an install is needed")
    }

    fn is_complete(&self) -> bool {
        self.plan().unwrap().is_none()
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
    let app = TestApp::new(&["npm"]);
    assert!(app.is_complete(), "no package.json");
    app.write(
        "app/domains/a/package.json",
        r#"{"devDependencies":{"x":"1"}}"#,
    );
    assert!(app.is_complete(), "only development needs it");
    app.write("app/domains/a/package.json", TWO_DEPENDENCIES);
    let install = app.install();
    assert_eq!(
        (install.manager, install.root),
        (PackageManager::Npm, app.at("app/domains/a"))
    );
    assert_eq!(install.command.cwd, app.at("app/domains/a"));
    assert_eq!(install.command.program, app.at("bin/npm"));
    assert!(install.reason.contains("and 1 more"), "{}", install.reason);
    app.write("app/domains/a/node_modules/left-pad/package.json", "{}");
    assert_eq!(app.install().reason, "@s/p is not installed");
    app.write("app/node_modules/@s/p/package.json", "{}");
    assert!(app.is_complete(), "found in a parent directory, as by Node");
}

#[test]
fn it_is_not_interactive_and_has_the_given_path() {
    let app = TestApp::new(&["npm"]);
    app.write("app/domains/a/package.json", TWO_DEPENDENCIES);
    app.write("app/domains/a/package-lock.json", "{}");
    let install = app.install();
    assert_eq!(arguments(&install)[..3], ["ci", "--no-audit", "--no-fund"]);
    let env = |name: &str| install.command.env.get(std::ffi::OsStr::new(name)).cloned();
    assert_eq!(env("CI").unwrap(), "1");
    assert_eq!(env("PATH").unwrap(), app.at("bin"));
    assert_eq!(env("FULCRUM_GRPC_SERVER"), None);
}

#[test]
fn workspaces_install_at_their_root() {
    let app = TestApp::new(&["npm", "pnpm"]);
    app.write("app/domains/a/package.json", TWO_DEPENDENCIES);
    app.write("app/package.json", r#"{"workspaces":["packages/*"]}"#);
    assert_eq!(app.install().root, app.at("app/domains/a"), "not a member");
    for workspaces in [
        r#"["domains/*"]"#,
        r#"{"packages":["./domains/a/"]}"#,
        r#"["**"]"#,
    ] {
        app.write(
            "app/package.json",
            &format!(r#"{{"workspaces":{workspaces}}}"#),
        );
        assert_eq!(app.install().root, app.at("app"), "{workspaces}");
    }
    app.write("app/package.json", "{}");
    app.write(
        "app/pnpm-workspace.yaml",
        "packages:\n  # ours\n  - 'domains/*'\nother:\n  - x\n",
    );
    app.write("app/pnpm-lock.yaml", "");
    let install = app.install();
    assert_eq!(
        (install.root.clone(), install.manager),
        (app.at("app"), PackageManager::Pnpm)
    );
    assert_eq!(arguments(&install), ["install", "--frozen-lockfile"]);
    app.write("app/domains/a/package-lock.json", "{}");
    assert_eq!(
        app.install().root,
        app.at("app/domains/a"),
        "its own lock file takes precedence"
    );
}

#[test]
fn an_interrupted_install_is_repeated() {
    let app = TestApp::new(&["npm"]);
    app.write(
        "app/domains/a/package.json",
        r#"{"dependencies":{"p":"1"}}"#,
    );
    let install = app.install();
    install.mark_started().unwrap();
    app.write("app/domains/a/node_modules/p/package.json", "{}");
    assert!(app.install().reason.contains("interrupted"));
    install.complete().unwrap();
    assert!(app.is_complete());
    install.mark_started().unwrap();
    assert!(
        !app.at("app/domains/a/node_modules/.fulcrum-installed")
            .exists()
    );
    install.complete().unwrap();
    app.write(
        "app/domains/a/package.json",
        r#"{"dependencies":{"p":"2"}}"#,
    );
    assert!(app.install().reason.contains("has changed"));
    app.install().complete().unwrap();
    assert!(app.is_complete());
}

#[test]
fn an_install_by_the_user_is_up_to_date() {
    let app = TestApp::new(&[]);
    app.write(
        "app/domains/a/package.json",
        r#"{"dependencies":{"p":"1"}}"#,
    );
    app.write("app/domains/a/node_modules/p/package.json", "{}");
    assert!(app.is_complete());
    app.write(
        "app/domains/a/package.json",
        r#"{"dependencies":{"p":"2"}}"#,
    );
    assert!(app.is_complete());
}

#[test]
fn a_missing_package_manager_is_named_with_a_hint() {
    let app = TestApp::new(&["npm"]);
    app.write("app/domains/a/package.json", TWO_DEPENDENCIES);
    app.write("app/domains/a/pnpm-lock.yaml", "");
    let failure = app.plan().unwrap_err();
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
fn packages_that_fulcrum_provides_need_no_install() {
    let app = TestApp::new(&["npm"]);
    app.write(
        "app/domains/a/package.json",
        r#"{"dependencies":{"fulcrum":"1","@fulcrum/domain":"1"}}"#,
    );
    assert!(app.is_complete());
    app.write(
        "app/domains/a/package.json",
        r#"{"dependencies":{"fulcrum":"1","p":"1"}}"#,
    );
    let install = app.install();
    assert_eq!(install.reason, "p is not installed");
    assert!(
        install.warnings[0]
            .text()
            .contains("fulcrum is provided by Fulcrum")
    );
}

#[test]
fn an_invalid_package_json_is_located() {
    let app = TestApp::new(&["npm"]);
    app.write("app/domains/a/package.json", "{\n  oops\n}");
    let failure = app.plan().unwrap_err();
    assert!(
        failure.permanent && failure.message.contains("package.json:2:"),
        "{failure}"
    );
}
