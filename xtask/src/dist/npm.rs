//! The packages for npm: the launcher, the program of this platform, and `@fulcrum/domain`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::{Map, Value, json};

use super::platform::Platform;
use super::tree::{Tree, version};
use crate::command::CommandRunner;
use crate::sample::copy_tree;
use crate::workspace;

/// The packed packages.
#[derive(Debug, Clone)]
pub(super) struct NpmPackages {
    /// `fulcrum-cli`.
    pub(super) launcher: PathBuf,
    /// The name of the package with the program, such as `@fulcrum/linux-x64-gnu`.
    pub(super) platform_name: String,
    /// The program.
    pub(super) platform: PathBuf,
    /// `@fulcrum/domain`.
    pub(super) domain: PathBuf,
}

/// Packs all of them into `out`. The file with the program is named after the launcher too, so that
/// `npm install ./fulcrum-cli-*.tgz` installs both without a registry.
///
/// # Errors
/// An npm that fails.
pub(super) fn pack(out: &Path, tree: &Tree, platform: Platform) -> anyhow::Result<NpmPackages> {
    let platform_name = format!("@fulcrum/{}", platform.package);
    let sources = workspace::root().join("packaging/npm");

    let launcher = out.join("npm/fulcrum-cli");
    copy_tree(&sources.join("fulcrum-cli"), &launcher, &[])?;
    let launcher_fields = [
        ("version", json!(version())),
        ("optionalDependencies", json!({ &platform_name: version() })),
    ];
    write_manifest(&launcher, launcher_fields)?;

    let program = out.join("npm").join(platform.package);
    copy_tree(&sources.join("platform"), &program, &[])?;
    fs::create_dir_all(program.join("bin"))?;
    let binary = program.join("bin/fulcrum");
    fs::copy(tree.dir.join("bin/fulcrum"), &binary)?;
    fs::set_permissions(&binary, fs::Permissions::from_mode(0o755))?;
    let description = format!("The program of fulcrum-cli for {}", platform.triple);
    fs::write(
        program.join("README.md"),
        format!("# {platform_name}\n\n{description}.\n"),
    )?;
    let program_fields = [
        ("name", json!(platform_name)),
        ("version", json!(version())),
        ("description", json!(description)),
        ("os", json!([platform.os])),
        ("cpu", json!([platform.cpu])),
        ("libc", json!([platform.libc])),
    ];
    write_manifest(&program, program_fields)?;

    let domain = out.join("npm/domain");
    copy_tree(
        &workspace::root().join("sdk/node"),
        &domain,
        &["node_modules", "src", "test", "package-lock.json"],
    )?;
    write_manifest(&domain, [("version", json!(version()))])?;

    for dir in [&launcher, &program, &domain] {
        fs::copy(tree.dir.join("LICENSE"), dir.join("LICENSE"))?;
    }
    let packages = NpmPackages {
        launcher: npm_pack(&launcher, out, "fulcrum-cli")?,
        platform: npm_pack(&program, out, &format!("fulcrum-cli-{}", platform.package))?,
        domain: npm_pack(&domain, out, "fulcrum-domain")?,
        platform_name,
    };
    fs::remove_dir_all(out.join("npm"))?;
    Ok(packages)
}

/// Sets fields of a `package.json`, and removes those that only a build needs.
fn write_manifest<const N: usize>(dir: &Path, fields: [(&str, Value); N]) -> anyhow::Result<()> {
    let path = dir.join("package.json");
    let text = fs::read_to_string(&path)?;
    let mut package: Map<String, Value> =
        serde_json::from_str(&text).with_context(|| format!("{} is not JSON", path.display()))?;
    for key in ["scripts", "devDependencies"] {
        package.remove(key);
    }
    package.extend(fields.map(|(key, value)| (key.to_owned(), value)));
    // The name comes first, wherever it was set.
    let mut ordered = Map::new();
    for key in ["name", "version"] {
        if let Some(value) = package.remove(key) {
            ordered.insert(key.to_owned(), value);
        }
    }
    ordered.extend(package);
    let text = serde_json::to_string_pretty(&ordered)? + "\n";
    Ok(fs::write(&path, text)?)
}

/// Packs a directory; npm gives every file the same time.
fn npm_pack(dir: &Path, out: &Path, name: &str) -> anyhow::Result<PathBuf> {
    let line = CommandRunner::new("npm", dir)
        .args(["pack", "--silent", "--offline", "--ignore-scripts"])
        .arg("--pack-destination")
        .arg(std::path::absolute(out)?)
        .stdout()?;
    let packed = out.join(line.trim());
    let target = out.join(format!("{name}-{}.tgz", version()));
    if packed != target {
        fs::rename(&packed, &target)
            .with_context(|| format!("npm created no {}", packed.display()))?;
    }
    Ok(target)
}
