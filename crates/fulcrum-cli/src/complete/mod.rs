//! Completions: a shell runs `fulcrum` with `COMPLETE=SHELL` and the words so far, and gets candidates.
//!
//! Names of domains, message types and generations are those of the running instance, or else of the
//! configuration. Which argument takes which is decided by its value name, so that a new command has
//! completions without further code.

mod live;
mod words;

use std::ffi::OsStr;
use std::process::ExitCode;

use clap::{Arg, Command};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use clap_complete::env::{CompleteEnv, EnvCompleter, Shells};

use crate::exit_code::Code;
use crate::shorthand;

/// The variable by which a shell asks for candidates.
const VARIABLE: &str = "COMPLETE";

/// The shells.
pub(crate) const SHELLS: [&str; 5] = ["bash", "elvish", "fish", "powershell", "zsh"];

/// Prints candidates for this command line if a shell asks for them.
pub(crate) fn run_if_requested(command_line: fn() -> Command) -> Option<ExitCode> {
    std::env::var_os(VARIABLE)?;
    let working_dir = std::env::current_dir().ok();
    let completion = CompleteEnv::with_factory(|| command(command_line())).var(VARIABLE);
    match completion.try_complete(std::env::args_os(), working_dir.as_deref()) {
        Ok(true) => Some(Code::Done.into()),
        Ok(false) => None,
        // An unknown shell, or output that nobody reads.
        Err(error) => {
            let _ = error.print();
            Some(Code::Failed.into())
        }
    }
}

/// The script that makes a shell ask; it runs `fulcrum` of the `PATH`.
pub(crate) fn script(shell: &str) -> Option<Vec<u8>> {
    let shells = Shells::builtins();
    let shell: &dyn EnvCompleter = shells.completer(shell)?;
    let mut script = Vec::new();
    let written = shell.write_registration(VARIABLE, "fulcrum", "fulcrum", "fulcrum", &mut script);
    written.ok().map(|()| script)
}

/// The command line with what completes each argument, with the short forms of commands, and without
/// internal commands.
fn command(all: Command) -> Command {
    let visible = all
        .get_subcommands()
        .filter(|command| !command.is_hide_set())
        .cloned();
    let short_forms = shorthand::COMMANDS.iter().filter_map(|(word, path)| {
        let found = path
            .iter()
            .try_fold(&all, |command, name| command.find_subcommand(name))?;
        Some(found.clone().name(*word).hide(true))
    });
    let command = Command::new("fulcrum")
        .disable_help_subcommand(true)
        .args(all.get_arguments().cloned())
        .subcommands(visible)
        .subcommands(short_forms);
    with_completers(command, true)
}

/// Adds the completers to the arguments of a command and its subcommands. A command that creates
/// something takes new names.
fn with_completers(command: Command, takes_names: bool) -> Command {
    let is_new = |command: &Command| matches!(command.get_name(), "init" | "node");
    let takes_names = takes_names && !is_new(&command);
    let creates_domain = command.get_name() == "domain";
    command
        .mut_args(|arg| match takes_names {
            true => with_completer(arg, creates_domain),
            false => arg,
        })
        .mut_subcommands(|command| with_completers(command, takes_names))
}

fn with_completer(arg: Arg, creates_domain: bool) -> Arg {
    let Some(complete) = completer_of(&arg, creates_domain) else {
        return arg;
    };
    arg.add(ArgValueCompleter::new(move |current: &OsStr| {
        matching(complete(), current)
    }))
}

type Complete = fn() -> Vec<CompletionCandidate>;

/// What completes an argument, by its value name.
fn completer_of(arg: &Arg, creates_domain: bool) -> Option<Complete> {
    if !arg.get_action().takes_values() || !arg.get_possible_values().is_empty() {
        return None;
    }
    let id = arg.get_id().as_str();
    let value_name = arg
        .get_value_names()
        .and_then(|names| names.first())
        .map_or_else(|| id.to_uppercase(), |name| name.to_string());
    let complete: Complete = match (value_name.as_str(), id) {
        ("NAME", "name") if creates_domain => return None,
        ("NAME" | "NAME,…" | "NAME|GLOB" | "NAME|DIR" | "DOMAIN", _) => live::domains,
        ("NAME|GLOB|all", _) => live::domains_or_all,
        ("TYPE", "kind") => live::message_types,
        (_, "generation") => live::generations,
        ("SIGNAL", _) => words::signals,
        ("LEVEL", _) => words::levels,
        ("STREAM", _) => words::streams,
        _ => return None,
    };
    Some(complete)
}

/// The candidates that begin with what is written so far.
fn matching(candidates: Vec<CompletionCandidate>, current: &OsStr) -> Vec<CompletionCandidate> {
    let current = current.to_string_lossy();
    candidates
        .into_iter()
        .filter(|candidate| {
            candidate
                .get_value()
                .to_string_lossy()
                .starts_with(&*current)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every argument of every command with a completer, as `command: argument`.
    fn completed(command: &Command, path: &str, found: &mut Vec<String>) {
        for arg in command.get_arguments() {
            if arg.get::<ArgValueCompleter>().is_some() {
                found.push(format!("{path}: {}", arg.get_id()));
            }
        }
        for sub in command.get_subcommands() {
            completed(sub, format!("{path} {}", sub.get_name()).trim(), found);
        }
    }

    #[test]
    fn arguments_that_name_something_that_exists_are_completed() {
        let mut found = Vec::new();
        completed(&command(crate::cli::command()), "", &mut found);
        for expected in [
            "dev: targets",
            "dev: only",
            "domains restart: names",
            "domains call: name",
            "domains call: kind",
            "domains logs: generation",
            "domains signal: signal",
            "logs: names",
            "logs: level",
            "restart: names",
            "why: name",
            "generate domain: depends_on",
            "generate handler: domain",
        ] {
            assert!(
                found.iter().any(|arg| arg == expected),
                "{expected}: {found:#?}"
            );
        }
        // A new name is not one that exists.
        for unexpected in ["generate domain: name", "init: domains", "node: args"] {
            assert!(!found.iter().any(|arg| arg == unexpected), "{unexpected}");
        }
    }

    #[test]
    fn every_shell_has_a_script_that_runs_fulcrum() {
        for shell in SHELLS {
            let script = script(shell).expect(shell);
            let script = String::from_utf8(script).expect("UTF-8");
            assert!(
                script.contains(VARIABLE) && script.contains("fulcrum"),
                "{shell}"
            );
        }
        assert!(script("tcsh").is_none());
    }
}
