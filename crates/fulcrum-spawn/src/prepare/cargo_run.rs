//! What `cargo run` adds to the environment, which is not meant for domains.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

/// Variables that cargo sets for the program that it runs, by name or by the start of the name.
/// Others that start with `CARGO_` are settings of the user.
const NAMES: [&str; 6] = [
    "CARGO",
    "CARGO_BIN_NAME",
    "CARGO_CRATE_NAME",
    "CARGO_MANIFEST_DIR",
    "CARGO_MANIFEST_PATH",
    "CARGO_PRIMARY_PACKAGE",
];
const PREFIXES: [&str; 3] = ["CARGO_PKG_", "CARGO_BIN_EXE_", "CARGO_CFG_"];
const LIBRARY_PATH: &str = "LD_LIBRARY_PATH";

/// The environment without what `cargo run` added to it.
#[must_use]
pub fn without_cargo(
    mut environment: BTreeMap<OsString, OsString>,
) -> BTreeMap<OsString, OsString> {
    // Set by nothing else.
    if !environment.contains_key(OsStr::new("CARGO_PKG_NAME")) {
        return environment;
    }
    environment.retain(|name, _| !is_of_cargo(name));
    if let Some(paths) = environment.remove(OsStr::new(LIBRARY_PATH)) {
        let own = std::env::split_paths(&paths).filter(|path| {
            let text = path.to_string_lossy();
            let is_target = text.ends_with("/deps") || text.contains("/target/");
            let is_profile = text.ends_with("/debug") || text.ends_with("/release");
            !(is_target || is_profile || text.contains("/rustlib/") || is_toolchain(&text))
        });
        let left: Vec<_> = own.collect();
        if let Ok(joined) = std::env::join_paths(left)
            && !joined.is_empty()
        {
            environment.insert(LIBRARY_PATH.into(), joined);
        }
    }
    environment
}

fn is_of_cargo(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    NAMES.contains(&&*name)
        || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        || name == "RUST_RECURSION_COUNT"
}

fn is_toolchain(path: &str) -> bool {
    path.contains("/toolchains/") && path.ends_with("/lib")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> BTreeMap<OsString, OsString> {
        let pairs = pairs.iter();
        pairs
            .map(|(name, value)| (name.into(), value.into()))
            .collect()
    }

    #[test]
    fn what_cargo_run_adds_is_removed_and_the_rest_stays() {
        let found = without_cargo(environment(&[
            ("CARGO", "/x/cargo"),
            ("CARGO_HOME", "/srv/cargo"),
            ("CARGO_MANIFEST_DIR", "/src"),
            ("CARGO_PKG_NAME", "fulcrum-cli"),
            ("CARGO_PKG_VERSION", "1"),
            ("CARGO_TARGET_DIR", "/t"),
            (
                "LD_LIBRARY_PATH",
                "/src/target/debug/deps:/src/target/debug:/r/toolchains/s/lib/rustlib/x/lib:/r/toolchains/s/lib:/opt/lib",
            ),
            ("PATH", "/bin"),
        ]));
        let expected = environment(&[
            ("CARGO_HOME", "/srv/cargo"),
            ("CARGO_TARGET_DIR", "/t"),
            ("LD_LIBRARY_PATH", "/opt/lib"),
            ("PATH", "/bin"),
        ]);
        assert_eq!(found, expected);
    }

    #[test]
    fn without_cargo_nothing_is_removed() {
        let all = environment(&[("CARGO_MANIFEST_DIR", "/x"), ("LD_LIBRARY_PATH", "/x/deps")]);
        assert_eq!(without_cargo(all.clone()), all);
    }
}
