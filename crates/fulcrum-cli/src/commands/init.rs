//! `fulcrum init`

use std::io::{self, BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use fulcrum_scaffold::{AppOptions, Language, Template, app_files, example, tree, write_new};

use crate::commands::context::Context;
use crate::commands::scaffold::{
    LanguageArg, call_line, check_names, make_resolvable, write_error,
};
use crate::error_code::ErrorCode;
use crate::exit::CliError;

/// The file that makes a directory an app.
const APP_FILE: &str = "fulcrum.yml";

/// The domain of an app whose domains nobody has named.
const DEFAULT_DOMAIN: &str = "users";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Name the app's directory, which is created if it does not exist [default: .]
    dir: Option<PathBuf>,
    /// Choose the language [default: ts]
    #[arg(long, value_enum)]
    lang: Option<LanguageArg>,
    /// Name the domains [default: users]
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    domains: Vec<String>,
    /// Choose what the app consists of [default: minimal]
    #[arg(long, value_enum)]
    template: Option<TemplateArg>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum TemplateArg {
    /// The domains of `--domains`, with one handler each
    Minimal,
    /// Two domains, of which one calls the other
    Shop,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let dir = args.dir.as_deref().or(context.app());
    let dir = dir.unwrap_or(Path::new("."));
    if dir.join(APP_FILE).symlink_metadata().is_ok() {
        return Err(CliError::new(
            ErrorCode::FileExists,
            format!(
                "{} is an app already: it has a {APP_FILE}\n  hint: `fulcrum generate domain NAME` adds a domain, `fulcrum dev` starts it",
                dir.display()
            ),
        ));
    }
    let (language, domains) = choices(args)?;
    let template = match args.template {
        Some(TemplateArg::Shop) if !args.domains.is_empty() => {
            return Err(CliError::new(
                ErrorCode::Usage,
                "the template `shop` has domains of its own: leave out --domains, or use the template `minimal`",
            ));
        }
        Some(TemplateArg::Shop) => Template::Shop,
        Some(TemplateArg::Minimal) | None => Template::Minimal,
    };
    check_names(&domains)?;
    let options = AppOptions {
        name: directory_name(dir),
        language,
        template,
        domains,
    };
    let written = write_new(dir, &app_files(&options)).map_err(|error| write_error(&error))?;
    let root = dir.canonicalize().map_err(|error| {
        CliError::new(
            ErrorCode::FileFailed,
            format!("cannot open {}: {error}", dir.display()),
        )
    })?;
    make_resolvable(&root, &context.output);
    let shown = args.dir.as_deref().unwrap_or(Path::new("."));
    context
        .output
        .progress(&tree(&shown.display().to_string(), &written));
    context.output.progress(&next_steps(args, &options));
    Ok(())
}

/// What to do with the new app.
fn next_steps(args: &Args, options: &AppOptions) -> String {
    let first = options
        .domains
        .first()
        .map_or(DEFAULT_DOMAIN, String::as_str);
    let call = call_line(&example(options.template, first));
    let change_dir = args.dir.as_deref().filter(|dir| *dir != Path::new("."));
    let change_dir = change_dir.map(|dir| format!("  cd {}\n", dir.display()));
    let types = match options.language {
        Language::TypeScript => "  npm install              # for `npm run typecheck`\n",
        Language::JavaScript => "",
    };
    format!(
        "\nNext:\n{}  fulcrum dev              # until Ctrl-C; then, in another terminal:\n  {call}\n  npm test\n{types}",
        change_dir.unwrap_or_default()
    )
    .trim_end()
    .to_owned()
}

/// The directory's name, also of `.` and `..`.
fn directory_name(dir: &Path) -> String {
    let whole = std::path::absolute(dir).unwrap_or_else(|_| dir.to_path_buf());
    let whole = whole.canonicalize().unwrap_or(whole);
    let name = whole.file_name().map(|name| name.to_string_lossy());
    name.map_or_else(|| "app".to_owned(), std::borrow::Cow::into_owned)
}

/// The language and the domains: of the flags, or of the answers if there are no flags and somebody
/// can answer.
fn choices(args: &Args) -> Result<(Language, Vec<String>), CliError> {
    let has_flags = args.lang.is_some() || !args.domains.is_empty() || args.template.is_some();
    if !has_flags && io::stdin().is_terminal() && io::stderr().is_terminal() {
        return ask(&mut io::stdin().lock(), &mut io::stderr().lock());
    }
    let language = args.lang.map_or(Language::TypeScript, Language::from);
    let domains = match args.domains.as_slice() {
        [] => vec![DEFAULT_DOMAIN.to_owned()],
        names => names.iter().map(|name| name.trim().to_owned()).collect(),
    };
    Ok((language, domains))
}

/// Asks for the language and the domains, each until the answer is valid; an empty one is the default.
fn ask(
    input: &mut impl BufRead,
    output: &mut impl Write,
) -> Result<(Language, Vec<String>), CliError> {
    let language = ask_for(input, output, "Language: ts or js", "ts", |answer| {
        answer.parse::<Language>()
    })?;
    let domains = ask_for(input, output, "Domains", DEFAULT_DOMAIN, |answer| {
        let separators = [',', ' ', '\t'];
        let names = answer.split(separators).filter(|name| !name.is_empty());
        let names: Vec<String> = names.map(str::to_owned).collect();
        check_names(&names).map_err(|error| error.message)?;
        Ok(names)
    })?;
    Ok((language, domains))
}

fn ask_for<T>(
    input: &mut impl BufRead,
    output: &mut impl Write,
    question: &str,
    default: &str,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Result<T, CliError> {
    let closed = |error: io::Error| {
        CliError::new(
            ErrorCode::OutputFailed,
            format!("cannot ask on this terminal: {error}"),
        )
    };
    loop {
        write!(output, "{question} [{default}]: ").map_err(closed)?;
        output.flush().map_err(closed)?;
        let mut line = String::new();
        if input.read_line(&mut line).map_err(closed)? == 0 {
            // Ctrl-D.
            let _ = writeln!(output);
            return Err(CliError::interrupted("nothing was written: no answer"));
        }
        let answer = match line.trim() {
            "" => default,
            answer => answer,
        };
        match parse(answer) {
            Ok(value) => return Ok(value),
            Err(why) => writeln!(output, "{why}").map_err(closed)?,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Code;

    fn answer(lines: &str) -> (Result<(Language, Vec<String>), CliError>, String) {
        let mut output = Vec::new();
        let result = ask(&mut lines.as_bytes(), &mut output);
        (result, String::from_utf8(output).expect("UTF-8"))
    }

    #[test]
    fn empty_answers_are_the_defaults() {
        let (result, output) = answer("\n\n");
        let (language, domains) = result.expect("answers");
        assert_eq!(language, Language::TypeScript);
        assert_eq!(domains, ["users"]);
        assert_eq!(output, "Language: ts or js [ts]: Domains [users]: ");
    }

    #[test]
    fn an_invalid_answer_is_asked_for_again_with_the_reason() {
        let (result, output) = answer("python\njs\nusers, my orders!\nusers, orders\n");
        let (language, domains) = result.expect("answers");
        assert_eq!(language, Language::JavaScript);
        assert_eq!(domains, ["users", "orders"]);
        assert!(output.contains("neither `ts` nor `js`"), "{output}");
        assert!(
            output.contains("`orders!` is not a valid domain name"),
            "{output}"
        );
    }

    #[test]
    fn the_end_of_the_input_writes_nothing() {
        let (result, _) = answer("js\n");
        assert_eq!(result.expect_err("no answer").code, Code::Interrupted);
    }
}
