//! What the last words tell about the code: its kind, its imports, its syntax.

use super::stderr_tail::StderrTail;
use super::{Diagnosis, permanent};

pub(super) fn unsupported_typescript(words: &StderrTail<'_>) -> Option<Diagnosis> {
    if words.contains("ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING") {
        return permanent(
            format!(
                "Node does not run TypeScript from node_modules{}",
                words.at()
            ),
            "use the package's compiled JavaScript",
        );
    }
    let what = words.after("[ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX]: ")?;
    permanent(
        format!("{what}{}", words.at()),
        format!(
            "types can be stripped, this has to be compiled: rewrite it, or `npm install tsx` in {}",
            words.package_dir_of(None)
        ),
    )
}

pub(super) fn unknown_extension(words: &StderrTail<'_>) -> Option<Diagnosis> {
    let what = words.after("[ERR_UNKNOWN_FILE_EXTENSION]: ")?;
    let typescript = [".ts", ".mts", ".cts", ".tsx"]
        .iter()
        .any(|extension| what.contains(&format!("\"{extension}\"")));
    let cure = if typescript {
        format!(
            "use Node 22.18 or later (process.node), or `npm install tsx` in {}",
            words.package_dir_of(None)
        )
    } else {
        "import a file that Node can run, or add a loader for it to process.node_args".to_owned()
    };
    permanent(what, cure)
}

pub(super) fn module_kind(words: &StderrTail<'_>) -> Option<Diagnosis> {
    let wants_esm = "set \"type\": \"module\" in package.json or name the file .mjs";
    if words.contains("Cannot use import statement outside a module") {
        return permanent(
            format!("an ES module is run as CommonJS{}", words.at()),
            wants_esm,
        );
    }
    if words.contains("SyntaxError: Unexpected token 'export'") {
        return permanent(
            format!("an ES module is run as CommonJS{}", words.at()),
            wants_esm,
        );
    }
    if words.contains(" is not defined in ES module scope") {
        return permanent(
            format!("CommonJS code is run as an ES module{}", words.at()),
            "use import and export, or name the file .cjs",
        );
    }
    if words.contains("[ERR_REQUIRE_ESM]") {
        return permanent(
            format!("an ES module is loaded by require(){}", words.at()),
            "load it with import, or use Node 22.12 or later (process.node)",
        );
    }
    None
}

pub(super) fn unknown_builtin(words: &StderrTail<'_>) -> Option<Diagnosis> {
    let name = words.after("No such built-in module: ")?;
    permanent(
        format!(
            "this version of Node has no built-in module {name}{}",
            words.at()
        ),
        "use a newer Node (process.node), or correct the name",
    )
}

pub(super) fn missing_module(words: &StderrTail<'_>) -> Option<Diagnosis> {
    let (name, rest) = ["Cannot find module '", "Cannot find package '"]
        .iter()
        .find_map(|marker| words.after(marker)?.split_once('\''))?;
    let importer = rest.strip_prefix(" imported from ").or_else(|| {
        let mut lines = words.error.iter();
        lines.find(|line| *line == "Require stack:")?;
        lines.next()?.strip_prefix("- ")
    });
    let wanted_by = importer
        .map(|file| format!(", wanted by {}", words.short(file)))
        .unwrap_or_default();
    if name.starts_with(['.', '/']) || name.starts_with("file:") {
        let cure = match words.after("Did you mean to import ") {
            Some(meant) => format!("is {} meant?", meant.trim_end_matches('?')),
            None => "correct the path (an ES module needs the extension too)".to_owned(),
        };
        let name = words.short(name);
        return permanent(format!("file {name} does not exist{wanted_by}"), cure);
    }
    let package = package_of(name);
    permanent(
        format!("package {package} is not installed{wanted_by}"),
        format!(
            "run `npm install {package}` in {}",
            words.package_dir_of(importer)
        ),
    )
}

/// `@scope/name/deep` is in the package `@scope/name`.
fn package_of(module: &str) -> String {
    let parts = if module.starts_with('@') { 2 } else { 1 };
    module.split('/').take(parts).collect::<Vec<_>>().join("/")
}

pub(super) fn native_module(words: &StderrTail<'_>) -> Option<Diagnosis> {
    let other_node = words.contains("was compiled against a different Node.js version");
    if !other_node && !words.contains("ERR_DLOPEN_FAILED") {
        return None;
    }
    permanent(
        "a native module does not fit this version of Node",
        format!(
            "run `npm rebuild` in {} with the Node that runs the domain",
            words.package_dir_of(None)
        ),
    )
}

pub(super) fn missing_export(words: &StderrTail<'_>) -> Option<Diagnosis> {
    let headline = words.error.first()?;
    if !headline.contains("does not provide an export named") {
        return None;
    }
    let what = headline.strip_prefix("SyntaxError: ").unwrap_or(headline);
    permanent(
        format!("{what}{}", words.at()),
        "correct the import; a type has to be imported with `import type`",
    )
}

pub(super) fn syntax(words: &StderrTail<'_>) -> Option<Diagnosis> {
    let headline = words.error.first()?;
    // One that the program got from its own JSON.parse is an error like any other.
    if !headline.starts_with("SyntaxError: ") || words.contains("at JSON.parse (") {
        return None;
    }
    permanent(format!("{headline}{}", words.at()), "correct that line")
}
