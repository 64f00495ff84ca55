//! Chooses how a Node program is run: as it is, with its types stripped, or by tsx.

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
    /// JavaScript, or code for which `node_args` has a loader.
    JavaScript,
    /// TypeScript on a Node that strips types itself, if the stripped code cannot be cached.
    NativeTypes,
    /// TypeScript whose types Fulcrum has stripped, also for a Node that strips types itself. That
    /// Node uses the same stripper with the same result, but as WebAssembly in its process, which
    /// takes longer than the rest of the start unless the result is in its compile cache.
    StrippedTypes {
        /// The file that maps each TypeScript file to its stripped code.
        manifest: PathBuf,
        /// No imported file is an ECMAScript module, so no loader hook is needed.
        all_commonjs: bool,
    },
    /// TypeScript that needs more than type stripping, with the `tsx` that the domain has installed.
    Tsx {
        /// The module for `--import`.
        loader: PathBuf,
    },
}

/// Words in `node_args` that show a transpiler of the user.
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

/// Chooses the runner of a program; returns warnings about the choice.
///
/// # Errors
/// Permanent failures with file, line and column: a syntax error, or TypeScript that needs more than
/// type stripping if no `tsx` is installed. A transient failure if the cache cannot be written.
pub fn choose_runner(
    program: &NodeProgram<'_>,
    node: &NodeRuntime,
    context: &PrepareContext,
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
    let is_typescript = matches!(extension, "ts" | "mts" | "cts");
    if matches!(extension, "tsx" | "jsx") {
        return Err(StartError::permanent(format!(
            "{}: {} is JSX, which Node does not run",
            program.name,
            display_relative(program.entry, program.app_root)
        ))
        .hint("name a .ts or .js file in process.entry"));
    }
    if !is_typescript && !mentions_typescript(&entry) {
        return Ok((Runner::JavaScript, Vec::new()));
    }
    let root = program.app_root.canonicalize();
    let root = root.as_deref().unwrap_or(program.app_root);
    let scanned = match scan(&entry, root, &context.cache) {
        Ok(scanned) => scanned,
        Err(ScanError::Source(error)) => return Err(syntax_failure(program, root, *error)),
        Err(ScanError::Package(failure)) => return Err(failure),
    };
    if let Some(requirement) = scanned.requires_transform {
        return choose_tsx(program, root, requirement.into_error());
    }
    if scanned.files.is_empty() {
        return Ok((Runner::JavaScript, Vec::new()));
    }
    let manifest = match write_manifest(&scanned, &entry, &context.cache) {
        Ok(manifest) => manifest,
        Err(_) if node.strips_types && !stripping_disabled(program) => {
            return Ok((Runner::NativeTypes, Vec::new()));
        }
        Err(error) => {
            let cache = context.cache.display();
            return Err(StartError::transient(format!(
                "{}: cannot write the list of stripped files to {cache}: {error}",
                program.name
            ))
            .hint("free disk space, or correct the permissions of the cache directory"));
        }
    };
    Ok((
        Runner::StrippedTypes {
            manifest,
            all_commonjs: scanned.all_commonjs,
        },
        Vec::new(),
    ))
}

/// The real path of the entry, which is the path of the module for Node.
fn real_entry(entry: &Path) -> Result<PathBuf, StartError> {
    let shown = entry.display();
    let real = entry.canonicalize().map_err(|error| {
        let what = match error.kind() {
            std::io::ErrorKind::NotFound => "does not exist".to_owned(),
            _ if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => {
                "is a symbolic link loop".to_owned()
            }
            _ => format!("cannot be resolved: {error}"),
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

/// Whether the user has disabled Node's type stripping.
fn stripping_disabled(program: &NodeProgram<'_>) -> bool {
    let options = program
        .env
        .get(OsStr::new("NODE_OPTIONS"))
        .map(|value| value.to_string_lossy());
    let words = options.iter().flat_map(|value| value.split_whitespace());
    words
        .chain(program.node_args.iter().map(String::as_str))
        .any(|arg| matches!(arg, "--no-experimental-strip-types" | "--no-strip-types"))
}

/// The domain and the position of an error, such as `users: domain.ts:2:1`.
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

fn syntax_failure(program: &NodeProgram<'_>, root: &Path, error: StripError) -> StartError {
    let position = with_position(program, root, &error);
    let mut text = format!("{position}: {}", error.message);
    if let Some((_, excerpt)) = error.to_string().split_once('\n') {
        text = format!("{text}\n{excerpt}");
    }
    StartError::permanent(text).hint("correct the file; it is read again at the next start")
}

/// Chooses `tsx` for code that needs more than type stripping.
fn choose_tsx(
    program: &NodeProgram<'_>,
    root: &Path,
    error: StripError,
) -> Result<(Runner, Vec<StartWarning>), StartError> {
    let position = with_position(program, root, &error);
    let what = match &error.kind {
        StripErrorKind::NeedsTransform(what) => what.as_str(),
        StripErrorKind::Syntax => error.message.as_str(),
    };
    if let Some(tsx) = tsx::find(program.dir) {
        let warning = StartWarning::new(format!(
            "{position} has {what}, which needs more than type stripping: running with tsx {}",
            tsx.version
        ));
        return Ok((Runner::Tsx { loader: tsx.loader }, vec![warning]));
    }
    let dir = display_relative(program.dir, program.app_root);
    let mut text = format!("{position} has {what}, which needs more than type stripping");
    if let Some((_, excerpt)) = error.to_string().split_once('\n') {
        text = format!("{text}\n{excerpt}");
    }
    let hint = format!(
        "npm install --save-dev tsx in {dir}, or {}",
        alternative_for(what)
    );
    Err(StartError::permanent(text).hint(hint))
}

/// The plain equivalent of syntax that needs more than type stripping.
fn alternative_for(what: &str) -> &'static str {
    const ALTERNATIVES: &[(&str, &str)] = &[
        ("enum", "replace the enum with a const object"),
        ("namespace", "replace the namespace with a module"),
        (
            "parameter property",
            "declare the property and assign it in the constructor",
        ),
        ("decorator", "call the decorator as a function"),
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
        ("JSX", "compile it before the start"),
    ];
    let known = ALTERNATIVES.iter().find(|(word, _)| what.contains(word));
    known.map_or("write it as JavaScript", |(_, alternative)| alternative)
}
