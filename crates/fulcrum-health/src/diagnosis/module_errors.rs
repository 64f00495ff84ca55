//! Rules about the code: module kind, imports, syntax.

use super::stderr_tail::StderrTail;
use super::types::Diagnosis;

pub(super) fn unsupported_typescript(tail: &StderrTail<'_>) -> Option<Diagnosis> {
    if tail.contains("ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING") {
        return Diagnosis::permanent(
            format!(
                "Node does not run TypeScript from node_modules{}",
                tail.at()
            ),
            "use the package's compiled JavaScript",
        );
    }
    let what = tail.after("[ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX]: ")?;
    Diagnosis::permanent(
        format!("{what}{}", tail.at()),
        format!(
            "this syntax needs a compiler: rewrite it, or run `npm install tsx` in {}",
            tail.package_dir_of(None)
        ),
    )
}

pub(super) fn unknown_extension(tail: &StderrTail<'_>) -> Option<Diagnosis> {
    let what = tail.after("[ERR_UNKNOWN_FILE_EXTENSION]: ")?;
    let typescript = [".ts", ".mts", ".cts", ".tsx"]
        .iter()
        .any(|extension| what.contains(&format!("\"{extension}\"")));
    let hint = if typescript {
        format!(
            "use Node 22.18 or later (process.node), or run `npm install tsx` in {}",
            tail.package_dir_of(None)
        )
    } else {
        "import a file that Node can run, or add a loader for it to process.node_args".to_owned()
    };
    Diagnosis::permanent(what, hint)
}

pub(super) fn module_kind(tail: &StderrTail<'_>) -> Option<Diagnosis> {
    let wants_esm = "set \"type\": \"module\" in package.json or name the file .mjs";
    if tail.contains("Cannot use import statement outside a module") {
        return Diagnosis::permanent(
            format!("an ES module is run as CommonJS{}", tail.at()),
            wants_esm,
        );
    }
    if tail.contains("SyntaxError: Unexpected token 'export'") {
        return Diagnosis::permanent(
            format!("an ES module is run as CommonJS{}", tail.at()),
            wants_esm,
        );
    }
    if tail.contains(" is not defined in ES module scope") {
        return Diagnosis::permanent(
            format!("CommonJS code is run as an ES module{}", tail.at()),
            "use import and export, or name the file .cjs",
        );
    }
    if tail.contains("[ERR_REQUIRE_ESM]") {
        return Diagnosis::permanent(
            format!("an ES module is loaded by require(){}", tail.at()),
            "load it with import, or use Node 22.12 or later (process.node)",
        );
    }
    None
}

pub(super) fn unknown_builtin(tail: &StderrTail<'_>) -> Option<Diagnosis> {
    let name = tail.after("No such built-in module: ")?;
    Diagnosis::permanent(
        format!(
            "this version of Node has no built-in module {name}{}",
            tail.at()
        ),
        "use a newer Node (process.node), or correct the name",
    )
}

pub(super) fn missing_module(tail: &StderrTail<'_>) -> Option<Diagnosis> {
    let (name, rest) = ["Cannot find module '", "Cannot find package '"]
        .iter()
        .find_map(|marker| tail.after(marker)?.split_once('\''))?;
    let importer = rest.strip_prefix(" imported from ").or_else(|| {
        let mut lines = tail.error.iter();
        lines.find(|line| *line == "Require stack:")?;
        lines.next()?.strip_prefix("- ")
    });
    let imported_by = importer
        .map(|file| format!(", imported by {}", tail.short(file)))
        .unwrap_or_default();
    if name.starts_with(['.', '/']) || name.starts_with("file:") {
        let hint = match tail.after("Did you mean to import ") {
            Some(name) => format!("did you mean {}?", name.trim_end_matches('?')),
            None => "correct the path (an ES module needs the extension too)".to_owned(),
        };
        let name = tail.short(name);
        return Diagnosis::permanent(format!("file {name} does not exist{imported_by}"), hint);
    }
    let package = package_of(name);
    Diagnosis::permanent(
        format!("package {package} is not installed{imported_by}"),
        format!(
            "run `npm install {package}` in {}",
            tail.package_dir_of(importer)
        ),
    )
}

/// The package of a module: `@scope/name` for `@scope/name/deep`.
fn package_of(module: &str) -> String {
    let parts = if module.starts_with('@') { 2 } else { 1 };
    module.split('/').take(parts).collect::<Vec<_>>().join("/")
}

pub(super) fn not_exported(tail: &StderrTail<'_>) -> Option<Diagnosis> {
    let what = tail.after("[ERR_PACKAGE_PATH_NOT_EXPORTED]: ")?;
    let (what, importer) = match what.split_once(" imported from ") {
        Some((what, importer)) => (what, format!(", imported by {}", tail.short(importer))),
        None => (what, tail.at()),
    };
    let (what, package) = what.rsplit_once(" in ").unwrap_or((what, ""));
    let package = match package {
        "" => String::new(),
        path => format!(" in {}", tail.short(path)),
    };
    Diagnosis::permanent(
        format!("{what}{package}{importer}"),
        "import what the package exports, or install a version that has it",
    )
}

pub(super) fn import_attribute(tail: &StderrTail<'_>) -> Option<Diagnosis> {
    let what = [
        "[ERR_IMPORT_ATTRIBUTE_MISSING]: ",
        "[ERR_IMPORT_ASSERTION_TYPE_MISSING]: ",
    ]
    .iter()
    .find_map(|code| tail.after(code))?;
    let file = what.split('"').nth(1).unwrap_or(what);
    Diagnosis::permanent(
        format!("the import of {} needs an attribute", tail.short(file)),
        "write: import data from '…' with { type: 'json' }",
    )
}

pub(super) fn require_async(tail: &StderrTail<'_>) -> Option<Diagnosis> {
    tail.after("[ERR_REQUIRE_ASYNC_MODULE]: ")?;
    let required = ["Required module: ", "Requiring "]
        .iter()
        .find_map(|marker| tail.after(marker))
        .map_or_else(String::new, |file| format!(" {}", tail.short(file)));
    Diagnosis::permanent(
        format!("require() of a module with a top-level await{required}"),
        "load it with import(), or move the await into a function",
    )
}

pub(super) fn native_module(tail: &StderrTail<'_>) -> Option<Diagnosis> {
    let other_node = tail.contains("was compiled against a different Node.js version");
    if !other_node && !tail.contains("ERR_DLOPEN_FAILED") {
        return None;
    }
    Diagnosis::permanent(
        "a native module does not fit this version of Node",
        format!(
            "run `npm rebuild` in {} with the Node that runs the domain",
            tail.package_dir_of(None)
        ),
    )
}

pub(super) fn missing_export(tail: &StderrTail<'_>) -> Option<Diagnosis> {
    let headline = tail.error.first()?;
    if !headline.contains("does not provide an export named") {
        return None;
    }
    let what = headline.strip_prefix("SyntaxError: ").unwrap_or(headline);
    Diagnosis::permanent(
        format!("{what}{}", tail.at()),
        "correct the import; a type has to be imported with `import type`",
    )
}

pub(super) fn syntax(tail: &StderrTail<'_>) -> Option<Diagnosis> {
    let headline = tail.error.first()?;
    // A SyntaxError of the program's own JSON.parse is an error like any other.
    if !headline.starts_with("SyntaxError: ") || tail.contains("at JSON.parse (") {
        return None;
    }
    Diagnosis::permanent(format!("{headline}{}", tail.at()), "correct that line")
}
