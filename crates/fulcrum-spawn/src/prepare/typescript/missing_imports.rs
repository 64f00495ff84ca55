//! Static imports of files that do not exist, found before a running generation is stopped.
//!
//! A program whose static imports cannot all be resolved does not start. What is imported on demand
//! may be missing: the program can catch that. So only `import … from` and `export … from` are
//! followed, from the entry, and only paths, since packages may be provided in many ways. In doubt,
//! as for a file that cannot be parsed, nothing is missing.

use std::collections::HashSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

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

/// The static imports of files, each content parsed once.
#[derive(Debug, Default)]
pub(super) struct StaticImports(ContentCache<Arc<[Import]>>);

impl StaticImports {
    /// A static import of a file that does not exist, or a file that may not be read, if the program
    /// has any. `None` also if the program is too large. Reads and parses files.
    pub(super) fn first_error(&self, entry: &Path) -> Option<StripError> {
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
            for import in self.of_file(&path, &content).iter() {
                match resolver.resolve(importer, &import.specifier, Via::Import) {
                    Target::Missing if may_be_types(&path, import) => {}
                    Target::Missing => return Some(missing(&path, import)),
                    Target::File(found) | Target::NodeFile(found) => {
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

    /// The static imports of paths.
    fn of_file(&self, path: &Path, content: &[u8]) -> Arc<[Import]> {
        let parse = || parse(path, content).unwrap_or_default().into();
        self.0.get(path, content, parse).value
    }
}

/// The static imports of paths in a file; `None` if it cannot be parsed.
fn parse(path: &Path, content: &[u8]) -> Option<Vec<Import>> {
    let text = std::str::from_utf8(content).ok()?;
    let info = if is_typescript(path) {
        // Imports that are only types are gone from the stripped code.
        strip_text(path, text).ok()?.1
    } else {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        run_isolated(text, |text| parse_module(&text)).flatten()?
    };
    let imports = info.imports.into_iter();
    let is_checked =
        |import: &Import| import.kind == ImportKind::Static && is_path(&import.specifier);
    Some(imports.filter(is_checked).collect())
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

fn missing(path: &Path, import: &Import) -> StripError {
    let text = fs::read_to_string(path).unwrap_or_default();
    let at = (import.at.line, import.at.column);
    let message = format!("imports {:?}, which does not exist", import.specifier);
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
        let error = StaticImports::default().first_error(&root.join(files[0].0))?;
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
                ("b.js", "import pkg from 'not-installed'; import './a.mjs';"),
                ("c.json", "{}"),
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
        assert!(imports.first_error(&entry).is_some());
        fs::write(&other, "").unwrap();
        assert!(imports.first_error(&entry).is_none());
        fs::write(&entry, "import './b.mjs'; import './c.mjs'").unwrap();
        assert!(imports.first_error(&entry).is_some());
    }
}
