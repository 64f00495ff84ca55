//! Chooses how a Node program is run: as it is, or with compiled TypeScript.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::context::PrepareContext;
use super::files::display_relative;
use super::javascript_entry::may_need_loader;
use super::node::find::NodeRuntime;
use super::node_options::{node_resolution, runs_using};
use super::node_program::NodeProgram;
use super::typescript::scan::{LazyProblem, Scan, ScanRequest, scan};
use super::typescript::strip::StripError;
use super::typescript::surroundings::{FileError, is_always_compiled};
use super::typescript::table::manifest_path;
use super::warning::StartWarning;
use crate::{Code, StartError};

/// How a Node program is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Runner {
    /// JavaScript, or code for which `node_args` has a loader.
    JavaScript,
    /// TypeScript that Fulcrum has compiled, also for a Node that strips types itself. That Node uses
    /// the same stripper with the same result, but as WebAssembly in its process, which takes longer
    /// than the rest of the start unless the result is in its compile cache.
    TypeScript {
        /// The file with the table of the domain's files and imports. If it does not exist, the
        /// bootstrap asks for all of them.
        manifest: PathBuf,
        /// Node's loader for ECMAScript modules loads none of the files, so it needs no hook.
        all_commonjs: bool,
        /// Some file has a source map.
        has_maps: bool,
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

/// Chooses the runner of a program; returns warnings about what it imports.
///
/// # Errors
/// Permanent failures with file, line and column: a file that is loaded with the entry has a syntax
/// error, or a `tsconfig.json` or `package.json` is invalid.
pub fn choose_runner(
    program: &NodeProgram<'_>,
    node: &NodeRuntime,
    context: &PrepareContext,
) -> Result<(Runner, Vec<StartWarning>), StartError> {
    choose(program, node, context).map_err(|failure| failure.code(Code::InvalidCode))
}

fn choose(
    program: &NodeProgram<'_>,
    node: &NodeRuntime,
    context: &PrepareContext,
) -> Result<(Runner, Vec<StartWarning>), StartError> {
    if has_own_transpiler(program.node_args) || node_transforms_types(program, node) {
        return Ok((Runner::JavaScript, Vec::new()));
    }
    let entry = real_entry(program.entry)?;
    let root = program.app_root.canonicalize();
    let root = root.as_deref().unwrap_or(program.app_root);
    if !is_always_compiled(&entry) && !may_need_loader(&entry, root, &context.cache) {
        return Ok((Runner::JavaScript, Vec::new()));
    }
    let resolution = node_resolution(program, node);
    let lower_using = !runs_using(node);
    let request = ScanRequest {
        entry: &entry,
        cwd: Some(program.cwd),
        cache: &context.cache,
        resolution: &resolution,
        lower_using,
        is_lenient: false,
    };
    let scanned = scan(&request).map_err(|error| failure(program, root, error))?;
    if !scanned.needs_loader {
        return Ok((Runner::JavaScript, Vec::new()));
    }
    let problems = scanned.problems.iter();
    let mut warnings: Vec<_> = problems
        .map(|problem| warning(program, root, problem))
        .collect();
    let variant = format!("{lower_using} {resolution:?}");
    let manifest = manifest_path(&entry, &variant, &context.cache);
    warnings.extend(write_manifest(program, &scanned, &manifest, context));
    let runner = Runner::TypeScript {
        manifest,
        all_commonjs: scanned.all_commonjs,
        has_maps: scanned.table.has_maps(),
    };
    Ok((runner, warnings))
}

/// Whether the user has Node itself transform types, with an option that this Node has.
fn node_transforms_types(program: &NodeProgram<'_>, node: &NodeRuntime) -> bool {
    const OPTION: &str = "--experimental-transform-types";
    let options = program.env.get(OsStr::new("NODE_OPTIONS"));
    let is_set = program.node_args.iter().any(|arg| arg == OPTION)
        || options.is_some_and(|text| {
            let text = text.to_string_lossy();
            text.split_ascii_whitespace().any(|word| word == OPTION)
        });
    // From 22.7; Node 26 has it no more.
    is_set && node.at_least(22, 7) && !node.at_least(26, 0)
}

fn has_own_transpiler(node_args: &[String]) -> bool {
    node_args
        .iter()
        .any(|arg| TRANSPILERS.iter().any(|name| arg.contains(name)))
}

/// Writes the table. Without it, the domain starts more slowly.
fn write_manifest(
    program: &NodeProgram<'_>,
    scanned: &Scan,
    manifest: &Path,
    context: &PrepareContext,
) -> Option<StartWarning> {
    let error = scanned.table.write(manifest).err()?;
    // One of an earlier start may be wrong by now.
    let _ = std::fs::remove_file(manifest);
    Some(StartWarning::new(format!(
        "{}: cannot write the table of its files to {}: {error}; it starts more slowly (free disk \
         space, or correct the permissions of the directory)",
        program.name,
        context.cache.display()
    )))
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

/// A file as it is shown: relative to the domain's directory, or to the app's root.
fn shown<'a>(program: &NodeProgram<'_>, root: &Path, file: &'a Path) -> Cow<'a, str> {
    let dir = program.dir.canonicalize();
    let dir = dir.as_deref().unwrap_or(program.dir);
    let base = if file.starts_with(dir) { dir } else { root };
    Cow::Owned(display_relative(file, base).to_string())
}

/// The domain and the position of an error, such as `users: domain.ts:2:1`.
fn with_position(program: &NodeProgram<'_>, root: &Path, error: &StripError) -> String {
    let file = shown(program, root, &error.file);
    format!("{}: {file}:{}:{}", program.name, error.line, error.column)
}

fn failure(program: &NodeProgram<'_>, root: &Path, error: FileError) -> StartError {
    let error = match error {
        FileError::Source(error) => error,
        FileError::Package(failure) => return failure,
    };
    let position = with_position(program, root, &error);
    let mut text = format!("{position}: {}", error.message);
    if let Some((_, excerpt)) = error.to_string().split_once('\n') {
        text = format!("{text}\n{excerpt}");
    }
    StartError::permanent(text).hint("correct the file; it is read again at the next start")
}

fn warning(program: &NodeProgram<'_>, root: &Path, problem: &LazyProblem) -> StartWarning {
    let text = match problem {
        LazyProblem::Broken(FileError::Source(error)) => format!(
            "{}: {}; the domain starts, and whatever imports it fails",
            with_position(program, root, error),
            error.message
        ),
        LazyProblem::Broken(FileError::Package(failure)) => format!(
            "{}: {}; the domain starts, and whatever imports its files fails",
            program.name, failure.message
        ),
        LazyProblem::Missing {
            importer,
            at,
            specifier,
        } => format!(
            "{}: {}:{}:{}: there is no file {specifier:?}; the domain starts, and this import fails",
            program.name,
            shown(program, root, importer),
            at.line,
            at.column
        ),
    };
    StartWarning::new(text)
}
