//! Node versions that version managers have installed, found by listing their directories.

use std::fs;
use std::path::{Path, PathBuf};

use nodejs_semver::Version;

/// The installed versions with their executables, newest first. No program is run.
/// Sources of the paths: the documentation of nvm, fnm, Volta, mise, asdf, nodenv, pnpm and n.
pub(super) fn list(home: Option<&Path>, nvm_dir: Option<&Path>) -> Vec<(Version, PathBuf)> {
    let mut layouts: Vec<(PathBuf, &str)> = Vec::new();
    if let Some(dir) = nvm_dir {
        layouts.push((dir.join("versions/node"), "bin/node"));
    }
    if let Some(home) = home {
        layouts.extend([
            (home.join(".nvm/versions/node"), "bin/node"),
            (
                home.join(".local/share/fnm/node-versions"),
                "installation/bin/node",
            ),
            (home.join(".volta/tools/image/node"), "bin/node"),
            (home.join(".local/share/mise/installs/node"), "bin/node"),
            (home.join(".asdf/installs/nodejs"), "bin/node"),
            (home.join(".nodenv/versions"), "bin/node"),
            (home.join(".local/share/pnpm/nodejs"), "bin/node"),
            (home.join("n/n/versions/node"), "bin/node"),
        ]);
    }
    let mut found: Vec<(Version, PathBuf)> = Vec::new();
    for (dir, executable) in layouts {
        for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            // Aliases such as `lts` or `22` point to a version that is listed as well.
            let Ok(version) = Version::parse(name.trim_start_matches('v')) else {
                continue;
            };
            let node = entry.path().join(executable);
            if node.is_file() && !found.iter().any(|(_, known)| *known == node) {
                found.push((version, node));
            }
        }
    }
    found.sort_by(|a, b| b.0.cmp(&a.0));
    found
}
