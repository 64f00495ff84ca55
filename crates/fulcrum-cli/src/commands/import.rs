//! `fulcrum import`

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::ValueEnum;
use fulcrum_config::{Diagnostic, Import, ImportKind, ImportRequest, LoadResult, Mode, import};
use fulcrum_runtime::format::pluralize;
use fulcrum_spawn::StartError;
use fulcrum_spawn::prepare::{NodeRequest, evaluate_module, find_node};
use serde::Serialize;
use serde_json::{Value, json};

use crate::commands::context::Context;
use crate::error_code::ErrorCode;
use crate::exit::{CliError, Code};
use crate::load;
use crate::output::{DiagnosticJson, Output};
use crate::prepare;

/// A configuration file that takes longer is no configuration file.
const EVALUATION_LIMIT: Duration = Duration::from_secs(20);

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Name the file: ecosystem.config.js, compose.yaml, process-compose.yaml, Procfile, package.json
    file: PathBuf,
    /// Print the files without writing them
    #[arg(long)]
    dry_run: bool,
    /// Choose the output format
    #[arg(short, long, value_enum, default_value = "table")]
    output: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// What is done and what is not carried over, on standard error
    Table,
    /// The files, the settings that were carried over, and what was not, as one JSON object
    Json,
}

/// What becomes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum FileState {
    /// It did not exist, and is written.
    Written,
    /// It exists, and is kept.
    Kept,
    /// It does not exist, and nothing is written.
    NotWritten,
}

/// The result of an import as JSON.
#[derive(Debug, Serialize)]
struct ImportJson<'a> {
    tool: String,
    app: &'a Path,
    /// Whether files were written.
    written: bool,
    files: Vec<Value>,
    /// The programs that were carried over.
    domains: Vec<Value>,
    /// What was not carried over, or not exactly.
    not_carried_over: Vec<DiagnosticJson<'a>>,
    /// The findings about the files that were written.
    diagnostics: Vec<DiagnosticJson<'a>>,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let output = &context.output;
    let evaluated = match ImportKind::is_evaluated(&args.file) && args.file.is_file() {
        true => Some(evaluate(&args.file)?),
        false => None,
    };
    let request = ImportRequest {
        file: &args.file,
        app: context.app(),
        evaluated: evaluated.as_deref(),
    };
    let imported = import(&request)
        .map_err(|diagnostic| CliError::relayed(Code::ConfigInvalid, &diagnostic.to_string()))?;
    let existing = existing(&imported);
    let writes = !args.dry_run && existing.is_empty();
    let states = match writes {
        true => write(&imported, output)?,
        false => states_without_writing(&imported),
    };
    let loaded = match writes {
        // What was written, so that the first `fulcrum dev` has no surprise.
        true => Some(load::read(Some(&imported.root), Mode::Dev)?),
        false => None,
    };
    let found = loaded.as_ref().map_or(&[][..], |it| &it.diagnostics);
    match args.output {
        Format::Json => output.json(&to_json(&imported, &states, writes, found))?,
        Format::Table => {
            if args.dry_run {
                print(&imported, &states, output)?;
            }
            let root = Some(imported.root.as_path());
            output.diagnostics(&imported.notes, root);
            output.diagnostics(found, root);
        }
    }
    match loaded {
        Some(loaded) => report(&imported, &loaded, output),
        None if args.dry_run => Ok(()),
        None => Err(nothing_written(&existing)),
    }
}

fn nothing_written(existing: &[String]) -> CliError {
    let (exist, them) = match existing.len() {
        1 => ("exists", "it"),
        _ => ("exist", "them"),
    };
    let text = format!(
        "nothing was written: {} already {exist}\n  hint: files are never overwritten; remove or rename {them}, or compare with `--dry-run`",
        existing.join(", "),
    );
    CliError::new(ErrorCode::FileExists, text)
}

fn to_json<'a>(
    imported: &'a Import,
    states: &[FileState],
    written: bool,
    found: &'a [Diagnostic],
) -> ImportJson<'a> {
    let files = imported.files.iter().zip(states);
    let domains = imported.domains.iter();
    ImportJson {
        tool: imported.kind.to_string(),
        app: &imported.root,
        written,
        files: files
            .map(|(file, state)| json!({"path": file.path, "state": state, "text": file.text}))
            .collect(),
        domains: domains
            .map(|it| json!({"name": it.name, "source_name": it.source_name, "file": it.file, "process": it.process}))
            .collect(),
        not_carried_over: imported.notes.iter().map(DiagnosticJson::from).collect(),
        diagnostics: found.iter().map(DiagnosticJson::from).collect(),
    }
}

/// The value of a JavaScript file, by the Node that a domain there would run with.
fn evaluate(file: &Path) -> Result<String, CliError> {
    let failed = |error: StartError| {
        let hint = error.hint.map(|hint| format!("\n  hint: {hint}"));
        let message = format!("{}{}", error.message, hint.unwrap_or_default());
        CliError::new(ErrorCode::ImportFailed, message)
    };
    let file = file.canonicalize().map_err(|error| {
        let text = format!("cannot read {}: {error}", file.display());
        CliError::new(ErrorCode::FileFailed, text)
    })?;
    let dir = file.parent().unwrap_or(Path::new("/"));
    let (prepare, _) = prepare::context()?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let home = std::env::home_dir();
    let request = NodeRequest {
        configured: None,
        domain_dir: dir,
        app_root: dir,
        path: &path,
        home: home.as_deref(),
    };
    let node = find_node(&request, &prepare).map_err(failed)?;
    evaluate_module(&node.path, &file, EVALUATION_LIMIT).map_err(failed)
}

/// The files that exist and would be replaced. The app's own file says nothing that an existing one
/// may not say otherwise, so it is kept.
fn existing(imported: &Import) -> Vec<String> {
    let domains = imported.files.iter().skip(1);
    domains
        .filter(|file| imported.root.join(&file.path).symlink_metadata().is_ok())
        .map(|file| file.path.display().to_string())
        .collect()
}

fn states_without_writing(imported: &Import) -> Vec<FileState> {
    let exists = |path: &Path| imported.root.join(path).symlink_metadata().is_ok();
    let files = imported.files.iter();
    files
        .map(|file| match exists(&file.path) {
            true => FileState::Kept,
            false => FileState::NotWritten,
        })
        .collect()
}

fn print(imported: &Import, states: &[FileState], output: &Output) -> Result<(), CliError> {
    let mut text = String::new();
    for (file, state) in imported.files.iter().zip(states) {
        let state = match state {
            FileState::Kept => " (exists: not written)",
            FileState::Written | FileState::NotWritten => "",
        };
        text.push_str(&format!(
            "==> {}{state}\n{}\n",
            file.path.display(),
            file.text
        ));
    }
    output.data(text.as_bytes())
}

/// Writes the files. Returns what became of each.
fn write(imported: &Import, output: &Output) -> Result<Vec<FileState>, CliError> {
    let mut states = Vec::new();
    for file in &imported.files {
        let path = imported.root.join(&file.path);
        match create(&path, &file.text) {
            Ok(()) => {
                output.progress(&format!("wrote {}", file.path.display()));
                states.push(FileState::Written);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                output.progress(&format!("kept {}, which exists", file.path.display()));
                states.push(FileState::Kept);
            }
            Err(error) => {
                let text = format!(
                    "cannot write {}: {error}\n  hint: the app's directory must be writable",
                    path.display()
                );
                return Err(CliError::new(ErrorCode::FileFailed, text));
            }
        }
    }
    Ok(states)
}

/// Creates a file that does not exist.
fn create(path: &Path, text: &str) -> io::Result<()> {
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)?;
    }
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)?;
    file.write_all(text.as_bytes())
}

/// Says how much was imported, or that the result is not valid yet.
fn report(imported: &Import, loaded: &LoadResult, output: &Output) -> Result<(), CliError> {
    if loaded.app.is_none() {
        return Err(CliError::new(
            ErrorCode::InvalidConfiguration,
            format!(
                "the files are written, but not valid yet ({})",
                load::summarize(&loaded.diagnostics)
            ),
        ));
    }
    let text = format!(
        "{} from {}, {} not carried over; start with `fulcrum dev`",
        pluralize(imported.domains.len(), "domain"),
        imported.kind,
        pluralize(imported.notes.len(), "setting"),
    );
    output.progress(&text);
    Ok(())
}
