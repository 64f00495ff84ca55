//! `fulcrum import`

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use fulcrum_config::{Import, ImportKind, ImportRequest, Mode, import};
use fulcrum_runtime::format::pluralize;
use fulcrum_spawn::StartError;
use fulcrum_spawn::prepare::{NodeRequest, evaluate_module, find_node};

use crate::commands::context::Context;
use crate::error_code::ErrorCode;
use crate::exit::{CliError, Code};
use crate::load;
use crate::output::Output;
use crate::wiring;

/// A configuration file that takes longer is no configuration file.
const EVALUATION_LIMIT: Duration = Duration::from_secs(20);

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Name the file: ecosystem.config.js, compose.yaml, process-compose.yaml, Procfile, package.json
    file: PathBuf,
    /// Print the files without writing them
    #[arg(long)]
    dry_run: bool,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
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
    let result = match args.dry_run {
        true => print(&imported, &context.output),
        false if existing.is_empty() => write(&imported, &context.output),
        false => Ok(()),
    };
    let root = Some(imported.root.as_path());
    context.output.diagnostics(&imported.notes, root);
    result?;
    if !existing.is_empty() {
        return Err(CliError::new(
            ErrorCode::FileExists,
            format!(
                "nothing was written: {} already {}\n  hint: files are never overwritten; remove or rename {}, or compare with `--dry-run`",
                existing.join(", "),
                if existing.len() == 1 {
                    "exists"
                } else {
                    "exist"
                },
                if existing.len() == 1 { "it" } else { "them" },
            ),
        ));
    }
    match args.dry_run {
        true => Ok(()),
        false => check(&imported, context),
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
        CliError::new(
            ErrorCode::FileFailed,
            format!("cannot read {}: {error}", file.display()),
        )
    })?;
    let dir = file.parent().unwrap_or(Path::new("/"));
    let (prepare, _) = wiring::run::prepare_context()?;
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

fn print(imported: &Import, output: &Output) -> Result<(), CliError> {
    let mut text = String::new();
    for file in &imported.files {
        let kept = imported.root.join(&file.path).symlink_metadata().is_ok();
        let state = if kept { " (exists: not written)" } else { "" };
        text.push_str(&format!(
            "==> {}{state}\n{}\n",
            file.path.display(),
            file.text
        ));
    }
    output.data(text.as_bytes())
}

fn write(imported: &Import, output: &Output) -> Result<(), CliError> {
    for file in &imported.files {
        let path = imported.root.join(&file.path);
        match create(&path, &file.text) {
            Ok(()) => output.progress(&format!("wrote {}", file.path.display())),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                output.progress(&format!("kept {}, which exists", file.path.display()));
            }
            Err(error) => {
                return Err(CliError::new(
                    ErrorCode::FileFailed,
                    format!(
                        "cannot write {}: {error}\n  hint: the app's directory must be writable",
                        path.display()
                    ),
                ));
            }
        }
    }
    Ok(())
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

/// Loads what was written, so that the first `fulcrum dev` has no surprise.
fn check(imported: &Import, context: &Context) -> Result<(), CliError> {
    let loaded = load::read(Some(&imported.root), Mode::Dev)?;
    let root = Some(imported.root.as_path());
    context.output.diagnostics(&loaded.diagnostics, root);
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
        pluralize(imported.files.len() - 1, "domain"),
        imported.kind,
        pluralize(imported.notes.len(), "setting"),
    );
    context.output.progress(&text);
    Ok(())
}
