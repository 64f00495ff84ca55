//! `fulcrum generate handler`

use std::fs;
use std::path::Path;

use fulcrum_config::{App, Mode, Program, unknown_domain};
use fulcrum_scaffold::{ClassPosition, Handler, Language, request_type_of};
use fulcrum_spawn::prepare::{check_syntax, find_domain_class};

use crate::commands::context::Context;
use crate::error_code::ErrorCode;
use crate::exit::CliError;
use crate::load;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Name the domain
    domain: String,
    /// Name the message type, such as create or user_create_request
    #[arg(value_name = "TYPE")]
    type_: String,
}

pub(super) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let (app, _) = load::load_valid(context.app(), Mode::Dev, &context.output)?;
    let entry = entry_of(&app, &args.domain)?;
    let handler = Handler::named(&args.domain, &args.type_)
        .map_err(|error| CliError::new(ErrorCode::BadName, error.to_string()))?;
    let shown = entry.strip_prefix(&app.root).unwrap_or(entry);
    let text = fs::read_to_string(entry).map_err(|error| file_error("read", shown, &error))?;
    let changed = insert(entry, shown, &text, &handler)?;
    fs::write(entry, changed).map_err(|error| file_error("write", shown, &error))?;
    context.output.progress(&format!(
        "{}: {} handles {}\n\nNext:\n  fulcrum domains call {} {} '{{}}'",
        shown.display(),
        handler.method,
        handler.request_type,
        args.domain,
        handler.request_type,
    ));
    Ok(())
}

fn file_error(what: &str, file: &Path, error: &std::io::Error) -> CliError {
    CliError::new(
        ErrorCode::FileFailed,
        format!("cannot {what} {}: {error}", file.display()),
    )
}

fn entry_of<'a>(app: &'a App, name: &str) -> Result<&'a Path, CliError> {
    let names = app.domains.iter().map(|domain| domain.name.as_str());
    let Some(domain) = app.domain(name) else {
        return Err(CliError::new(
            ErrorCode::UnknownDomain,
            unknown_domain(name, names),
        ));
    };
    match &domain.program {
        Program::Node { entry } => Ok(entry),
        Program::Command(_) | Program::NoProcess => Err(CliError::new(
            ErrorCode::CannotInsert,
            format!("the domain `{name}` has no entry point in JavaScript or TypeScript"),
        )),
    }
}

/// The text of the file with the handler.
fn insert(entry: &Path, shown: &Path, text: &str, handler: &Handler) -> Result<String, CliError> {
    if let Err(error) = check_syntax(entry, text.as_bytes()) {
        return Err(CliError::new(
            ErrorCode::CannotInsert,
            format!("{error}\n  hint: correct it first; nothing was changed"),
        ));
    }
    let Some(class) = find_domain_class(entry, text) else {
        return Err(CliError::new(
            ErrorCode::CannotInsert,
            format!(
                "{} has no class to insert a handler into: it must export one that extends DomainBase\n  hint: add the method `{}` where the handlers of this domain are",
                shown.display(),
                handler.method
            ),
        ));
    };
    let handles = |member: &&String| {
        request_type_of(member).is_some_and(|type_| type_ == handler.request_type)
    };
    if let Some(member) = class.members.iter().find(handles) {
        return Err(CliError::new(
            ErrorCode::CannotInsert,
            format!(
                "{} handles {} already: {member}",
                shown.display(),
                handler.request_type
            ),
        ));
    }
    let extension = entry.extension().and_then(|extension| extension.to_str());
    let language = match extension.is_some_and(|extension| extension.contains("ts")) {
        true => Language::TypeScript,
        false => Language::JavaScript,
    };
    let position = ClassPosition {
        end: class.end,
        indent: &class.indent,
        is_empty: text[..class.end].ends_with('{'),
    };
    let changed = handler.insert(text, position, language);
    match check_syntax(entry, changed.as_bytes()) {
        Ok(()) => Ok(changed),
        Err(error) => Err(CliError::new(
            ErrorCode::Internal,
            format!("the result would have an error, so nothing was changed: {error}"),
        )),
    }
}
