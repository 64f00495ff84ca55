//! `fulcrum completions`

use clap::Command;
use clap_complete::Shell;

use crate::exit::CliError;
use crate::output::Output;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Choose the shell
    shell: Shell,
}

pub(crate) fn run(args: &Args, command: Command, output: &Output) -> Result<(), CliError> {
    output.data(&generate(args.shell, &command))
}

/// The completion script, without hidden commands.
fn generate(shell: Shell, command: &Command) -> Vec<u8> {
    let visible = command
        .get_subcommands()
        .filter(|command| !command.is_hide_set())
        .cloned();
    let mut visible_command = Command::new("fulcrum")
        .version(env!("CARGO_PKG_VERSION"))
        .disable_help_subcommand(true)
        .args(command.get_arguments().cloned())
        .subcommands(visible);
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut visible_command, "fulcrum", &mut script);
    script
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::Cli;

    #[test]
    fn a_script_has_all_commands_but_hidden_ones() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let text = String::from_utf8(generate(shell, &Cli::command())).expect("UTF-8");
            assert!(
                text.contains("domains") && text.contains("restart"),
                "{shell}"
            );
            assert!(
                !text.contains("__instance") && !text.contains("__typescript"),
                "{shell}"
            );
        }
    }
}
