//! Section T: what npm installs. `cargo xtask dist --check` does the same with real package managers.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use fulcrum_e2e::{App, Signal, binary, not_applicable};

/// The name of the package with the program; `None` on a platform without one.
fn platform() -> Option<&'static str> {
    match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => Some("linux-x64-gnu"),
        ("linux", "aarch64") => Some("linux-arm64-gnu"),
        _ => None,
    }
}

fn launcher_source() -> PathBuf {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    let workspace = workspace.expect("the package is in the workspace");
    workspace.join("packaging/npm/fulcrum-cli")
}

/// Puts the launcher into a `node_modules`, as npm does; returns its link in `.bin`.
fn install_launcher(modules: &Path) -> PathBuf {
    let package = modules.join("fulcrum-cli");
    for dir in [package.join("bin"), modules.join(".bin")] {
        fs::create_dir_all(dir).expect("a directory");
    }
    for file in ["bin/fulcrum.bin", "resolve.cjs", "package.json"] {
        fs::copy(launcher_source().join(file), package.join(file)).expect(file);
    }
    let link = modules.join(".bin/fulcrum");
    symlink("../fulcrum-cli/bin/fulcrum.bin", &link).expect("a link");
    link
}

/// Puts the program into a `node_modules`.
fn install_program(modules: &Path, platform: &str) {
    let package = modules.join("@fulcrum").join(platform);
    fs::create_dir_all(package.join("bin")).expect("a directory");
    fs::write(package.join("package.json"), "{}").expect("written");
    symlink(binary(), package.join("bin/fulcrum")).expect("a link");
}

#[test]
fn t00_the_launcher_of_npm_becomes_the_program() {
    let Some(platform) = platform() else {
        not_applicable("T0", "there is no package for this platform");
        return;
    };
    let app = App::new().domain("users", "steady");
    let launcher = install_launcher(&app.root().join("node_modules"));
    install_program(&app.root().join("node_modules"), platform);
    let launcher = launcher.to_str().expect("UTF-8");
    // Arguments and exit codes are passed on.
    app.program(launcher, &["domains", "list"])
        .output()
        .exits(3);
    app.program(launcher, &["--no-such flag"]).output().exits(2);
    let mut dev = app.spawn_command(app.program(launcher, &["dev"]));
    dev.wait_for("domain ready");
    let status = app
        .run(&["domains", "status", "-o", "json"])
        .exits(0)
        .json();
    assert_eq!(
        status["instance"]["pid"],
        dev.pid(),
        "no process in between"
    );
    dev.signal(Signal::TERM);
    dev.wait_exit().exits(0);
    app.assert_no_processes();
}

#[test]
fn t00_the_launcher_finds_the_program_in_every_layout() {
    let Some(platform) = platform() else {
        not_applicable("T0", "there is no package for this platform");
        return;
    };
    let app = App::new();
    let version = |launcher: &Path, node_path: Option<&Path>| {
        let run = app.program(launcher.to_str().expect("UTF-8"), &["--version"]);
        match node_path {
            Some(path) => run.env("NODE_PATH", path),
            None => run,
        }
        .output()
    };
    // Without the program it is told which package is missing.
    let bare = install_launcher(&app.scratch_dir().join("bare/node_modules"));
    version(&bare, None).exits(1).stderr_contains(&[
        &format!("@fulcrum/{platform} is missing"),
        "optional dependencies",
    ]);
    // pnpm: beside the launcher in a directory of its own.
    let store = app
        .scratch_dir()
        .join("pnpm/node_modules/.pnpm/fulcrum-cli@1/node_modules");
    let launcher = install_launcher(&store);
    install_program(&store, platform);
    let link = app.scratch_dir().join("pnpm/fulcrum link");
    symlink(launcher, &link).expect("a link");
    version(&link, None).exits(0).stdout_contains(&["fulcrum "]);
    // Where only Node knows the packages, as with Plug'n'Play.
    let elsewhere = app.scratch_dir().join("elsewhere");
    install_program(&elsewhere, platform);
    version(&bare, Some(&elsewhere))
        .exits(0)
        .stdout_contains(&["fulcrum "]);
}
