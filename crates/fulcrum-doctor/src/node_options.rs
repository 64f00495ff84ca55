//! What is in `NODE_OPTIONS`.

use std::path::{Path, PathBuf};

use crate::facts::NodeOptionsFacts;

/// Options that load a file before the program.
const PRELOADS: [&str; 5] = [
    "--require",
    "-r",
    "--import",
    "--loader",
    "--experimental-loader",
];

/// What `require` tries behind a path.
const SUFFIXES: [&str; 5] = ["", ".js", ".json", ".node", "/index.js"];

/// Reads the value. `cwd` is what its paths are relative to; `exists` tells whether a path is there.
pub(crate) fn analyze(value: &str, cwd: &Path, exists: impl Fn(&Path) -> bool) -> NodeOptionsFacts {
    let Some(words) = split(value) else {
        return NodeOptionsFacts {
            value: value.to_owned(),
            is_unclosed: true,
            ..NodeOptionsFacts::default()
        };
    };
    let mut facts = NodeOptionsFacts {
        value: value.to_owned(),
        ..NodeOptionsFacts::default()
    };
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        let (name, attached) = match word.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (word, None),
        };
        if PRELOADS.contains(&name.as_str()) {
            let file = attached.or_else(|| words.next()).unwrap_or_default();
            if !is_found(&file, cwd, &exists) {
                facts.missing_preloads.push((name, file));
            }
        } else if matches!(
            name.as_str(),
            "--inspect" | "--inspect-brk" | "--inspect-wait"
        ) {
            // Port 0 is another one for each process.
            let is_free = attached.is_some_and(|at| at == "0" || at.ends_with(":0"));
            facts.inspector = (!is_free).then_some(name);
        }
    }
    facts
}

/// Whether Node would find a module: a path, or a package in a `node_modules` upward.
fn is_found(file: &str, cwd: &Path, exists: &impl Fn(&Path) -> bool) -> bool {
    let path = file.strip_prefix("file://").unwrap_or(file);
    if file.starts_with("node:") || file.starts_with("data:") {
        return true;
    }
    if path.starts_with(['/', '.']) {
        let full = cwd.join(path);
        return SUFFIXES
            .iter()
            .any(|suffix| exists(&PathBuf::from(format!("{}{suffix}", full.display()))));
    }
    let parts = if path.starts_with('@') { 2 } else { 1 };
    let package: PathBuf = path.split('/').take(parts).collect();
    !path.is_empty()
        && cwd
            .ancestors()
            .any(|dir| exists(&dir.join("node_modules").join(&package)))
}

/// The words, as Node splits them: at spaces outside of double quotes, in which a backslash escapes.
/// None if a quote is not closed.
fn split(value: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut is_quoted = false;
    let mut chars = value.chars();
    while let Some(char) = chars.next() {
        match char {
            '"' => {
                is_quoted = !is_quoted;
                word.get_or_insert_default();
            }
            '\\' if is_quoted => word.get_or_insert_default().extend(chars.next()),
            ' ' if !is_quoted => words.extend(word.take()),
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    (!is_quoted).then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing(value: &str) -> Vec<String> {
        let exists = |path: &Path| {
            [
                "/app/pre.js",
                "/app/node_modules/tsx",
                "/app/node_modules/@a/b",
            ]
            .iter()
            .any(|known| Path::new(known) == path)
        };
        let facts = analyze(value, Path::new("/app"), exists);
        let files = facts.missing_preloads.into_iter();
        files.map(|(_, file)| file).collect()
    }

    #[test]
    fn preloads_that_do_not_exist_are_found_in_all_forms() {
        for found in [
            "",
            "--require /app/pre.js",
            "-r=./pre",
            "--import file:///app/pre.js",
            "--import tsx/esm --require @a/b/c",
            "--max-old-space-size=4096 --require \"/app/pre.js\"",
            "--import node:test",
        ] {
            assert_eq!(missing(found), Vec::<String>::new(), "{found}");
        }
        assert_eq!(
            missing("--require /nope.js -r left-pad"),
            ["/nope.js", "left-pad"]
        );
        assert_eq!(missing("--import=\"/no pe.mjs\""), ["/no pe.mjs"]);
    }

    #[test]
    fn a_debugger_port_and_an_open_quote_are_found() {
        let facts = |value| analyze(value, Path::new("/"), |_| true);
        assert_eq!(facts("--inspect").inspector.as_deref(), Some("--inspect"));
        assert_eq!(facts("--inspect=127.0.0.1:0").inspector, None);
        assert!(facts("--require \"/a b").is_unclosed);
    }
}
