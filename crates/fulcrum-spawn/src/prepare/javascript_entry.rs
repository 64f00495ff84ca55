//! Whether an entry in JavaScript may import what Node alone does not run: cheap checks, so that a plain
//! JavaScript domain starts as fast as without them.

use std::fs;
use std::path::Path;

use super::package_json::PackageJson;
use super::typescript::sources::has_module_syntax;
use super::typescript::surroundings::is_repository_root;
use super::typescript::tsconfig::TSCONFIG;

/// Whether the imports of a JavaScript entry have to be followed: it mentions TypeScript, or a file of
/// TypeScript by another name, its `import` syntax contradicts its package, or it is part of a
/// TypeScript project or of a workspace.
pub(super) fn may_need_loader(entry: &Path, app_root: &Path, cache: &Path) -> bool {
    mentions_typescript(entry)
        || names_typescript_file(entry)
        || is_in_project(entry, app_root)
        || (is_in_commonjs_package(entry) && has_module_syntax(entry, cache))
}

/// Whether the text of a file may import TypeScript.
fn mentions_typescript(entry: &Path) -> bool {
    let Ok(text) = fs::read(entry) else {
        return false;
    };
    let ends_specifier =
        |at: usize| matches!(text.get(at), Some(b'\'' | b'"' | b'`' | b'?' | b'#'));
    [".ts", ".tsx", ".mts", ".cts", ".jsx"]
        .iter()
        .any(|extension| find_all(&text, extension.as_bytes()).any(ends_specifier))
}

/// Whether a string in the text of a file, such as `'./b'` or `'./b.js'`, may mean a file of TypeScript.
fn names_typescript_file(entry: &Path) -> bool {
    const REPLACED: [(&str, [&str; 2]); 4] = [
        (".js", [".ts", ".tsx"]),
        (".mjs", [".mts", ".mts"]),
        (".cjs", [".cts", ".cts"]),
        ("", [".ts", ".tsx"]),
    ];
    let (Ok(text), Some(dir)) = (fs::read_to_string(entry), entry.parent()) else {
        return false;
    };
    let paths = text
        .split(['\'', '"', '`'])
        .filter(|word| word.starts_with("./") || word.starts_with("../"))
        .filter(|word| !word.contains(['\n', '\0']));
    paths.into_iter().any(|path| {
        let exists = |candidate: String| dir.join(candidate).is_file();
        let replaced = REPLACED.iter().any(|(written, meant)| {
            path.strip_suffix(written)
                .is_some_and(|stem| meant.iter().any(|end| exists(format!("{stem}{end}"))))
        });
        replaced || exists(format!("{path}/index.ts")) || exists(format!("{path}/index.tsx"))
    })
}

/// The ends of the occurrences of `needle`.
fn find_all<'a>(text: &'a [u8], needle: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    text.windows(needle.len())
        .enumerate()
        .filter(move |(_, window)| *window == needle)
        .map(move |(at, _)| at + needle.len())
}

fn is_in_commonjs_package(entry: &Path) -> bool {
    let scope = entry.parent().map(PackageJson::package_scope);
    // Node reports a package.json that cannot be read.
    let scope = scope.and_then(|scope| scope.ok().flatten());
    scope.is_some_and(|package| package.r#type.as_str() == Some("commonjs"))
        && entry.extension().is_none_or(|extension| extension != "mjs")
}

/// Whether a directory from the entry's upward to the root of its repository, or of the app if that is
/// none, has a `tsconfig.json` or declares a workspace.
fn is_in_project(entry: &Path, app_root: &Path) -> bool {
    let mut dirs: Vec<&Path> = entry.ancestors().skip(1).collect();
    if let Some(root) = dirs.iter().position(|dir| is_repository_root(dir)) {
        dirs.truncate(root + 1);
    } else {
        dirs.retain(|dir| dir.starts_with(app_root));
    }
    dirs.into_iter().any(|dir| {
        dir.join(TSCONFIG).is_file()
            || dir.join("pnpm-workspace.yaml").is_file()
            || declares_workspaces(dir)
    })
}

fn declares_workspaces(dir: &Path) -> bool {
    const KEY: &[u8] = b"\"workspaces\"";
    let text = fs::read(dir.join("package.json"));
    text.is_ok_and(|text| text.windows(KEY.len()).any(|window| window == KEY))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_need_a_loader_is_scanned() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let entry = root.join("app/domains/users/domain.js");
        let cache = root.join("cache");
        let write = |name: &str, text: &str| {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let needs = |text: &str| {
            write("app/domains/users/domain.js", text);
            may_need_loader(&entry, &root.join("app"), &cache)
        };
        write("app/package.json", r#"{"type": "commonjs"}"#);
        write("tsconfig.json", "{}");
        assert!(!needs("const a = require('./b.js') // export important"));
        assert!(needs("import a from './b.js'"));
        assert!(needs("require('./b.ts')") && needs("require('./b.tsx')"));
        assert!(!needs("a.tsunami"));
        write("app/domains/users/c.ts", "");
        write("app/domains/users/lib/index.ts", "");
        for name in ["./c", "./c.js", "./lib", "./lib/"] {
            assert!(needs(&format!("require('{name}')")), "{name}");
        }
        assert!(!needs("require('./d'); require('./c.json'); require('c')"));
        write("app/package.json", r#"{"type": "module"}"#);
        assert!(!needs("import a from './b.js'"));
        write(".git/HEAD", "");
        assert!(needs("1"), "the configuration of the repository applies");
        fs::remove_file(root.join("tsconfig.json")).unwrap();
        assert!(!needs("1"));
        write("package.json", r#"{"workspaces": ["packages/*"]}"#);
        assert!(needs("1"));
    }
}
