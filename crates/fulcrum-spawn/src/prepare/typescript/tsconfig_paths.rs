//! Path aliases of `tsconfig.json`, which Node does not resolve.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::prepare::files::ancestors_until;

/// How many files may extend each other.
const MAX_EXTENDS_DEPTH: usize = 8;

/// `compilerOptions.paths` of a directory.
#[derive(Debug, Clone, Default)]
pub(super) struct TsconfigPaths {
    /// Patterns with their targets; a `*` matches any text.
    patterns: Vec<(String, Vec<PathBuf>)>,
}

impl TsconfigPaths {
    /// Reads the aliases for `dir`: those of the nearest `tsconfig.json` upward to `top`, or of what
    /// it extends. A file that cannot be read has none; Node does not read it either.
    pub(super) fn load(dir: &Path, top: &Path) -> Self {
        let file = ancestors_until(dir, top)
            .map(|dir| dir.join("tsconfig.json"))
            .find(|file| file.is_file());
        file.and_then(|file| read(&file, 0)).unwrap_or_default()
    }

    /// Whether a specifier is an alias of an existing file.
    pub(super) fn resolves(&self, specifier: &str) -> bool {
        self.patterns.iter().any(|(pattern, targets)| {
            let middle = match pattern.split_once('*') {
                None => (pattern == specifier).then_some(""),
                Some((head, tail)) => specifier
                    .strip_prefix(head)
                    .and_then(|rest| rest.strip_suffix(tail)),
            };
            middle.is_some_and(|middle| targets.iter().any(|target| exists(target, middle)))
        })
    }
}

fn exists(target: &Path, middle: &str) -> bool {
    let path = target.to_string_lossy().replace('*', middle);
    [
        "",
        ".ts",
        ".tsx",
        ".mts",
        ".cts",
        ".js",
        "/index.ts",
        "/index.js",
    ]
    .iter()
    .any(|ending| Path::new(&format!("{path}{ending}")).is_file())
        || path
            .strip_suffix(".js")
            .is_some_and(|stem| Path::new(&format!("{stem}.ts")).is_file())
}

fn read(file: &Path, depth: usize) -> Option<TsconfigPaths> {
    let dir = file.parent()?;
    let config: Value =
        serde_json::from_str(&strip_comments(&fs::read_to_string(file).ok()?)).ok()?;
    let options = config.get("compilerOptions");
    if let Some(paths) = options
        .and_then(|options| options.get("paths"))
        .and_then(Value::as_object)
    {
        let base = options
            .and_then(|options| options.get("baseUrl"))
            .and_then(Value::as_str);
        let base = dir.join(base.unwrap_or("."));
        let targets = |list: &Value| {
            let list = list
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str);
            list.map(|target| base.join(target.trim_start_matches("./")))
                .collect()
        };
        let patterns = paths
            .iter()
            .map(|(pattern, list)| (pattern.clone(), targets(list)))
            .collect();
        return Some(TsconfigPaths { patterns });
    }
    if depth == MAX_EXTENDS_DEPTH {
        return None;
    }
    let base_configs = match config.get("extends")? {
        Value::String(one) => vec![one.as_str()],
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
        _ => return None,
    };
    base_configs
        .into_iter()
        .rev()
        .filter(|name| name.starts_with('.'))
        .find_map(|name| {
            let path = dir.join(name);
            let path = if path.is_file() {
                path
            } else {
                dir.join(format!("{name}.json"))
            };
            read(&path, depth + 1)
        })
}

/// Removes comments and trailing commas, which `tsconfig.json` may have and JSON may not.
fn strip_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.trim_start_matches('\u{feff}').chars().peekable();
    let mut in_string = false;
    while let Some(c) = rest.next() {
        match (in_string, c, rest.peek()) {
            (true, '\\', _) => {
                out.push(c);
                out.extend(rest.next());
                continue;
            }
            (_, '"', _) => in_string = !in_string,
            (false, '/', Some('/')) => {
                while rest.peek().is_some_and(|c| *c != '\n') {
                    rest.next();
                }
                continue;
            }
            (false, '/', Some('*')) => {
                rest.next();
                let mut last = ' ';
                for c in rest.by_ref() {
                    if last == '*' && c == '/' {
                        break;
                    }
                    last = c;
                }
                continue;
            }
            (false, '}' | ']', _) => {
                let end = out.trim_end().len();
                if out[..end].ends_with(',') {
                    out.truncate(end - 1);
                }
            }
            _ => {}
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_aliases_of_existing_files_resolve() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        fs::create_dir_all(root.join("src/lib")).unwrap();
        fs::write(root.join("src/lib/a.ts"), "").unwrap();
        let base = "{ // base\n \"compilerOptions\": {\"baseUrl\": \"./src\", /* x */\n\
                    \"paths\": {\"@lib/*\": [\"lib/*\",], \"*\": [\"types/*\"],},},}";
        fs::write(root.join("tsconfig.base.json"), base).unwrap();
        fs::write(
            root.join("tsconfig.json"),
            r#"{"extends": "./tsconfig.base"}"#,
        )
        .unwrap();
        let aliases = TsconfigPaths::load(&root.join("src"), root);
        assert!(aliases.resolves("@lib/a") && aliases.resolves("@lib/a.js"));
        assert!(!aliases.resolves("@lib/b") && !aliases.resolves("left-pad"));
    }

    #[test]
    fn comment_marks_in_strings_stay() {
        assert_eq!(
            strip_comments(r#"{"a//b": "/*\"*/", }"#),
            r#"{"a//b": "/*\"*/"}"#
        );
    }
}
