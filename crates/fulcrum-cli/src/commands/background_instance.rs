//! `fulcrum __instance`: the background instance of `--detach`. Internal.

use std::ffi::OsString;
use std::path::Path;

use clap::ValueEnum;
use fulcrum_config::Mode;

use super::context::Context;
use super::start_args::SelectionArgs;
use super::watch::WatchArgs;
use super::{executor, instance_options};
use crate::error_code::ErrorCode;
use crate::exit::CliError;
use crate::load;
use crate::output::Timings;
use crate::wiring::run;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[arg(long)]
    mode: ModeArg,
    #[command(flatten)]
    selection: SelectionArgs,
    #[command(flatten)]
    watch: WatchArgs,
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
    watch: WatchArgs,
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
    if let Some(watch) = watch.watch {
        arguments.push(format!("--watch={watch}").into());
    }
    if let Some(poll) = watch.poll {
        arguments.push(format!("--poll={}ms", poll.as_millis()).into());
    }
    if watch.typecheck {
        arguments.push("--typecheck".into());
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
    let (app, warnings) = load::load_valid(context.app(), mode, &context.output)?;
    let stdout = context.output.stdout();
    let options = instance_options::background_options(
        mode,
        args.selection,
        args.watch,
        app,
        &warnings,
        stdout,
    );
    executor::run_instance(run::run(options, Timings::begin()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};

    #[test]
    fn arguments_are_parsed_as_they_were_given() {
        let selection = SelectionArgs {
            only: vec!["a".into(), "-b".into()],
            no_deps: true,
            no_install: true,
        };
        let watch = WatchArgs {
            watch: Some(false),
            poll: Some(Duration::from_millis(1500)),
            typecheck: true,
        };
        let arguments = arguments(Mode::Serve, &selection, watch, Path::new("/srv/shop"));
        let cli = Cli::try_parse_from([OsString::from("fulcrum")].into_iter().chain(arguments))
            .expect("parsed");
        let Command::BackgroundInstance(args) = cli.command else {
            panic!("another command")
        };
        assert_eq!(args.mode, ModeArg::Serve);
        assert_eq!(args.selection.only, ["a", "-b"]);
        assert!(args.selection.no_deps && args.selection.no_install);
        assert_eq!(args.watch, watch);
        assert_eq!(cli.global.app.as_deref(), Some(Path::new("/srv/shop")));
    }
}
