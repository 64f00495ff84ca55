//! Static imports of files that do not exist, found before a running generation is stopped.
//!
//! A program whose static imports cannot all be resolved does not start. What is imported on demand
//! may be missing: the program can catch that. So only `import … from` and `export … from` are
//! followed, from the entry, and the names in them, where both files are ES modules in JavaScript: for
//! TypeScript a missing name may be a type, or undefined in a CommonJS module. Packages may be provided in many ways: one is missing only if none of
//! them is possible. In doubt, as for a file that cannot be parsed, nothing is missing.

use std::collections::HashSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::absent_package::absent_package;
use super::content_cache::ContentCache;
use super::import_visitor::parse_module;
use super::module_info::{Import, ImportKind};
use super::position::line_text;
use super::resolver::{ImportResolver, Importer, NodeResolution, Target, Via, is_path};
use super::scan::is_scanned;
use super::strip::{StripError, StripErrorKind, run_isolated, strip_text};
use super::surroundings::{SurroundingsReader, is_always_compiled, is_typescript};

/// A program of more files is not checked.
const MAX_FILES: usize = 2_000;

/// Which imports of a program are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckedImports {
    /// Files: packages are found in another way than by Node.
    Files,
    /// Files, and packages that Node finds in `node_modules`.
    FilesAndPackages,
}

/// The static imports of files, each content parsed once.
#[derive(Debug, Default)]
pub(super) struct StaticImports(ContentCache<Arc<ParsedFile>>);

/// What a file imports and exports; nothing if it cannot be parsed.
#[derive(Debug, Default)]
struct ParsedFile {
    /// The static imports.
    imports: Vec<Import>,
    /// The names that can be imported from it; `None` if others may be possible.
    exports: Option<Vec<String>>,
}

impl StaticImports {
    /// A static import of a file that does not exist, or a file that may not be read, if the program
    /// has any. `None` also if the program is too large. Reads and parses files.
    pub(super) fn first_error(&self, entry: &Path, checked: CheckedImports) -> Option<StripError> {
        let resolver = ImportResolver::new(&NodeResolution::default());
        let surroundings = SurroundingsReader::new(resolver.base());
        // The entry may be named by a link, and Node resolves its imports from its real path.
        let mut next = vec![entry.canonicalize().ok()?];
        let mut seen: HashSet<PathBuf> = next.iter().cloned().collect();
        while let Some(path) = next.pop() {
            if seen.len() > MAX_FILES {
                return None;
            }
            let content = match fs::read(&path) {
                Ok(content) => content,
                Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                    let message = format!("cannot be read: {error}");
                    return Some(error_in(&path, (1, 1), message, ""));
                }
                // It was removed a moment ago.
                Err(_) => continue,
            };
            let around = surroundings.of_dir(path.parent()?).ok()?;
            let importer = Importer {
                path: &path,
                is_compiled: is_always_compiled(&path),
                tsconfig: around.tsconfig.as_deref(),
            };
            for import in &self.parsed(&path, &content).imports {
                match resolver.resolve(importer, &import.specifier, Via::Import) {
                    Target::Missing if may_be_types(&path, import) => {}
                    Target::Missing if is_path(&import.specifier) => {
                        return Some(missing(&path, import, "does not exist"));
                    }
                    Target::Missing => {
                        let absent = absent_package(path.parent()?, &import.specifier);
                        if absent.is_some() && checked == CheckedImports::FilesAndPackages {
                            return Some(missing(&path, import, "is not installed"));
                        }
                    }
                    Target::File(found) | Target::NodeFile(found) => {
                        if let Some(error) = self.missing_name(&path, import, &found) {
                            return Some(error);
                        }
                        if is_scanned(&found) && seen.insert(found.clone()) {
                            next.push(found);
                        }
                    }
                    Target::Package(_) | Target::Node => {}
                }
            }
        }
        None
    }

    /// The first imported name that the file it comes from does not export.
    fn missing_name(&self, path: &Path, import: &Import, target: &Path) -> Option<StripError> {
        if is_typescript(path) || is_typescript(target) || import.names.is_empty() {
            return None;
        }
        let target = self.parsed(target, &fs::read(target).ok()?);
        let exports = target.exports.as_ref()?;
        let (name, at) = import
            .names
            .iter()
            .find(|(name, _)| !exports.contains(name))?;
        let text = fs::read_to_string(path).unwrap_or_default();
        let message = match name.as_str() {
            "default" => format!("{:?} has no default export", import.specifier),
            name => format!("{:?} does not export `{name}`", import.specifier),
        };
        let source_line = line_text(&text, at.line);
        Some(error_in(path, (at.line, at.column), message, &source_line))
    }

    fn parsed(&self, path: &Path, content: &[u8]) -> Arc<ParsedFile> {
        let parse = || Arc::new(parse(path, content).unwrap_or_default());
        self.0.get(path, content, parse).value
    }
}

/// `None` if the file cannot be parsed.
fn parse(path: &Path, content: &[u8]) -> Option<ParsedFile> {
    let text = std::str::from_utf8(content).ok()?;
    let info = if is_typescript(path) {
        // Imports that are only types are gone from the stripped code.
        strip_text(path, text).ok()?.1
    } else {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        run_isolated(text, |text| parse_module(&text)).flatten()?
    };
    let imports = info.imports.into_iter();
    let is_checked = |import: &Import| import.kind == ImportKind::Static;
    Some(ParsedFile {
        imports: imports.filter(is_checked).collect(),
        exports: (info.is_module && !info.exports_all).then_some(info.exports),
    })
}

/// Whether an import may be gone from the compiled code: TypeScript removes those that are only
/// types, such as `import { type T }` and those from a file of declarations.
fn may_be_types(path: &Path, import: &Import) -> bool {
    let has_declarations = || {
        let target = path.with_file_name(&import.specifier);
        ["d.ts", "d.mts", "d.cts"].iter().any(|extension| {
            let beside = PathBuf::from(format!("{}.{extension}", target.display()));
            beside.exists() || target.with_extension(extension).exists()
        })
    };
    is_typescript(path) && (import.names.is_empty() || has_declarations())
}

fn missing(path: &Path, import: &Import, what: &str) -> StripError {
    let text = fs::read_to_string(path).unwrap_or_default();
    let at = (import.at.line, import.at.column);
    let message = format!("imports {:?}, which {what}", import.specifier);
    error_in(path, at, message, &line_text(&text, at.0))
}

fn error_in(path: &Path, at: (u32, u32), message: String, source_line: &str) -> StripError {
    StripError {
        file: path.to_path_buf(),
        line: at.0,
        column: at.1,
        message,
        kind: StripErrorKind::Syntax,
        source_line: source_line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first line of the error of a program of these files, whose entry is the first.
    fn first_missing(files: &[(&str, &str)]) -> Option<String> {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        for (path, text) in files {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let error = StaticImports::default()
            .first_error(&root.join(files[0].0), CheckedImports::FilesAndPackages)?;
        let text = error.to_string();
        let line = text.lines().next().unwrap();
        Some(line.replace(&format!("{}/", root.display()), ""))
    }

    #[test]
    fn a_program_whose_imports_all_exist_is_accepted() {
        for files in [
            &[
                (
                    "a.mjs",
                    "import './b.js'; import fs from 'node:fs'; export * from './c.json' with { type: 'json' };",
                ),
                ("b.js", "import pkg from 'listed'; import './a.mjs';"),
                ("c.json", "{}"),
                ("package.json", "{\"dependencies\": {\"listed\": \"1\"}}"),
            ][..],
            &[
                (
                    "a.js",
                    "import './b.js?x=1'; const c = () => import('./gone.js'); import '#lib';",
                ),
                ("b.js", ""),
            ],
            &[(
                "a.js",
                "try { require('./gone') } catch {}; require('./gone')",
            )],
            &[
                (
                    "a.ts",
                    "import type { T } from './gone'; import { b } from './b'; import { type D } from './gone'; b",
                ),
                ("b.ts", "export const b = 1"),
            ],
            &[
                ("a.ts", "import { b } from './b.js'; b"),
                ("b.ts", "export const b = 1"),
            ],
            &[("a.mjs", "import ;")],
            &[
                (
                    "a.mjs",
                    "import d, { x, y as z } from './b.mjs'; import * as n from './b.mjs'; import c, { any } from './c.cjs'; import { other } from './all.mjs'; import j from './j.json' with { type: 'json' };",
                ),
                (
                    "b.mjs",
                    "export default 1; export const { x, ...rest } = {}; export { rest as y };",
                ),
                ("c.cjs", "module.exports = { [Math.random()]: 1 }"),
                ("all.mjs", "export * from './c.cjs';"),
                ("j.json", "{}"),
            ],
            // In a CommonJS module it is undefined.
            &[
                ("a.ts", "import { gone } from './b'; console.log(gone)"),
                ("b.ts", "export const b = 1"),
            ],
        ] {
            assert_eq!(first_missing(files), None, "{files:?}");
        }
    }

    #[test]
    fn a_missing_import_has_its_position() {
        for (files, expected) in [
            (
                &[
                    ("a.mjs", "import './b.mjs';\n"),
                    ("b.mjs", "\nexport { c } from './lib/c.mjs';\n"),
                ][..],
                "b.mjs:2:19: imports \"./lib/c.mjs\", which does not exist",
            ),
            (
                &[("a.mjs", "import pkg from 'not-installed/lib';\n")],
                "a.mjs:1:17: imports \"not-installed/lib\", which is not installed",
            ),
            (
                &[
                    ("a.mjs", "import { x,\n  y } from './b.mjs';\n"),
                    ("b.mjs", "export const x = 1, z = 2;\n"),
                ],
                "a.mjs:2:3: \"./b.mjs\" does not export `y`",
            ),
            (
                &[
                    ("a.mjs", "import b from './b.mjs';\n"),
                    ("b.mjs", "export const b = 1;\n"),
                ],
                "a.mjs:1:8: \"./b.mjs\" has no default export",
            ),
            (
                &[("a.ts", "import { b } from './b';\nb()")],
                "a.ts:1:19: imports \"./b\", which does not exist",
            ),
        ] {
            assert_eq!(first_missing(files).as_deref(), Some(expected));
        }
    }

    #[test]
    fn a_file_that_is_saved_again_is_parsed_again() {
        let dir = tempfile::tempdir().unwrap();
        let (entry, other) = (dir.path().join("a.mjs"), dir.path().join("b.mjs"));
        let imports = StaticImports::default();
        fs::write(&entry, "import './b.mjs'").unwrap();
        assert!(imports.first_error(&entry, CheckedImports::Files).is_some());
        fs::write(&other, "").unwrap();
        assert!(imports.first_error(&entry, CheckedImports::Files).is_none());
        fs::write(&entry, "import './b.mjs'; import './c.mjs'").unwrap();
        assert!(imports.first_error(&entry, CheckedImports::Files).is_some());
    }
}
