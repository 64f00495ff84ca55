//! `fulcrum __instance`: the background instance of `--detach`. Internal.

use std::ffi::OsString;
use std::path::Path;

use clap::ValueEnum;
use fulcrum_config::Mode;
use fulcrum_runtime::AutoPorts;

use super::context::Context;
use super::development::DevelopmentArgs;
use super::start_args::SelectionArgs;
use super::{executor, instance_options};
use crate::error_code::ErrorCode;
use crate::exit::CliError;
use crate::load;
use crate::wiring::options::Options;
use crate::wiring::{begin_timings, run};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[arg(long)]
    mode: ModeArg,
    #[command(flatten)]
    selection: SelectionArgs,
    #[command(flatten)]
    development: DevelopmentArgs,
    /// Shut down at the end of standard input: the process that started the instance has ended
    #[arg(long)]
    tied: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ModeArg {
    Dev,
    Serve,
}

/// The arguments of this program that run the background instance of the app at `root`.
pub(super) fn arguments(
    mode: Mode,
    selection: &SelectionArgs,
    development: &DevelopmentArgs,
    is_tied: bool,
    root: &Path,
) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = ["__instance", "--mode"].map(OsString::from).into();
    arguments.push(match mode {
        Mode::Dev => "dev".into(),
        Mode::Serve => "serve".into(),
    });
    arguments.push("--app".into());
    arguments.push(root.into());
    if !selection.only.is_empty() {
        // As one argument, since a name can start with a dash by mistake.
        arguments.push(format!("--only={}", selection.only.join(",")).into());
    }
    if selection.no_deps {
        arguments.push("--no-deps".into());
    }
    if selection.no_install {
        arguments.push("--no-install".into());
    }
    let DevelopmentArgs { watch, inspect } = development;
    if let Some(watch) = watch.watch {
        arguments.push(format!("--watch={watch}").into());
    }
    if let Some(poll) = watch.poll {
        arguments.push(format!("--poll={}ms", poll.as_millis()).into());
    }
    if watch.typecheck {
        arguments.push("--typecheck".into());
    }
    arguments.extend(inspect.arguments());
    if is_tied {
        arguments.push("--tied".into());
    }
    arguments
}

pub(crate) fn run(args: Args, context: &Context) -> Result<(), CliError> {
    // First: until then this process also receives the terminal's Ctrl-C and hang-up.
    rustix::process::setsid().map_err(|errno| {
        CliError::new(
            ErrorCode::CannotStart,
            format!(
                "cannot leave the terminal's session: {errno}\n  \
             hint: `__instance` is internal; run `fulcrum dev --detach`"
            ),
        )
    })?;
    let mode = match args.mode {
        ModeArg::Dev => Mode::Dev,
        ModeArg::Serve => Mode::Serve,
    };
    let auto_ports = AutoPorts::default();
    let loaded = load::load_for_instance(context.app(), mode, &auto_ports, &context.output)?;
    let stdout = context.output.stdout();
    let options = Options {
        auto_ports,
        is_tied: args.tied,
        ..instance_options::background_options(
            mode,
            args.selection,
            &args.development,
            loaded,
            stdout,
        )
    };
    executor::run_instance(run::run(options, begin_timings()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};
    use crate::commands::inspect::InspectArgs;
    use crate::commands::watch::WatchArgs;

    #[test]
    fn arguments_are_parsed_as_they_were_given() {
        let selection = SelectionArgs {
            only: vec!["a".into(), "-b".into()],
            no_deps: true,
            no_install: true,
        };
        let development = DevelopmentArgs {
            watch: WatchArgs {
                watch: Some(false),
                poll: Some(Duration::from_millis(1500)),
                typecheck: true,
            },
            inspect: InspectArgs {
                inspect: vec!["".parse().expect("all")],
                inspect_brk: vec!["users:9300".parse().expect("a target")],
            },
        };
        let root = Path::new("/srv/shop");
        let arguments = arguments(Mode::Serve, &selection, &development, true, root);
        let cli = Cli::try_parse_from([OsString::from("fulcrum")].into_iter().chain(arguments))
            .expect("parsed");
        let Command::BackgroundInstance(args) = cli.command else {
            panic!("another command")
        };
        assert_eq!(args.mode, ModeArg::Serve);
        assert_eq!(args.selection.only, ["a", "-b"]);
        assert!(args.selection.no_deps && args.selection.no_install);
        assert!(args.tied);
        assert_eq!(args.development.watch, development.watch);
        let requests = args.development.inspect.requests();
        assert_eq!(requests, development.inspect.requests());
        assert_eq!(cli.global.app.as_deref(), Some(Path::new("/srv/shop")));
    }
}
