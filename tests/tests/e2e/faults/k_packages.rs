//! Section K, rows 4 to 7: packages are installed where and with what the repository says, what is
//! installed decides, and the version of Node that the app asks for is found.
//!
//! The package managers are scripts that record how they were called, so that no test needs a registry;
//! `cargo xtask packages` runs the real ones.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use fulcrum_e2e::{App, CommandRun, text_of};

/// A directory of programs in front of `PATH`.
fn with_programs(app: &App, run: CommandRun) -> CommandRun {
    let path = std::env::var("PATH").expect("a PATH");
    let bin = app.scratch_dir().join("bin");
    run.env("PATH", format!("{}:{path}", bin.display()))
}

/// A program of the test; `$OUT` is the scratch directory.
fn program(app: &App, name: &str, script: &str) {
    let bin = app.scratch_dir().join("bin");
    fs::create_dir_all(&bin).expect("a directory");
    let out = app.scratch_dir();
    let text = format!("#!/bin/sh\nOUT='{}'\n{script}\n", out.display());
    fs::write(bin.join(name), text).expect("a program");
    fs::set_permissions(bin.join(name), fs::Permissions::from_mode(0o755)).expect("executable");
}

fn recorded(app: &App, name: &str) -> String {
    fs::read_to_string(app.scratch_dir().join(name)).unwrap_or_default()
}

/// A script that installs the package `left-pad` into the member `domains/users`.
const INSTALL: &str = "\
echo \"$PWD $*\" >> $OUT/calls
mkdir -p \"$USERS/node_modules/left-pad\"
echo '{\"name\":\"left-pad\",\"version\":\"1.3.0\"}' > \"$USERS/node_modules/left-pad/package.json\"
";

fn install_script(app: &App) -> String {
    let users = app.root().join("domains/users");
    format!("USERS='{}'\n{INSTALL}", users.display())
}

fn app() -> App {
    App::new().domain("users", "steady").write(
        "domains/users/package.json",
        r#"{"name":"users","dependencies":{"left-pad":"1.3.0"}}"#,
    )
}

fn dev(app: &App, more: &[&str]) -> CommandRun {
    let args = [&["dev", "--detach", "--wait", "--timeout", "60s"], more].concat();
    with_programs(app, app.fulcrum(&args))
}

#[test]
fn k04_an_app_below_a_workspace_root_is_installed_there_with_its_package_manager() {
    let app = app();
    let repository = app.root().parent().expect("a parent").to_path_buf();
    // In a style that is not the usual one.
    let workspace = "packages: [ 'app/domains/*' ]\n";
    fs::write(repository.join("pnpm-workspace.yaml"), workspace).expect("a file");
    fs::create_dir(repository.join(".git")).expect("a repository");
    program(&app, "pnpm", &install_script(&app));
    program(&app, "npm", "echo foreign > $OUT/foreign; exit 1");
    dev(&app, &[]).output().exits(0);
    let call = format!("{} install\n", repository.display());
    assert_eq!(recorded(&app, "calls"), call);
    assert_eq!(recorded(&app, "foreign"), "");
    app.down();
}

#[test]
fn k04_a_killed_install_leaves_nothing_that_blocks_a_later_start() {
    let app = app().write(
        "domains/users/.fulcrum-installing",
        "of an earlier version\n",
    );
    program(&app, "npm", "kill -9 $$");
    dev(&app, &[]).output().exits(10);
    app.down();
    // The user installs by hand.
    app.write_file(
        "domains/users/node_modules/left-pad/package.json",
        r#"{"version":"1.3.0"}"#,
    );
    program(&app, "npm", "echo again > $OUT/again; exit 1");
    dev(&app, &[]).output().exits(0);
    assert_eq!(recorded(&app, "again"), "", "nothing is missing");
    app.down();
}

#[test]
fn k05_what_is_installed_decides_and_not_the_exit_code() {
    let app = app().write("domains/users/pnpm-lock.yaml", "lockfileVersion: '9.0'\n");
    let fails = "\
echo 'Error: ERR_PNPM_IGNORED_BUILDS' >&2
echo '  help: Run \"pnpm approve-builds\" to pick which dependencies should be allowed' >&2
echo '        to run scripts.' >&2
exit 1
";
    program(&app, "pnpm", &format!("{}{fails}", install_script(&app)));
    dev(&app, &[]).output().exits(0);
    let lines = app.logs("users");
    let warnings: Vec<&str> = lines
        .iter()
        .map(|line| line.message.as_str())
        .filter(|message| message.contains("although pnpm install ended with exit 1"))
        .collect();
    assert_eq!(warnings.len(), 1, "{lines:?}");
    let cure = "pnpm says: Run \"pnpm approve-builds\" to pick which dependencies should be allowed to run scripts.";
    assert!(warnings[0].contains(cure), "{}", warnings[0]);
    app.down();
}

#[test]
fn k05_a_failed_install_is_the_reason_everywhere_and_names_the_apps_own_cure() {
    let app = app().write("domains/users/yarn.lock", "# yarn lockfile v1\n\n");
    let fails = "\
[ \"$1\" = --version ] && { echo 1.22.22; exit; }
echo 'error Your lockfile needs to be updated.' >&2
exit 1
";
    program(&app, "yarn", fails);
    let reason = "yarn install in domains/users failed (exit 1): Your lockfile needs to be updated. \
                  (run `yarn install` in domains/users and read its output)";
    dev(&app, &[]).output().exits(10).stderr_contains(&[reason]);
    let users = app.status("users");
    assert_eq!(text_of(&users, "reason"), reason);
    app.run(&["domains", "why", "users"])
        .exits(0)
        .stdout_contains(&["Your lockfile needs to be updated."]);
    app.down();
}

#[test]
fn k06_a_yarn_1_in_path_does_not_touch_a_lock_file_of_yarn_4() {
    let lock = "__metadata:\n  version: 8\n";
    let app = app().write("domains/users/yarn.lock", lock);
    let script = "[ \"$1\" = --version ] && { echo 1.22.22; exit; }\necho called > $OUT/called\n";
    program(&app, "yarn", script);
    dev(&app, &[]).output().exits(10).stderr_contains(&[
        "domains/users is a project of Yarn 2 or later, and yarn in PATH is 1.22.22",
        "npm install --global @yarnpkg/cli-dist",
    ]);
    assert_eq!(recorded(&app, "called"), "");
    app.down();
}

#[test]
fn k06_an_install_runs_with_the_domains_node_and_is_not_cut_short_by_what_it_writes() {
    let app = app();
    let node = std::process::Command::new("node")
        .args(["-p", "process.execPath"])
        .output()
        .expect("node runs");
    let node = String::from_utf8(node.stdout).expect("a path");
    // A Node by another name, in a directory that is not in PATH.
    let own = app.scratch_dir().join("own");
    fs::create_dir_all(&own).expect("a directory");
    fs::copy(node.trim(), own.join("node22")).expect("a copy of node");
    app.write_file(
        "domains/users/fulcrum.yml",
        &format!("process: {{node: \"{}\"}}\n", own.join("node22").display()),
    );
    let script = format!(
        "readlink -f $(command -v node) > $OUT/node\n\
         for n in 1 2 3 4 5; do\n  echo \"{{\\\"name\\\":\\\"users\\\",\\\"n\\\":$n,\\\"dependencies\\\":{{\\\"left-pad\\\":\\\"1.3.0\\\"}}}}\" > package.json\n  sleep 0.3\ndone\n{}",
        install_script(&app)
    );
    program(&app, "npm", &script);
    dev(&app, &["--watch"]).output().exits(0);
    assert_eq!(
        recorded(&app, "node").trim(),
        own.join("node22").display().to_string()
    );
    assert_eq!(recorded(&app, "calls").lines().count(), 1);
    app.wait_until_stable(&["users"]);
    assert_eq!(app.event_count("users", "spawned"), 1);
    app.down();
}

#[test]
fn k06_a_package_for_development_is_installed_if_the_code_imports_it() {
    let app = App::new().domain("users", "steady").write(
        "domains/users/package.json",
        r#"{"name":"users","devDependencies":{"left-pad":"1.3.0","other":"1.0.0"}}"#,
    );
    let entry = app.root().join("domains/users/domain.cjs");
    let text = fs::read_to_string(&entry).expect("an entry");
    let text = format!("{text}\nconst later = () => require('left-pad');\n");
    fs::write(&entry, text).expect("an entry");
    program(&app, "npm", &install_script(&app));
    dev(&app, &[]).output().exits(0);
    assert_eq!(recorded(&app, "calls").lines().count(), 1);
    app.down();
}

#[test]
fn k07_status_tells_which_file_decided_about_node() {
    let version = std::process::Command::new("node")
        .arg("--version")
        .output()
        .expect("node runs");
    let version = String::from_utf8(version.stdout).expect("a version");
    let version = version.trim().trim_start_matches('v');
    let app = App::new().domain("users", "steady");
    for (file, text, shown) in [
        (
            "mise.toml",
            format!("[tools]\nnode = \"{version}\"\n"),
            "mise.toml",
        ),
        (
            ".tool-versions",
            format!("nodejs {version}\n"),
            ".tool-versions",
        ),
        (".node-version", ">=20.13\n".to_owned(), ".node-version"),
    ] {
        app.write_file(file, &text);
        app.start();
        let runner = format!("node {version} ({shown})");
        app.run(&["domains", "status", "users"])
            .exits(0)
            .stdout_contains(&[&runner]);
        app.down();
    }
}

#[test]
fn k07_an_unmet_range_or_an_unreadable_version_file_is_an_error_and_engines_are_a_warning() {
    let app = App::new().domain("users", "steady");
    app.write_file(
        "domains/users/package.json",
        r#"{"engines":{"node":">=99"}}"#,
    );
    app.start();
    let lines = app.logs("users");
    assert!(
        lines
            .iter()
            .any(|line| line.message.contains("engines.node requires >=99")),
        "{lines:?}"
    );
    app.down();
    app.write_file(".node-version", ">=99\n");
    dev(&app, &[])
        .output()
        .exits(10)
        .stderr_contains(&[".node-version requires node >=99"]);
    app.down();
    // As PowerShell's `>` writes it.
    fs::write(
        app.root().join(".node-version"),
        [0xff, 0xfe, b'2', 0, b'2', 0],
    )
    .expect("a file");
    dev(&app, &[])
        .output()
        .exits(10)
        .stderr_contains(&[".node-version: is UTF-16 text"]);
    app.down();
}
