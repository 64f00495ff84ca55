//! Links the program at a fixed address.

use std::env;

#[expect(
    clippy::disallowed_macros,
    reason = "standard output is how a build script tells Cargo"
)]
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // A program that may be loaded anywhere has 40,000 addresses to relocate at each start, and the
    // pages that hold them are memory of each process of its own, the cleanup guard's too.
    let is_release = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let is_linux = env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "linux");
    let is_gnu = env::var("CARGO_CFG_TARGET_ENV").is_ok_and(|env| env == "gnu");
    if is_release && is_linux && is_gnu {
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
}
