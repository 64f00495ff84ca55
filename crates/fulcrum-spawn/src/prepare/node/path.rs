//! A `PATH` in which `node` is the chosen Node.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

use crate::prepare::executable::find_in_path;
use crate::prepare::files::{create_private_dir, digest, symlink_atomically};

/// `path` with a directory before it in which `node` is this Node, unless `node` is it already. Install
/// scripts, and programs that a domain starts, then run with the Node of the domain.
///
/// The directory is Node's own where the executable has its name, so that its npm goes with it. Else it
/// is one of the cache with a link; if that cannot be written, `path` stays.
pub(in crate::prepare) fn path_with_node(path: &OsStr, node: &Path, cache: &Path) -> OsString {
    let found = find_in_path("node".as_ref(), path);
    if found.and_then(|found| found.canonicalize().ok()).as_deref() == Some(node) {
        return path.to_owned();
    }
    let dir = match node.parent() {
        Some(dir) if node.file_name() == Some(OsStr::new("node")) => dir.to_path_buf(),
        _ => match link_dir(node, cache) {
            Ok(dir) => dir,
            Err(error) => {
                tracing::debug!(%error, "cannot link the chosen node");
                return path.to_owned();
            }
        },
    };
    let dirs = std::iter::once(dir).chain(std::env::split_paths(path));
    std::env::join_paths(dirs).unwrap_or_else(|_| path.to_owned())
}

fn link_dir(node: &Path, cache: &Path) -> std::io::Result<PathBuf> {
    let name = &digest(&[node.as_os_str().as_encoded_bytes()])[..16];
    let dir = cache.join("node-bin").join(name);
    let link = dir.join("node");
    if fs::read_link(&link).is_ok_and(|target| target == node) {
        return Ok(dir);
    }
    create_private_dir(&dir)?;
    symlink_atomically(node, &link)?;
    Ok(dir)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn program(path: &Path) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "#!/bin/sh\n").unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    fn the_chosen_node_comes_first_unless_it_does_already() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let (cache, first, second) = (root.join("cache"), root.join("a/node"), root.join("b/node"));
        program(&first);
        program(&second);
        let path = root.join("a").into_os_string();
        assert_eq!(path_with_node(&path, &first, &cache), path);
        let changed = path_with_node(&path, &second, &cache);
        assert_eq!(
            find_in_path("node".as_ref(), &changed),
            Some(second.clone())
        );
        symlink(&second, root.join("a/link")).unwrap();
        let versioned = root.join("b/node24");
        program(&versioned);
        let changed = path_with_node(&path, &versioned, &cache);
        let found = find_in_path("node".as_ref(), &changed).unwrap();
        assert_eq!(found.canonicalize().unwrap(), versioned);
    }
}
