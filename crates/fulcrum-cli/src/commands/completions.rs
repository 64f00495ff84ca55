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

pub(crate) fn run(args: &Args, whole: Command, output: &Output) -> Result<(), CliError> {
    output.data(&generate(args.shell, &whole))
}

/// The completion script, without hidden commands.
fn generate(shell: Shell, whole: &Command) -> Vec<u8> {
    let offered = whole
        .get_subcommands()
        .filter(|verb| !verb.is_hide_set())
        .cloned();
    let mut command = Command::new("fulcrum")
        .version(env!("CARGO_PKG_VERSION"))
        .disable_help_subcommand(true)
        .args(whole.get_arguments().cloned())
        .subcommands(offered);
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "fulcrum", &mut script);
    script
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::Cli;

    #[test]
    fn scripts_offer_verbs_and_nothing_hidden() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let text = String::from_utf8(generate(shell, &Cli::command())).expect("UTF-8");
            assert!(
                text.contains("domains") && text.contains("restart"),
                "{shell}"
            );
            assert!(
                !text.contains("__instance") && !text.contains("__strip"),
                "{shell}"
            );
        }
    }
}
