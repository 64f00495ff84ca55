//! `fulcrum generate domain`

use std::path::{Path, PathBuf};

use fulcrum_config::{App, Mode, Program, Selection};
use fulcrum_scaffold::{DomainOptions, Language, Template, domain_files, example, tree, write_new};

use crate::commands::context::Context;
use crate::commands::scaffold::{
    LanguageArg, call_line, check_names, make_resolvable, write_error,
};
use crate::error_code::ErrorCode;
use crate::exit::CliError;
use crate::load;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Name the domain
    name: String,
    /// Choose the language [default: that of the app]
    #[arg(long, value_enum)]
    lang: Option<LanguageArg>,
    /// Name the domains that must be ready before it starts
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    depends_on: Vec<String>,
}

pub(super) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let (app, _) = load::load_valid(context.app(), Mode::Dev, &context.output)?;
    let name = &args.name;
    check_names(std::slice::from_ref(name))?;
    let is_same = |other: &str| other.eq_ignore_ascii_case(name);
    if let Some(other) = app.domains.iter().find(|domain| is_same(&domain.name)) {
        let dir = other.dir.strip_prefix(&app.root).unwrap_or(&other.dir);
        return Err(CliError::new(
            ErrorCode::FileExists,
            format!(
                "the domain `{}` exists already, in {}\n  hint: `fulcrum generate handler {} TYPE` adds a handler to it",
                other.name,
                dir.display(),
                other.name
            ),
        ));
    }
    let selection = Selection {
        only: args.depends_on.clone(),
        no_deps: true,
    };
    if !args.depends_on.is_empty() {
        let unknown = |unknown: fulcrum_config::UnknownDomain| {
            CliError::new(ErrorCode::UnknownDomain, unknown.message(&app))
        };
        selection.resolve(&app).map_err(unknown)?;
    }
    let language = args.lang.map_or_else(|| language_of(&app), Language::from);
    let options = DomainOptions {
        depends_on: args.depends_on.clone(),
        dir: new_domains_dir(&app)?.join(name),
        ..DomainOptions::new(name, language)
    };
    let mut files = domain_files(&options);
    // Where the app's tests are elsewhere, if it has any.
    if !app.root.join("test").is_dir() {
        files.retain(|file| !file.path.starts_with("test"));
    }
    let written = write_new(&app.root, &files).map_err(|error| write_error(&error))?;
    make_resolvable(&app.root, &context.output);
    context.output.progress(&tree(&app.name, &written));
    context.output.progress(&format!(
        "\nNext:\n  fulcrum dev              # one that runs already starts it by itself\n  {}",
        call_line(&example(Template::Minimal, name))
    ));
    Ok(())
}

/// The language of the app's domains; TypeScript if it has none.
fn language_of(app: &App) -> Language {
    let is_typescript = |path: &Path| {
        let extension = path.extension().and_then(|extension| extension.to_str());
        extension.is_some_and(|extension| extension.ends_with("ts"))
    };
    let mut entries = app
        .domains
        .iter()
        .filter_map(|domain| match &domain.program {
            Program::Node { entry } => Some(is_typescript(entry)),
            _ => None,
        })
        .peekable();
    if app.root.join("tsconfig.json").is_file() || entries.peek().is_none() || entries.any(|ts| ts)
    {
        Language::TypeScript
    } else {
        Language::JavaScript
    }
}

/// The directory, relative to the root, in which `runtime.domains` finds new domains.
fn new_domains_dir(app: &App) -> Result<PathBuf, CliError> {
    let parent = |pattern: &String| {
        let parent = match pattern.trim_start_matches("./") {
            "*" => "",
            pattern => pattern.strip_suffix("/*").or(pattern.strip_suffix("/**"))?,
        };
        let is_plain = !parent.contains(['*', '?', '[', '{', '\\']);
        is_plain.then(|| PathBuf::from(parent))
    };
    app.runtime.domains.iter().find_map(parent).ok_or_else(|| {
        CliError::new(
            ErrorCode::RequestFailed,
            format!(
            "runtime.domains ({}) has no pattern such as `domains/*` that tells where a new domain belongs\n  hint: add `domains/*` to it",
            app.runtime.domains.join(", ")
        ))
    })
}
