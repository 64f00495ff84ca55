//! The command line: global options, commands and help. The arguments of a command are in its file.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::commands::{
    analyze, background_instance, completions, config, dev, doctor, domains, down, explain,
    generate, import, init, man, metrics, node, program, reload, serve, top, traces, typescript,
};
use crate::shorthand;

/// Run the domains of a TypeScript app: start, watch, restart and stop them with one command
#[derive(Debug, Parser)]
#[command(
    name = "fulcrum",
    version,
    arg_required_else_help = true,
    disable_help_subcommand = true
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Set the app's directory or fulcrum.yml [default: FULCRUM_APP_PATH, else the nearest upward]
    #[arg(long, global = true, value_name = "PATH")]
    pub(crate) app: Option<PathBuf>,
    /// Disable colored output (also: NO_COLOR, CI)
    #[arg(long, global = true)]
    pub(crate) no_color: bool,
    /// Suppress progress output
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the app in development mode and stream its logs
    Dev(dev::Args),
    /// Run the app in production mode
    Serve(serve::Args),
    /// Run a program while the app runs, and stop both
    Run(program::Args),
    /// Run tests while the app runs: as `run`, with NODE_ENV=test
    Test(program::Args),
    /// Stop the running instance and wait for it to exit
    Down(down::Args),
    /// Apply configuration changes without a full restart
    Reload(reload::Args),
    /// Inspect and control running domains
    Domains(domains::Args),
    /// Print domain logs (short for `domains logs`)
    Logs(domains::logs::Args),
    /// Print traces of requests and starts, the newest first
    Traces(traces::Args),
    /// Print the metrics that domains have sent
    Metrics(metrics::Args),
    /// Print what the start took: each domain, and the slowest chain of dependencies
    Analyze(analyze::Args),
    /// Show domains and logs in full screen, and control them by keys
    #[command(visible_alias = "tui")]
    Top(top::Args),
    /// Validate and print the configuration
    Config(config::Args),
    /// Write a new app: configuration, domains and tests
    Init(init::Args),
    /// Write a new domain, or insert a handler into one
    Generate(generate::Args),
    /// Write the configuration that says the same as a file of another tool
    Import(import::Args),
    /// Run Node as domains are run: the app's version, TypeScript, @fulcrum/domain
    Node(node::Args),
    /// Check the machine and the app: what keeps domains from running well, and its cure
    Doctor(doctor::Args),
    /// Explain an error code: cause, example and cure
    Explain(explain::Args),
    /// Print a completion script for a shell
    Completions(completions::Args),
    /// Run the background instance of `--detach` (internal)
    #[command(name = "__instance", hide = true)]
    BackgroundInstance(background_instance::Args),
    /// Write the man pages (internal)
    #[command(name = "__man", hide = true)]
    Man(man::Args),
    /// Compile TypeScript that a domain loads (internal)
    #[command(name = "__typescript", hide = true)]
    TypeScript(typescript::Args),
}

/// The groups of `fulcrum --help`: a heading, and the commands by their path.
const GROUPS: [(&str, &[&str]); 5] = [
    (
        "Create",
        &[
            "init",
            "generate domain",
            "generate handler",
            "generate sdk",
            "import",
        ],
    ),
    ("Run", &["dev", "serve", "run", "test", "down", "node"]),
    (
        "Inspect",
        &[
            "top",
            "logs",
            "domains list",
            "domains status",
            "domains why",
            "domains events",
            "domains profile",
            "analyze",
            "doctor",
            "traces",
            "traces show",
            "metrics",
            "explain",
        ],
    ),
    (
        "Control",
        &[
            "domains start",
            "domains stop",
            "domains restart",
            "domains run",
            "domains kill",
            "domains signal",
            "domains wait",
            "domains call",
            "domains eval",
            "reload",
        ],
    ),
    (
        "Configure",
        &[
            "config validate",
            "config show",
            "config schema",
            "completions",
        ],
    ),
];

const AFTER_HELP: &str = "\
Examples:
  fulcrum init shop                Write a new app to the directory shop
  fulcrum dev                      Run the app in the current directory until Ctrl-C
  fulcrum domains restart orders   Restart one domain from another terminal

Exit codes: 0 success, 1 failure, 2 usage, 3 no running instance, 4 unknown domain,
5 invalid configuration, 6 version mismatch, 10 domain failed permanently, 17 timeout,
70 internal error, 130 interrupted";

/// The command line with the help of `fulcrum --help`.
pub(crate) fn command() -> clap::Command {
    let command = Cli::command();
    let groups = grouped_commands(&command);
    command.help_template(format!(
        "{{about}}\n\n{{usage-heading}} {{usage}}\n\n{groups}Options:\n{{options}}\n\n{AFTER_HELP}\n\n{}\n",
        shorthand::HELP
    ))
}

/// Parses the arguments of this process.
///
/// # Errors
/// Invalid arguments; also a request for help or the version, which has exit code 0.
pub(crate) fn parse() -> Result<Cli, clap::Error> {
    parse_from(std::env::args_os().collect())
}

fn parse_from(arguments: Vec<OsString>) -> Result<Cli, clap::Error> {
    let arguments = shorthand::expand(arguments);
    let parsed = parse_exactly(&arguments);
    match parsed {
        Err(error) if error.kind() == ErrorKind::UnknownArgument => {
            let replaced = shorthand::replace_flags(&arguments);
            let parsed = replaced.and_then(|replaced| parse_exactly(&replaced).ok());
            parsed.ok_or(error)
        }
        parsed => parsed,
    }
}

fn parse_exactly(arguments: &[OsString]) -> Result<Cli, clap::Error> {
    let matches = command().try_get_matches_from(arguments)?;
    Cli::from_arg_matches(&matches)
}

fn grouped_commands(command: &clap::Command) -> String {
    let width = GROUPS.iter().flat_map(|(_, paths)| *paths);
    let width = width.map(|path| path.len()).max().unwrap_or_default();
    let mut text = String::new();
    for (heading, paths) in GROUPS {
        let _ = writeln!(text, "{heading}:");
        for path in paths {
            let about = about_of(command, path).unwrap_or_default();
            let _ = writeln!(text, "  {path:width$}  {about}");
        }
        text.push('\n');
    }
    text
}

/// The help line of a command by its path, such as `domains list`.
fn about_of(command: &clap::Command, path: &str) -> Option<String> {
    let found = path
        .split(' ')
        .try_fold(command, |command, name| command.find_subcommand(name))?;
    found.get_about().map(ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        parse_from(line.split_whitespace().map(OsString::from).collect())
    }

    fn error_kind(line: &str) -> ErrorKind {
        parse(line).expect_err(line).kind()
    }

    #[test]
    fn the_definition_is_valid() {
        command().debug_assert();
    }

    /// Every command that a user can run, by path.
    fn leaves(command: &clap::Command, path: &str, found: &mut Vec<String>) {
        for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
            let path = format!("{path} {}", sub.get_name()).trim().to_owned();
            if sub.has_subcommands() {
                if !sub.is_subcommand_required_set() {
                    found.push(path.clone());
                }
                leaves(sub, &path, found);
            } else {
                found.push(path);
            }
        }
    }

    #[test]
    fn the_help_lists_every_command_in_one_group() {
        let mut commands = Vec::new();
        leaves(&command(), "", &mut commands);
        // `logs` is the short form.
        commands.retain(|path| path != "domains logs");
        commands.sort();
        let mut grouped: Vec<_> = GROUPS.iter().flat_map(|(_, paths)| *paths).collect();
        grouped.sort();
        assert_eq!(grouped.into_iter().copied().collect::<Vec<_>>(), commands);
    }

    #[test]
    fn every_help_line_starts_with_an_imperative_verb_and_has_no_full_stop() {
        fn check(command: &clap::Command) {
            for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
                let about = sub.get_about().expect("a help line").to_string();
                assert!(!about.ends_with('.'), "{about}");
                assert!(about.starts_with(char::is_uppercase), "{about}");
                for arg in sub.get_arguments().filter(|arg| !arg.is_hide_set()) {
                    let help = arg.get_help().expect("a help line").to_string();
                    let verb = help.split(' ').next().unwrap_or_default();
                    const VERBS: [&str; 24] = [
                        "Fail", "Make", "Set", "Choose", "Print", "Select", "Do", "Follow", "Send",
                        "Name", "Pass", "Prefix", "Run", "Wait", "Reload", "Poll", "Start",
                        "Disable", "Suppress", "Check", "Sample", "Take", "Draw", "Write",
                    ];
                    assert!(VERBS.contains(&verb) && !help.ends_with('.'), "{help}");
                }
                check(sub);
            }
        }
        check(&command());
    }

    #[test]
    fn watch_is_a_switch_with_an_optional_value() {
        let watch = |line| match parse(line).expect(line).command {
            Command::Dev(args) => args.development.watch.watch,
            other => panic!("{other:?}"),
        };
        assert_eq!(watch("fulcrum dev"), None);
        assert_eq!(watch("fulcrum dev --watch"), Some(true));
        assert_eq!(watch("fulcrum dev --watch=false"), Some(false));
        assert_eq!(
            error_kind("fulcrum serve --watch"),
            ErrorKind::UnknownArgument
        );
        let poll = |line| match parse(line).expect(line).command {
            Command::Dev(args) => args.development.watch.poll,
            other => panic!("{other:?}"),
        };
        assert_eq!(poll("fulcrum dev"), None);
        assert_eq!(
            poll("fulcrum dev --poll"),
            Some(std::time::Duration::from_millis(500))
        );
        assert_eq!(
            poll("fulcrum dev --poll=300"),
            Some(std::time::Duration::from_millis(300))
        );
        assert_eq!(
            error_kind("fulcrum dev --poll=soon"),
            ErrorKind::ValueValidation
        );
    }

    #[test]
    fn the_flags_of_a_start_are_read() {
        let line = "fulcrum dev -D --wait --timeout 90s --only a,b --no-deps --no-install --app x";
        let cli = parse(line).expect(line);
        let Command::Dev(args) = cli.command else {
            panic!("not dev")
        };
        assert_eq!(args.start.selection.only, ["a", "b"]);
        assert!(
            args.start.detach && args.start.selection.no_deps && args.start.selection.no_install
        );
        assert_eq!(
            args.start.wait_timeout(),
            Some(std::time::Duration::from_secs(90))
        );
        assert_eq!(cli.global.app.as_deref(), Some(std::path::Path::new("x")));
    }

    #[test]
    fn invalid_combinations_and_values_are_errors() {
        for line in [
            "fulcrum dev --timeout 5s",
            "fulcrum dev --no-deps",
            "fulcrum domains restart",
            "fulcrum domains stop",
        ] {
            assert_eq!(
                error_kind(line),
                ErrorKind::MissingRequiredArgument,
                "{line}"
            );
        }
        let text = parse("fulcrum domains restart")
            .expect_err("no name")
            .to_string();
        assert!(text.contains("all"), "{text}");
        assert_eq!(
            error_kind("fulcrum domains start --timeout 5 x"),
            ErrorKind::ValueValidation
        );
        assert_eq!(
            error_kind("fulcrum domains list -o tall"),
            ErrorKind::InvalidValue
        );
        assert_eq!(
            error_kind("fulcrum dev --unknown"),
            ErrorKind::UnknownArgument
        );
        assert_eq!(
            error_kind("fulcrum"),
            ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
        );
    }

    #[test]
    fn the_app_option_is_valid_at_every_level() {
        for line in [
            "fulcrum --app x domains list",
            "fulcrum domains --app x list",
            "fulcrum domains list --app x",
        ] {
            assert!(parse(line).expect(line).global.app.is_some());
        }
    }

    #[test]
    fn a_payload_can_be_a_negative_number_or_standard_input() {
        for (line, payload) in [
            ("fulcrum domains call users x_request -5", Some("-5")),
            ("fulcrum domains call users x_request -", Some("-")),
            ("fulcrum domains call users x_request", None),
        ] {
            let Command::Domains(args) = parse(line).expect(line).command else {
                panic!("{line}")
            };
            let domains::Command::Call(args) = args.command else {
                panic!("{line}")
            };
            assert_eq!(args.payload.as_deref(), payload);
        }
    }

    #[test]
    fn words_of_other_tools_work() {
        for line in [
            "fulcrum ps",
            "fulcrum ls --json",
            "fulcrum ps --format json",
            "fulcrum up -d",
            "fulcrum dev --no-watch",
            "fulcrum dev users orders --no-deps",
            "fulcrum dev ./shop",
            "fulcrum restart users --json",
            "fulcrum why users",
            "fulcrum call users x_request @payload.json",
            "fulcrum logs --current",
            "fulcrum events -f --timeout 5s",
        ] {
            parse(line).expect(line);
        }
        assert_eq!(parse("fulcrum help why").expect_err("help").exit_code(), 0);
        // The error names what was written.
        let error = parse("fulcrum down --json")
            .expect_err("no output")
            .to_string();
        assert!(error.contains("--json"), "{error}");
    }

    #[test]
    fn usage_errors_exit_with_2_and_help_with_0() {
        assert_eq!(parse("fulcrum nope").expect_err("unknown").exit_code(), 2);
        assert_eq!(parse("fulcrum --help").expect_err("help").exit_code(), 0);
        assert_eq!(
            parse("fulcrum --version").expect_err("version").exit_code(),
            0
        );
    }
}
