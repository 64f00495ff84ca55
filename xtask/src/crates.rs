//! `cargo xtask crates`: each crate of the product is complete and can be packaged.

use anyhow::{bail, ensure};
use cargo_metadata::Package;

use crate::command::CommandRunner;
use crate::workspace;

/// Checks the metadata and the files of each crate, and packages all of them without building
/// them again.
///
/// # Errors
/// All that is missing, or a crate that cannot be packaged.
pub(crate) fn run() -> anyhow::Result<()> {
    let metadata = workspace::metadata()?;
    let crates: Vec<&Package> = metadata
        .workspace_packages()
        .into_iter()
        .filter(|package| {
            package
                .manifest_path
                .starts_with(metadata.workspace_root.join("crates"))
        })
        .collect();
    ensure!(!crates.is_empty(), "there are no crates below crates/");
    let mut missing = Vec::new();
    for package in &crates {
        let files = cargo_package(&["--list", "--package", &package.name]).stdout()?;
        missing.extend(
            gaps(package, &files)
                .into_iter()
                .map(|gap| format!("{}: {gap}", package.name)),
        );
    }
    if !missing.is_empty() {
        bail!("{}", missing.join("\n"));
    }
    let names = crates
        .iter()
        .flat_map(|package| ["--package", &package.name]);
    cargo_package(&["--no-verify", "--locked", "--quiet"])
        .args(names)
        .run_checked()
}

fn cargo_package(args: &[&str]) -> CommandRunner {
    CommandRunner::cargo()
        .args(["package", "--allow-dirty"])
        .args(args)
}

/// What a crate lacks; `files` are those of its package, one a line.
fn gaps(package: &Package, files: &str) -> Vec<String> {
    let fields = [
        ("description", package.description.is_some()),
        ("license", package.license.is_some()),
        ("repository", package.repository.is_some()),
        ("readme", package.readme.is_some()),
        ("keywords", !package.keywords.is_empty()),
        ("categories", !package.categories.is_empty()),
        (
            "metadata.docs.rs",
            package.metadata["docs"]["rs"].is_object(),
        ),
    ];
    let has_file = |name: &str| files.lines().any(|file| file == name);
    let required = ["README.md", "CHANGELOG.md"];
    let fields = fields
        .into_iter()
        .filter(|(_, present)| !present)
        .map(|(name, _)| format!("Cargo.toml has no {name}"));
    let files = required
        .into_iter()
        .filter(|name| !has_file(name))
        .map(|name| format!("the package has no {name}"));
    fields.chain(files).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(more: &str) -> Package {
        let json = format!(
            r#"{{"name":"a","version":"1.0.0","id":"a","dependencies":[],"targets":[],
                "features":{{}},"manifest_path":"a/Cargo.toml"{more}}}"#
        );
        serde_json::from_str(&json).unwrap()
    }

    #[test]
    fn a_complete_crate_has_no_gaps() {
        let complete = package(
            r#","description":"d","license":"MIT","repository":"r","readme":"README.md",
               "keywords":["k"],"categories":["c"],"metadata":{"docs":{"rs":{}}}"#,
        );
        let files = "Cargo.toml\nCHANGELOG.md\nREADME.md\nsrc/lib.rs\n";
        assert_eq!(gaps(&complete, files), [""; 0]);
    }

    #[test]
    fn every_missing_field_and_file_is_named() {
        let gaps = gaps(&package(""), "Cargo.toml\ndocs/README.md\n");
        assert_eq!(gaps.len(), 9, "{gaps:?}");
        assert_eq!(gaps[0], "Cargo.toml has no description");
        assert_eq!(gaps[8], "the package has no CHANGELOG.md");
    }
}
