//! Links the program at a fixed address, and embeds the explanations of `docs/errors`.

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// Where each error code has its explanation.
const EXPLANATIONS: &str = "../../docs/errors";

#[expect(
    clippy::disallowed_macros,
    reason = "standard output is how a build script tells Cargo"
)]
fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={EXPLANATIONS}");
    // A program that may be loaded anywhere has 40,000 addresses to relocate at each start, and the
    // pages that hold them are memory of each process of its own, the cleanup guard's too.
    let is_release = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let is_linux = env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "linux");
    let is_gnu = env::var("CARGO_CFG_TARGET_ENV").is_ok_and(|env| env == "gnu");
    if is_release && is_linux && is_gnu {
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
    // Cargo forgets `strip = "symbols"` for a package with settings of its own in the profile, as this
    // one has: findings/cargo-package-override-forgets-strip.sh.
    if is_release && is_linux {
        println!("cargo::rustc-link-arg-bins=-Wl,--strip-all");
    }
    let out = PathBuf::from(env::var("OUT_DIR")?).join("explanations.rs");
    fs::write(out, explanations(Path::new(EXPLANATIONS))?)?;
    Ok(())
}

/// A slice of code and text, in the order of the codes.
fn explanations(dir: &Path) -> Result<String, Box<dyn Error>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        if name.starts_with("FUL") {
            files.push((name.into_owned(), path.canonicalize()?));
        }
    }
    files.sort();
    let mut code = String::from("&[\n");
    for (name, path) in &files {
        writeln!(code, "    ({name:?}, include_str!({path:?})),")?;
    }
    code.push(']');
    Ok(code)
}
