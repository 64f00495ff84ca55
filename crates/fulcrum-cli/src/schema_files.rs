//! The JSON Schemas in `.fulcrum/schema`, which files written by `init` and `generate` name for editors.

use std::path::{Path, PathBuf};
use std::{fs, io};

use fulcrum_config::{app_json_schema, domain_json_schema};

/// As the first line of a configuration file names it.
const DIRECTORY: &str = ".fulcrum/schema";

/// Writes the schemas of this version into an app, if they are not there.
///
/// # Errors
/// The file that cannot be written, and why.
pub(crate) fn write(root: &Path) -> Result<(), (PathBuf, io::Error)> {
    let directory = root.join(DIRECTORY);
    for (name, schema) in [
        ("app.json", app_json_schema()),
        ("domain.json", domain_json_schema()),
    ] {
        let path = directory.join(name);
        let text = format!("{schema:#}\n");
        if fs::read(&path).is_ok_and(|old| old == text.as_bytes()) {
            continue;
        }
        replace(&path, &text).map_err(|error| (path, error))?;
    }
    Ok(())
}

/// Writes them where the app's file names them. They are not in git, so that the first start after a
/// clone or an update writes them. A failure is left to `init`, which has somebody to tell.
pub(crate) fn refresh(root: &Path) {
    let text = fs::read_to_string(root.join("fulcrum.yml"));
    if text.is_ok_and(|text| text.contains(DIRECTORY)) {
        let _ = write(root);
    }
}

/// An editor never reads half a file.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    let new = path.with_extension("new");
    fs::write(&new, text)?;
    fs::rename(&new, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemas_are_written_where_the_file_of_the_app_names_them() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let schema = dir.path().join(".fulcrum/schema/domain.json");
        let config = dir.path().join("fulcrum.yml");
        fs::write(&config, "runtime: {}\n").expect("writable");
        refresh(dir.path());
        assert!(!schema.exists());
        let line = "# yaml-language-server: $schema=.fulcrum/schema/app.json\n";
        fs::write(&config, line).expect("writable");
        refresh(dir.path());
        let text = fs::read_to_string(&schema).expect("it was written");
        let written: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(written, domain_json_schema());
        // One of another version is replaced.
        fs::write(&schema, "{}").expect("writable");
        write(dir.path()).expect("writable");
        assert_eq!(fs::read_to_string(&schema).expect("it is there"), text);
    }
}
