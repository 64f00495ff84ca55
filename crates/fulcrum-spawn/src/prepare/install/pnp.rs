//! Yarn's Plug'n'Play: packages without `node_modules`, found by a table in `.pnp.cjs`.

use std::fs;
use std::path::{Path, PathBuf};

/// Whether the packages of an install root are found by Plug'n'Play.
pub(super) fn is_used(root: &Path) -> bool {
    root.join(TABLE).is_file()
}

/// The program with the table.
const TABLE: &str = ".pnp.cjs";

/// The table, if it is not in the program: `pnpEnableInlining: false`.
const DATA: &str = ".pnp.data.json";

/// The hook for ECMAScript modules, which Yarn writes if a package is one.
const LOADER: &str = ".pnp.loader.mjs";

/// Whether the table has a package, and its archive is there.
pub(super) fn is_in_place(root: &Path, name: &str) -> bool {
    let file = [DATA, TABLE].map(|name| root.join(name));
    let Some(text) = file.iter().find_map(|file| fs::read_to_string(file).ok()) else {
        return false;
    };
    // As Yarn writes it: `["left-pad", [` and, on a line of its own, `"packageLocation": "…"`.
    let Some(at) = text.find(&format!("[\"{name}\", [")) else {
        return false;
    };
    let inside = format!(".zip/node_modules/{name}/\"");
    let location = text[at..]
        .lines()
        .find(|line| line.contains("\"packageLocation\""));
    let archive = location
        .filter(|line| line.contains(&inside))
        .and_then(|line| {
            let path = line.split('"').nth(3)?;
            Some(
                root.join(path.split(".zip/").next()?)
                    .with_added_extension("zip"),
            )
        });
    archive.is_none_or(|archive| archive.is_file())
}

/// The options with which Node finds the packages of a directory by Plug'n'Play, as `yarn node` sets
/// them in `NODE_OPTIONS`; `None` if it is not used there. `dir` is in a project of Yarn if it or a
/// directory above has a table.
pub(in crate::prepare) fn node_options(dir: &Path) -> Option<String> {
    let root = dir.ancestors().find(|dir| is_used(dir))?;
    let quoted = |path: &PathBuf| {
        let path = path.display().to_string();
        if path.contains([' ', '"', '\\']) {
            format!("\"{}\"", path.replace('\\', "\\\\").replace('"', "\\\""))
        } else {
            path
        }
    };
    let mut options = format!("--require {}", quoted(&root.join(TABLE)));
    let loader = root.join(LOADER);
    if loader.is_file() {
        let url = crate::prepare::files::file_url(&loader);
        options.push_str(&format!(" --experimental-loader {url}"));
    }
    Some(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
    ["left-pad", [\
      ["npm:1.3.0", {\
        "packageLocation": "./.yarn/cache/left-pad-npm-1.3.0-1.zip/node_modules/left-pad/",\
    ["b", [\
      ["workspace:b", {\
        "packageLocation": "./b/",\
"#;

    #[test]
    fn a_package_is_in_place_if_the_table_has_it_and_its_archive_exists() {
        let dir = tempfile::tempdir().unwrap();
        assert!(!is_used(dir.path()));
        fs::write(dir.path().join(TABLE), TEXT).unwrap();
        assert!(is_used(dir.path()) && is_in_place(dir.path(), "b"));
        assert!(!is_in_place(dir.path(), "c"));
        assert!(!is_in_place(dir.path(), "left-pad"));
        fs::create_dir_all(dir.path().join(".yarn/cache")).unwrap();
        fs::write(dir.path().join(".yarn/cache/left-pad-npm-1.3.0-1.zip"), "").unwrap();
        assert!(is_in_place(dir.path(), "left-pad"));
    }

    #[test]
    fn node_is_given_what_yarn_node_sets() {
        let dir = tempfile::tempdir().unwrap();
        let below = dir.path().join("a/b");
        fs::create_dir_all(&below).unwrap();
        assert_eq!(node_options(&below), None);
        fs::write(dir.path().join(TABLE), "").unwrap();
        let table = dir.path().join(TABLE);
        let options = node_options(&below).unwrap();
        assert_eq!(options, format!("--require {}", table.display()));
        fs::write(dir.path().join(LOADER), "").unwrap();
        let options = node_options(&below).unwrap();
        assert!(
            options.contains(" --experimental-loader file:///"),
            "{options}"
        );
    }
}
