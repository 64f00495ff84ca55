//! Path aliases of `tsconfig.json`, which only tools know and Node doesn't.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::prepare::files::ancestors_until;

/// `compilerOptions.paths` of a folder.
#[derive(Debug, Clone, Default)]
pub(super) struct TsconfigPaths {
    /// Patterns with their targets; a `*` stands for the rest.
    patterns: Vec<(String, Vec<PathBuf>)>,
}

impl TsconfigPaths {
    /// Those that hold in `dir`, from the nearest `tsconfig.json` upward to `top` and what it
    /// extends. One that can't be read has none: Node doesn't read it either.
    pub(super) fn of(dir: &Path, top: &Path) -> Self {
        let file = ancestors_until(dir, top)
            .map(|dir| dir.join("tsconfig.json"))
            .find(|file| file.is_file());
        file.and_then(|file| read(&file, 0)).unwrap_or_default()
    }

    /// Whether a specifier is an alias of a file that is there.
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
        serde_json::from_str(&without_comments(&fs::read_to_string(file).ok()?)).ok()?;
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
    if depth == 8 {
        return None;
    }
    let extended = match config.get("extends")? {
        Value::String(one) => vec![one.as_str()],
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
        _ => return None,
    };
    extended
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

/// `tsconfig.json` may have comments and commas at the end of a list; JSON may not.
fn without_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.trim_start_matches('\u{feff}').chars().peekable();
    let mut in_text = false;
    while let Some(c) = rest.next() {
        match (in_text, c, rest.peek()) {
            (true, '\\', _) => {
                out.push(c);
                out.extend(rest.next());
                continue;
            }
            (_, '"', _) => in_text = !in_text,
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
    fn aliases_count_only_where_they_name_a_file() {
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
        let aliases = TsconfigPaths::of(&root.join("src"), root);
        assert!(aliases.resolves("@lib/a") && aliases.resolves("@lib/a.js"));
        assert!(!aliases.resolves("@lib/b") && !aliases.resolves("left-pad"));
    }

    #[test]
    fn comment_marks_inside_of_texts_stay() {
        assert_eq!(
            without_comments(r#"{"a//b": "/*\"*/", }"#),
            r#"{"a//b": "/*\"*/"}"#
        );
    }
}
