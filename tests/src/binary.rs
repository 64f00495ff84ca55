//! Where the `fulcrum` under test is.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::SystemTime;

/// Names another `fulcrum` to test, such as an optimised one, whose figures are those of a release.
const OTHER: &str = "FULCRUM_BIN";

/// The `fulcrum` of the same build as the test, or that of `FULCRUM_BIN`. `cargo test --workspace` has built it; where a test
/// runs alone and the binary is missing, or older than its sources, it is built first.
///
/// # Panics
/// When it can't be built.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        if let Some(other) = env::var_os(OTHER) {
            let other = PathBuf::from(other);
            assert!(other.is_file(), "{OTHER}: there is no {}", other.display());
            return other;
        }
        let folder = profile_folder();
        let binary = folder.join("fulcrum");
        if is_stale(&binary) {
            build(&folder);
        }
        assert!(binary.is_file(), "there is no {}", binary.display());
        binary
    })
}

/// Whether the `fulcrum` under test was built as a release is, by the folder it is in.
pub fn is_optimised() -> bool {
    binary()
        .parent()
        .is_some_and(|folder| !folder.ends_with("debug"))
}

/// The domain without Node that misbehaves as its flags say: `stub-domain --help`. Cargo builds it
/// before the end-to-end tests, whatever of them is asked for.
///
/// # Panics
/// When it isn't there.
pub fn stub() -> PathBuf {
    let stub = profile_folder().join("stub-domain");
    assert!(stub.is_file(), "there is no {}", stub.display());
    stub
}

/// A folder for what tests of one build may share, beside the binary.
pub(crate) fn shared_folder() -> PathBuf {
    profile_folder().join("fulcrum-e2e")
}

/// `target/debug`, or whatever the profile is called, for a test in its `deps` folder.
fn profile_folder() -> PathBuf {
    let test = env::current_exe().expect("a test knows its own executable");
    let deps = test.parent().expect("an executable is in a folder");
    deps.parent()
        .expect("cargo puts tests into a folder of the profile")
        .to_owned()
}

fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the package is in the workspace")
}

fn build(folder: &Path) {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let target = folder
        .parent()
        .expect("a profile's folder is in the target folder");
    let mut command = Command::new(cargo);
    command
        .current_dir(workspace())
        .args(["build", "--quiet", "--package", "fulcrum-cli"]);
    command.arg("--target-dir").arg(target);
    if folder.ends_with("release") {
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
        .any(|folder| newest(folder).is_some_and(|changed| changed > built))
}

fn newest(folder: &Path) -> Option<SystemTime> {
    let entries = fs::read_dir(folder).ok()?;
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
