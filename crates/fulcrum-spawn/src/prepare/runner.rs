//! How a Node program has to be run: as it is, with its types stripped, or by tsx.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::context::PrepareContext;
use super::files::display_relative;
use super::node::find::NodeRuntime;
use super::node_program::NodeProgram;
use super::tsx;
use super::typescript::scan::{ScanError, mentions_typescript, scan};
use super::typescript::strip::{StripError, StripErrorKind};
use super::typescript::strip_manifest::write_manifest;
use super::warning::StartWarning;
use crate::StartError;

/// How a Node program is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Runner {
    /// JavaScript, or anything that a loader of the user's own in `node_args` takes care of.
    JavaScript,
    /// TypeScript on a Node that strips types itself, where Fulcrum's own stripping can't be kept.
    NativeTypes,
    /// TypeScript whose types Fulcrum has stripped. So too on a Node that could do it: it is the
    /// same stripper with the same result, but Node starts it as WebAssembly within the process,
    /// which takes longer than all the rest of the start, unless a compile cache has the result.
    StrippedTypes {
        /// Which stripped code stands for which file.
        manifest: PathBuf,
        /// No file that can be reached is an ECMAScript module, so no loader is involved.
        all_commonjs: bool,
    },
    /// TypeScript that needs more than stripping, by the `tsx` that the domain has installed.
    Tsx {
        /// The module for `--import`.
        loader: PathBuf,
    },
}

/// Words in `node_args` that say the user has a transpiler of their own.
const TRANSPILERS: &[&str] = &[
    "tsx",
    "ts-node",
    "@swc-node",
    "esbuild-register",
    "@swc/register",
    "jiti",
    "@oxc-node",
    "babel",
];

/// Chooses the runner, with what a person should know about the choice.
///
/// # Errors
/// Permanent failures with file, line and column: a syntax error, and TypeScript that needs more
/// than stripping where no `tsx` is installed.
pub fn choose_runner(
    program: &NodeProgram<'_>,
    node: &NodeRuntime,
    toolbox: &PrepareContext,
) -> Result<(Runner, Vec<StartWarning>), StartError> {
    if program
        .node_args
        .iter()
        .any(|arg| TRANSPILERS.iter().any(|name| arg.contains(name)))
    {
        return Ok((Runner::JavaScript, Vec::new()));
    }
    let entry = real_entry(program.entry)?;
    let extension = entry
        .extension()
        .and_then(OsStr::to_str)
        .unwrap_or_default();
    let typescript = matches!(extension, "ts" | "mts" | "cts");
    if matches!(extension, "tsx" | "jsx") {
        return Err(StartError::permanent(format!(
            "{}: {} is JSX, which no Node runs",
            program.name,
            display_relative(program.entry, program.app_root)
        ))
        .hint("name a .ts or .js file in process.entry"));
    }
    if !typescript && !mentions_typescript(&entry) {
        return Ok((Runner::JavaScript, Vec::new()));
    }
    let root = program.app_root.canonicalize();
    let root = root.as_deref().unwrap_or(program.app_root);
    let found = match scan(&entry, root, &toolbox.cache) {
        Ok(found) => found,
        Err(ScanError::Source(error)) => return Err(not_typescript(program, root, *error)),
        Err(ScanError::Package(failure)) => return Err(failure),
    };
    if let Some(need) = found.requires_transform {
        return with_tsx(program, root, need.into_error());
    }
    if found.files.is_empty() {
        return Ok((Runner::JavaScript, Vec::new()));
    }
    let manifest = match write_manifest(&found, &entry, &toolbox.cache) {
        Ok(manifest) => manifest,
        Err(_) if node.strips_types && !stripping_disabled(program) => {
            return Ok((Runner::NativeTypes, Vec::new()));
        }
        Err(error) => {
            let cache = toolbox.cache.display();
            return Err(StartError::transient(format!(
                "{}: the list of stripped files can't be written below {cache}: {error}",
                program.name
            ))
            .hint("make room or correct the permissions of the cache folder"));
        }
    };
    Ok((
        Runner::StrippedTypes {
            manifest,
            all_commonjs: found.all_commonjs,
        },
        Vec::new(),
    ))
}

/// The entry behind all links, which is where Node says a module is.
fn real_entry(entry: &Path) -> Result<PathBuf, StartError> {
    let shown = entry.display();
    let real = entry.canonicalize().map_err(|error| {
        let what = match error.kind() {
            std::io::ErrorKind::NotFound => "does not exist".to_owned(),
            _ if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => {
                "is a symbolic link that leads back to itself".to_owned()
            }
            _ => format!("can't be reached: {error}"),
        };
        StartError::permanent(format!("the entry {shown} {what}"))
            .hint("correct process.entry, or create the file")
    })?;
    if !real.is_file() {
        return Err(
            StartError::permanent(format!("the entry {shown} is not a file"))
                .hint("name a file in process.entry"),
        );
    }
    Ok(real)
}

/// The user told Node not to strip types.
fn stripping_disabled(program: &NodeProgram<'_>) -> bool {
    let options = program
        .env
        .get(OsStr::new("NODE_OPTIONS"))
        .map(|value| value.to_string_lossy());
    let told = options.iter().flat_map(|value| value.split_whitespace());
    told.chain(program.node_args.iter().map(String::as_str))
        .any(|arg| matches!(arg, "--no-experimental-strip-types" | "--no-strip-types"))
}

fn with_position(program: &NodeProgram<'_>, root: &Path, error: &StripError) -> String {
    let dir = program.dir.canonicalize();
    let dir = dir.as_deref().unwrap_or(program.dir);
    let file = if error.file.starts_with(dir) {
        display_relative(&error.file, dir)
    } else {
        display_relative(&error.file, root)
    };
    format!("{}: {file}:{}:{}", program.name, error.line, error.column)
}

fn not_typescript(program: &NodeProgram<'_>, root: &Path, error: StripError) -> StartError {
    let place = with_position(program, root, &error);
    let mut what = format!("{place}: {}", error.message);
    if let Some((_, excerpt)) = error.to_string().split_once('\n') {
        what = format!("{what}\n{excerpt}");
    }
    StartError::permanent(what).hint("correct the file; it is read again at the next start")
}

fn with_tsx(
    program: &NodeProgram<'_>,
    root: &Path,
    error: StripError,
) -> Result<(Runner, Vec<StartWarning>), StartError> {
    let place = with_position(program, root, &error);
    let what = match &error.kind {
        StripErrorKind::NeedsTransform(what) => what.as_str(),
        StripErrorKind::Syntax => error.message.as_str(),
    };
    if let Some(tsx) = tsx::find(program.dir) {
        let notice = StartWarning::new(format!(
            "{place} has {what}, which needs more than type stripping: run with tsx {}",
            tsx.version
        ));
        return Ok((Runner::Tsx { loader: tsx.loader }, vec![notice]));
    }
    let folder = display_relative(program.dir, program.app_root);
    let mut text = format!("{place} has {what}, which needs more than type stripping");
    if let Some((_, excerpt)) = error.to_string().split_once('\n') {
        text = format!("{text}\n{excerpt}");
    }
    let cure = format!(
        "npm install --save-dev tsx in {folder}, or {}",
        alternative_for(what)
    );
    Err(StartError::permanent(text).hint(cure))
}

/// What to write in place of something that needs more than stripping.
fn alternative_for(what: &str) -> &'static str {
    const CURES: &[(&str, &str)] = &[
        ("enum", "replace the enum by a const object"),
        ("namespace", "replace the namespace by a module of its own"),
        (
            "parameter property",
            "declare the property and assign it in the constructor",
        ),
        (
            "decorator",
            "call the function instead of decorating with it",
        ),
        (
            "export = ",
            "write `export default`, or `module.exports =` in a .cts file",
        ),
        ("import … = ", "write an `import` or a `require` call"),
        ("angle brackets", "write `value as Type`"),
        (
            "path alias",
            "import a relative path, or use \"imports\" of package.json",
        ),
        ("the type", "write `import type`"),
        ("extension", "write the file's extension"),
        ("meaning", "write the file's own extension, .ts"),
        ("JSX", "compile it beforehand"),
    ];
    let known = CURES.iter().find(|(word, _)| what.contains(word));
    known.map_or("write it as JavaScript", |(_, cure)| cure)
}
