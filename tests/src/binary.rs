//! The location of the `fulcrum` under test.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::SystemTime;

/// Names another `fulcrum` to test, such as an optimized one, whose measurements are those of a
/// release.
const BINARY_VAR: &str = "FULCRUM_BIN";

/// The `fulcrum` of the same build as the test, or that of `FULCRUM_BIN`. `cargo test --workspace`
/// has built it; where a test runs alone and the binary is missing, or older than its sources, it
/// is built first.
///
/// # Panics
/// When it cannot be built.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        if let Some(binary) = env::var_os(BINARY_VAR) {
            let binary = PathBuf::from(binary);
            assert!(
                binary.is_file(),
                "{BINARY_VAR}: there is no {}",
                binary.display()
            );
            return binary;
        }
        let dir = profile_dir();
        let binary = dir.join("fulcrum");
        if is_stale(&binary) {
            build(&dir);
        }
        assert!(binary.is_file(), "there is no {}", binary.display());
        binary
    })
}

/// Whether the `fulcrum` under test was built with optimization, judging by its directory.
pub fn is_optimized() -> bool {
    binary().parent().is_some_and(|dir| !dir.ends_with("debug"))
}

/// The domain without Node that misbehaves as its flags say: `stub-domain --help`. Cargo builds it
/// before the end-to-end tests, whichever of them are run.
///
/// # Panics
/// When it does not exist.
pub fn stub() -> PathBuf {
    built("stub-domain")
}

/// The program that calls a domain as fast as it answers.
///
/// # Panics
/// When it does not exist.
pub fn load_client() -> PathBuf {
    built("load-client")
}

fn built(name: &str) -> PathBuf {
    let program = profile_dir().join(name);
    assert!(program.is_file(), "there is no {}", program.display());
    program
}

/// A directory beside the binary for files that the tests of one build share.
pub(crate) fn shared_dir() -> PathBuf {
    profile_dir().join("fulcrum-e2e")
}

/// `target/debug`, or whatever the profile is called, for a test in its `deps` directory.
fn profile_dir() -> PathBuf {
    let test = env::current_exe().expect("the path of the test's executable is known");
    let deps = test.parent().expect("an executable is in a directory");
    deps.parent()
        .expect("cargo puts tests into a directory of the profile")
        .to_owned()
}

fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the package is in the workspace")
}

fn build(dir: &Path) {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let target = dir
        .parent()
        .expect("a profile's directory is in the target directory");
    let mut command = Command::new(cargo);
    command
        .current_dir(workspace())
        .args(["build", "--quiet", "--package", "fulcrum-cli"]);
    command.arg("--target-dir").arg(target);
    if dir.ends_with("release") {
        command.arg("--release");
    }
    let status = command.status().expect("cargo runs");
    assert!(status.success(), "{command:?} failed: {status}");
}

fn is_stale(binary: &Path) -> bool {
    let Some(built) = modified(binary) else {
        return true;
    };
    let workspace = workspace();
    let crates = fs::read_dir(workspace.join("crates")).expect("the workspace has crates");
    let mut sources: Vec<PathBuf> = crates
        .flatten()
        .map(|member| member.path().join("src"))
        .collect();
    sources.push(workspace.join("sdk/node/dist"));
    sources
        .iter()
        .any(|dir| newest(dir).is_some_and(|changed| changed > built))
}

fn newest(dir: &Path) -> Option<SystemTime> {
    let entries = fs::read_dir(dir).ok()?;
    let times = entries.flatten().filter_map(|entry| {
        let path = entry.path();
        if path.is_dir() {
            newest(&path)
        } else {
            modified(&path)
        }
    });
    times.max()
}

fn modified(file: &Path) -> Option<SystemTime> {
    fs::metadata(file).ok()?.modified().ok()
}
