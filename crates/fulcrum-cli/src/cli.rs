//! What can be typed. The arguments of a command stand beside it.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::commands::{
    background_instance, completions, config, dev, domains, down, reload, serve, strip,
};

/// A process manager for Node domains.
#[derive(Debug, Parser)]
#[command(
    name = "fulcrum",
    version,
    about,
    arg_required_else_help = true,
    disable_help_subcommand = true,
    after_help = "Exit codes: 0 done, 1 failed, 2 usage, 3 no running instance, 4 unknown domain, \
                  5 configuration invalid, 6 version mismatch, 10 a domain failed for good, \
                  17 timed out, 70 a defect of fulcrum, 130 interrupted."
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) verb: Command,
}

/// What goes with every verb.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// The app's folder, or its fulcrum.yml [default: FULCRUM_APP_PATH, else the nearest upward]
    #[arg(long, global = true, value_name = "PATH")]
    pub(crate) app: Option<PathBuf>,
    /// No colours; NO_COLOR and CI in the environment mean the same
    #[arg(long, global = true)]
    pub(crate) no_color: bool,
    /// Say nothing about progress, only data and errors
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the app for development: start its domains and show what they say
    Dev(dev::Args),
    /// Run the app for production
    Serve(serve::Args),
    /// Stop the running instance and wait for its end
    Down(down::Args),
    /// Read the configuration anew and carry out what differs
    Reload(reload::Args),
    /// Look at, change and talk to the domains of the running instance
    Domains(domains::Args),
    /// Short for `domains logs`
    Logs(domains::logs::Args),
    /// Check and show the configuration
    Config(config::Args),
    /// Print a completion script for a shell
    Completions(completions::Args),
    /// The instance that `--detach` leaves behind
    #[command(name = "__instance", hide = true)]
    BackgroundInstance(background_instance::Args),
    /// What the bootstrap of TypeScript domains calls
    #[command(name = "__strip", hide = true)]
    StripTypes(strip::Args),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use clap::error::ErrorKind;

    use super::*;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(line.split_whitespace())
    }

    fn refused(line: &str) -> ErrorKind {
        parse(line).expect_err(line).kind()
    }

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn watch_is_a_switch_with_an_optional_value() {
        let watch = |line| match parse(line).expect(line).verb {
            Command::Dev(args) => args.watch.watch,
            other => panic!("{other:?}"),
        };
        assert_eq!(watch("fulcrum dev"), None);
        assert_eq!(watch("fulcrum dev --watch"), Some(true));
        assert_eq!(watch("fulcrum dev --watch=false"), Some(false));
        assert_eq!(
            refused("fulcrum dev --watch false"),
            ErrorKind::UnknownArgument
        );
        assert_eq!(refused("fulcrum serve --watch"), ErrorKind::UnknownArgument);
        let poll = |line| match parse(line).expect(line).verb {
            Command::Dev(args) => args.watch.poll,
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
            refused("fulcrum dev --poll=soon"),
            ErrorKind::ValueValidation
        );
    }

    #[test]
    fn the_flags_of_a_start_are_read() {
        let line = "fulcrum dev -D --wait --timeout 90s --only a,b --no-deps --no-install --app x";
        let cli = parse(line).expect(line);
        let Command::Dev(args) = cli.verb else {
            panic!("not dev")
        };
        assert_eq!(args.start.what.only, ["a", "b"]);
        assert!(args.start.detach && args.start.what.no_deps && args.start.what.no_install);
        assert_eq!(
            args.start.wait_timeout(),
            Some(std::time::Duration::from_secs(90))
        );
        assert_eq!(cli.global.app.as_deref(), Some(std::path::Path::new("x")));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for line in [
            "fulcrum dev --timeout 5s",
            "fulcrum dev --no-deps",
            "fulcrum domains restart",
            "fulcrum domains stop",
        ] {
            assert_eq!(refused(line), ErrorKind::MissingRequiredArgument, "{line}");
        }
        let text = parse("fulcrum domains restart")
            .expect_err("no name")
            .to_string();
        assert!(text.contains("all"), "{text}");
        assert_eq!(
            refused("fulcrum domains start --timeout 5 x"),
            ErrorKind::ValueValidation
        );
        assert_eq!(
            refused("fulcrum domains list -o wide"),
            ErrorKind::InvalidValue
        );
        assert_eq!(refused("fulcrum dev -o json"), ErrorKind::UnknownArgument);
        assert_eq!(
            refused("fulcrum"),
            ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
        );
    }

    #[test]
    fn the_app_may_be_named_anywhere() {
        for line in [
            "fulcrum --app x domains list",
            "fulcrum domains --app x list",
            "fulcrum domains list --app x",
        ] {
            assert!(parse(line).expect(line).global.app.is_some());
        }
    }

    #[test]
    fn a_payload_may_be_a_negative_number_or_standard_input() {
        for (line, payload) in [
            ("fulcrum domains call users x_request -5", Some("-5")),
            ("fulcrum domains call users x_request -", Some("-")),
            ("fulcrum domains call users x_request", None),
        ] {
            let Command::Domains(args) = parse(line).expect(line).verb else {
                panic!("{line}")
            };
            let domains::Verb::Call(args) = args.verb else {
                panic!("{line}")
            };
            assert_eq!(args.payload.as_deref(), payload);
        }
    }

    #[test]
    fn usage_ends_with_2_and_help_with_0() {
        assert_eq!(parse("fulcrum nope").expect_err("unknown").exit_code(), 2);
        assert_eq!(parse("fulcrum --help").expect_err("help").exit_code(), 0);
        assert_eq!(
            parse("fulcrum --version").expect_err("version").exit_code(),
            0
        );
    }
}
