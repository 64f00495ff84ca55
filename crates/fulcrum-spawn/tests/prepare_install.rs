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
use fulcrum_spawn::prepare::{
    InstallPlan, PackageManager, PackageQuery, PrepareContext, plan_install,
};

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
        let query = PackageQuery {
            dir: self.at("app/domains/a"),
            app_root: self.at("app"),
            entry: Some(self.at("app/domains/a/domain.js")),
            path: self.at("bin").into_os_string(),
            home: None,
            node: None,
            runs_node: false,
            yaml: |text| serde_json::from_str(text).ok(),
        };
        plan_install(&query, &PrepareContext::new(self.at("cache"), Vec::new()))
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
    app.write("app/pnpm-workspace.yaml", r#"{"packages": ["domains/*"]}"#);
    app.write("app/pnpm-lock.yaml", "lockfileVersion: '9.0'\n");
    let install = app.install();
    assert_eq!(
        (install.root.clone(), install.manager),
        (app.at("app"), PackageManager::Pnpm)
    );
    assert_eq!(arguments(&install), ["install", "--frozen-lockfile"]);
    app.write("app/domains/a/package-lock.json", "{}");
    let install = app.install();
    let found = (install.root, install.manager);
    assert_eq!(found, (app.at("app"), PackageManager::Pnpm), "a member");
}

/// What Fulcrum has recorded of its installs.
fn records(app: &TestApp) -> Vec<String> {
    let entries = fs::read_dir(app.at("app/.fulcrum/installs"));
    let names = entries.into_iter().flatten().flatten();
    names
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}

#[test]
fn an_install_that_was_killed_counts_until_every_package_resolves() {
    let app = TestApp::new(&["npm"]);
    app.write(
        "app/domains/a/package.json",
        r#"{"dependencies":{"p":"1"}}"#,
    );
    let install = app.install();
    assert_eq!(records(&app), [""; 0], "planning records nothing");
    install.mark_started();
    assert_eq!(records(&app).len(), 1);
    app.write(
        "app/domains/a/node_modules/p/package.json",
        r#"{"version":"1.0.0","dependencies":{"q":"1"}}"#,
    );
    assert!(app.install().reason.contains("interrupted"), "q is missing");
    app.write("app/domains/a/node_modules/q/package.json", "{}");
    assert!(app.is_complete());
    assert_eq!(records(&app), [""; 0], "the record has gone");
    app.write("app/domains/a/.fulcrum-installing", "of an earlier version");
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

#[test]
fn packages_for_development_and_optional_ones_count_if_the_code_imports_them() {
    let app = TestApp::new(&["npm"]);
    app.write(
        "app/domains/a/package.json",
        r#"{"devDependencies":{"d":"1"},"optionalDependencies":{"o":"1"},"dependencies":{"o":"1"}}"#,
    );
    app.write("app/domains/a/domain.js", "require('left-pad')");
    assert!(app.is_complete(), "neither is imported");
    app.write("app/domains/a/domain.js", "require('./b.js')");
    app.write("app/domains/a/b.js", "require('d/sub.js')");
    let install = app.install();
    assert_eq!(install.reason, "d is not installed");
    assert!(
        !install
            .command
            .env
            .contains_key(std::ffi::OsStr::new("NODE_ENV"))
    );
    app.write("app/domains/a/b.js", "require('o')");
    assert_eq!(app.install().reason, "o is not installed");
}

#[test]
fn an_app_below_a_workspace_root_is_installed_there() {
    let app = TestApp::new(&["npm", "pnpm", "yarn", "bun", "deno"]);
    app.write("app/package.json", TWO_DEPENDENCIES);
    app.write("package.json", r#"{"workspaces":["app"]}"#);
    for (lock, text, manager) in [
        ("package-lock.json", "{}", PackageManager::Npm),
        ("pnpm-lock.yaml", "a", PackageManager::Pnpm),
        ("bun.lock", "{}", PackageManager::Bun),
        ("bun.lockb", "x", PackageManager::Bun),
        ("deno.lock", "{}", PackageManager::Deno),
        (
            "yarn.lock",
            "# yarn lockfile v1\n",
            PackageManager::YarnClassic,
        ),
        (
            "yarn.lock",
            "__metadata:\n  version: 8\n",
            PackageManager::YarnBerry,
        ),
    ] {
        app.write(lock, text);
        let install = app.install();
        assert_eq!(
            (install.manager, install.root),
            (manager, app.at("")),
            "{lock}"
        );
        fs::remove_file(app.at(lock)).unwrap();
    }
    for field in [
        r#""packageManager":"pnpm@10.1.0+sha512.abc""#,
        r#""devEngines":{"packageManager":{"name":"pnpm","version":"^10"}}"#,
        r#""devEngines":{"packageManager":[{"name":"pnpm"}]}"#,
    ] {
        app.write(
            "package.json",
            &format!(r#"{{"workspaces":["app"],{field}}}"#),
        );
        assert_eq!(app.install().manager, PackageManager::Pnpm, "{field}");
    }
}

#[test]
fn the_search_ends_at_the_root_of_the_repository() {
    let app = TestApp::new(&["npm", "pnpm"]);
    app.write("app/package.json", TWO_DEPENDENCIES);
    app.write("pnpm-workspace.yaml", r#"{"packages": ["app"]}"#);
    assert_eq!(app.install().root, app.at(""));
    app.write("app/.git/HEAD", "");
    let install = app.install();
    assert_eq!(
        (install.root, install.manager),
        (app.at("app"), PackageManager::Npm)
    );
}

#[test]
fn a_package_outside_of_the_workspace_around_it_keeps_its_package_manager() {
    let app = TestApp::new(&["npm", "pnpm", "yarn"]);
    app.write(".git/HEAD", "");
    app.write("app/domains/a/package.json", TWO_DEPENDENCIES);
    app.write(
        "pnpm-workspace.yaml",
        r#"{"packages": ["other/*", "app/**", "!app/domains/*"]}"#,
    );
    let install = app.install();
    assert_eq!(
        (install.manager, install.root.clone()),
        (PackageManager::Pnpm, app.at("app/domains/a"))
    );
    assert_eq!(arguments(&install), ["install", "--ignore-workspace"]);
    fs::remove_file(app.at("pnpm-workspace.yaml")).unwrap();
    app.write(
        "package.json",
        r#"{"workspaces":["other/*"],"packageManager":"yarn@4.1.0"}"#,
    );
    let failure = app.plan().unwrap_err();
    assert!(failure.hint.unwrap().contains("empty yarn.lock"));
}

#[test]
fn a_yarn_of_another_generation_does_not_rewrite_the_lock_file() {
    let app = TestApp::new(&["yarn"]);
    app.write("bin/yarn", "#!/bin/sh\necho 1.22.22\n");
    app.write("app/domains/a/package.json", TWO_DEPENDENCIES);
    app.write("app/domains/a/yarn.lock", "__metadata:\n  version: 8\n");
    let failure = app.plan().unwrap_err();
    assert!(
        failure.message.contains("yarn in PATH is 1.22.22"),
        "{failure}"
    );
    assert!(failure.hint.unwrap().contains("@yarnpkg/cli-dist"));
    app.write("bin/yarn", "#!/bin/sh\necho 4.18.1\n");
    assert_eq!(arguments(&app.install()), ["install", "--immutable"]);
    app.write("app/domains/a/yarn.lock", "");
    assert_eq!(arguments(&app.install()), ["install", "--no-immutable"]);
    app.write("app/domains/a/yarn.lock", "# yarn lockfile v1\n");
    let failure = app.plan().unwrap_err();
    assert!(
        failure
            .message
            .contains("Yarn 1, and yarn in PATH is 4.18.1"),
        "{failure}"
    );
}
