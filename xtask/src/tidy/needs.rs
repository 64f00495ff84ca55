//! What each crate is built with when it stands alone, without its optional features.

use std::collections::BTreeMap;

use anyhow::Context;

use crate::command::CommandRunner;

/// What a package needs: for each package of its tree the way to it, from the package on.
pub(super) type Needs = BTreeMap<String, Vec<String>>;

/// What `package` needs without its features, on all platforms; no build and test tools.
///
/// # Errors
/// A failure of `cargo tree`.
pub(super) fn of(package: &str) -> anyhow::Result<Needs> {
    let tree = CommandRunner::cargo()
        .args(["tree", "--no-default-features", "--edges", "normal"])
        .args(["--target", "all", "--prefix", "depth", "--format", "{p}"])
        .args(["--package", package])
        .stdout()
        .with_context(|| format!("cannot list what {package} needs"))?;
    Ok(parse(&tree))
}

/// Reads lines of depth, name and version: `2libc v0.2.191`.
fn parse(tree: &str) -> Needs {
    let mut needs = Needs::new();
    let mut path: Vec<String> = Vec::new();
    for line in tree.lines() {
        let digits = line.find(|c: char| !c.is_ascii_digit()).unwrap_or_default();
        let (depth, package) = line.split_at(digits);
        let (Ok(depth), Some(name)) = (depth.parse(), package.split(' ').next()) else {
            continue;
        };
        path.truncate(depth);
        path.push(name.to_owned());
        needs.entry(name.to_owned()).or_insert_with(|| path.clone());
    }
    needs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_to_each_package_is_known() {
        let tree = "0a v0.1.0 (x)\n1b v1.0.0\n2c v1.0.0\n1d v2.0.0\n2c v1.0.0 (*)\n2e2 v1.0.0\n";
        let needs = parse(tree);
        assert_eq!(needs["c"], ["a", "b", "c"]);
        assert_eq!(needs["e2"], ["a", "d", "e2"]);
        assert_eq!(needs.get("f"), None);
    }
}
