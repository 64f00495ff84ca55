//! Versions of Node that version managers have installed, found by listing folders.

use std::fs;
use std::path::{Path, PathBuf};

use nodejs_semver::Version;

/// What is installed, newest first. Nothing is run.
pub(super) fn list(home: Option<&Path>, nvm_dir: Option<&Path>) -> Vec<(Version, PathBuf)> {
    let mut places: Vec<(PathBuf, &str)> = Vec::new();
    if let Some(dir) = nvm_dir {
        places.push((dir.join("versions/node"), "bin/node"));
    }
    if let Some(home) = home {
        places.extend([
            (home.join(".nvm/versions/node"), "bin/node"),
            (
                home.join(".local/share/fnm/node-versions"),
                "installation/bin/node",
            ),
            (home.join(".volta/tools/image/node"), "bin/node"),
            (home.join(".local/share/mise/installs/node"), "bin/node"),
            (home.join(".asdf/installs/nodejs"), "bin/node"),
        ]);
    }
    let mut found: Vec<(Version, PathBuf)> = Vec::new();
    for (dir, inside) in places {
        for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            // Aliases such as `lts` or `22` name a version that is listed anyway.
            let Ok(version) = Version::parse(name.trim_start_matches('v')) else {
                continue;
            };
            let node = entry.path().join(inside);
            if node.is_file() && !found.iter().any(|(_, known)| *known == node) {
                found.push((version, node));
            }
        }
    }
    found.sort_by(|a, b| b.0.cmp(&a.0));
    found
}
