//! The files in which version managers look for a version of Node.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use crate::StartError;

/// The files, in the order in which they are looked for in one directory.
pub(super) const VERSION_FILES: [&str; 6] = [
    ".nvmrc",
    ".node-version",
    ".tool-versions",
    "mise.toml",
    ".mise.toml",
    ".config/mise.toml",
];

/// Reads a file as text; `None` if there is none.
///
/// # Errors
/// A permanent failure if it cannot be read, or is not UTF-8 text: what it says may matter.
pub(super) fn read_text(path: &Path) -> Result<Option<String>, StartError> {
    let shown = path.display();
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => {
            let text = format!("{shown}: cannot be read: {error}");
            return Err(StartError::permanent(text)
                .hint("it may name the version of Node: correct its permissions, or remove it"));
        }
    };
    let encoding = match bytes.as_slice() {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "UTF-16 text",
        bytes if bytes.contains(&0) => "not text, or UTF-16 text",
        bytes => match std::str::from_utf8(bytes) {
            Ok(text) => return Ok(Some(text.trim_start_matches('\u{feff}').to_owned())),
            Err(_) => "not UTF-8 text",
        },
    };
    Err(StartError::permanent(format!("{shown}: is {encoding}"))
        .hint("save it as UTF-8; PowerShell's `>` writes UTF-16"))
}

/// What a version file says about Node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum VersionText {
    /// Nothing: it is about other programs.
    Nothing,
    /// A version as it is written.
    Version(String),
    /// It has to name a version and does not, or cannot be parsed, for this reason.
    Invalid(String),
}

/// What the text of the version file with this name says.
pub(super) fn version_text(name: &str, text: &str) -> VersionText {
    match name {
        ".nvmrc" | ".node-version" => single_version(text),
        ".tool-versions" => tool_versions(text),
        _ => mise(text),
    }
}

/// A file with one version. nvm also reads `key=value` settings from it.
fn single_version(text: &str) -> VersionText {
    let is_setting = |line: &str| {
        line.split_once('=').is_some_and(|(key, _)| {
            let key = key.trim();
            key.starts_with(|c: char| c.is_ascii_alphabetic())
                && key
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c))
        })
    };
    let mut lines = text.lines().map(without_comment);
    let version = lines.find(|line| !line.is_empty() && !is_setting(line));
    version.map_or_else(
        || VersionText::Invalid("names no version of Node".to_owned()),
        |version| VersionText::Version(version.to_owned()),
    )
}

/// The lines of asdf: a tool, and its versions in the order of preference.
fn tool_versions(text: &str) -> VersionText {
    for line in text.lines().map(without_comment) {
        let mut words = line.split_whitespace();
        if matches!(words.next(), Some("nodejs" | "node")) {
            let versions: Vec<&str> = words.collect();
            return if versions.is_empty() {
                VersionText::Invalid("names no version after nodejs".to_owned())
            } else {
                VersionText::Version(versions.join(" || "))
            };
        }
    }
    VersionText::Nothing
}

/// `[tools]` of mise: a version, a table with one, or a list of both.
fn mise(text: &str) -> VersionText {
    let table: toml::Table = match text.parse() {
        Ok(table) => table,
        Err(error) => {
            let message = error.message().to_owned();
            return VersionText::Invalid(format!("is not valid TOML: {message}"));
        }
    };
    let tools = table.get("tools").and_then(toml::Value::as_table);
    let node = tools.and_then(|tools| {
        let names = ["node", "nodejs", "core:node"];
        names.iter().find_map(|name| tools.get(*name))
    });
    let Some(node) = node else {
        return VersionText::Nothing;
    };
    let versions: Vec<String> = match node {
        toml::Value::Array(list) => list.iter().filter_map(mise_version).collect(),
        one => mise_version(one).into_iter().collect(),
    };
    if versions.is_empty() {
        return VersionText::Invalid("names no version in tools.node".to_owned());
    }
    VersionText::Version(versions.join(" || "))
}

fn mise_version(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::Table(table) => table.get("version").and_then(mise_version),
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Float(number) => Some(number.to_string()),
        _ => None,
    }
}

fn without_comment(line: &str) -> &str {
    line.split('#').next().unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_read_in_its_own_form() {
        let version = |text: &str| VersionText::Version(text.to_owned());
        for (name, text, expected) in [
            (".nvmrc", "# ours\n\n  22 # jod\n", version("22")),
            (".nvmrc", "symlink=true\n20\n", version("20")),
            (".node-version", ">=22\n", version(">=22")),
            (".node-version", "22.1.0\r\n", version("22.1.0")),
            (
                ".tool-versions",
                "python 3.12\nnodejs 22.1.0 20\n",
                version("22.1.0 || 20"),
            ),
            (".tool-versions", "python 3.12\n", VersionText::Nothing),
            ("mise.toml", "[tools]\nnode = \"22\"\n", version("22")),
            (
                "mise.toml",
                "[tools]\nnode = ['22', {version = '20'}]\n",
                version("22 || 20"),
            ),
            (
                "mise.toml",
                "[tools]\nnodejs = {version = 'lts'}\n",
                version("lts"),
            ),
            ("mise.toml", "[env]\nA = 1\n", VersionText::Nothing),
        ] {
            assert_eq!(version_text(name, text), expected, "{name}: {text:?}");
        }
        for (name, text) in [
            (".nvmrc", "# nothing\n"),
            (".tool-versions", "nodejs # none\n"),
            ("mise.toml", "[tools\n"),
            ("mise.toml", "[tools]\nnode = true\n"),
        ] {
            assert!(
                matches!(version_text(name, text), VersionText::Invalid(_)),
                "{name}: {text:?}"
            );
        }
    }

    #[test]
    fn a_file_that_is_no_text_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(".nvmrc");
        assert_eq!(read_text(&path).unwrap(), None);
        fs::write(&path, "\u{feff}22").unwrap();
        assert_eq!(read_text(&path).unwrap().as_deref(), Some("22"));
        fs::write(&path, [0xff, 0xfe, b'2', 0, b'2', 0]).unwrap();
        assert!(read_text(&path).unwrap_err().message.contains("UTF-16"));
        fs::write(&path, [b'2', 0, b'2', 0]).unwrap();
        assert!(read_text(&path).is_err());
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert!(
            read_text(&path)
                .unwrap_err()
                .message
                .contains("cannot be read")
        );
    }
}
