//! The process that `--detach` leaves behind. Not for people.

use std::ffi::OsString;
use std::path::Path;

use clap::ValueEnum;
use fulcrum_config::Mode;

use super::start;
use super::start_args::SelectionArgs;
use super::watch::WatchArgs;
use crate::commands::context::Context;
use crate::commands::executor;
use crate::exit::CliError;
use crate::load;
use crate::wiring::run;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[arg(long)]
    mode: ModeArg,
    #[command(flatten)]
    what: SelectionArgs,
    #[command(flatten)]
    watch: WatchArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ModeArg {
    Dev,
    Serve,
}

/// The arguments that make this program the background instance of the app at `root`.
pub(super) fn arguments(
    mode: Mode,
    what: &SelectionArgs,
    watch: WatchArgs,
    root: &Path,
) -> Vec<OsString> {
    let mut words: Vec<OsString> = ["__instance", "--mode"].map(OsString::from).into();
    words.push(match mode {
        Mode::Dev => "dev".into(),
        Mode::Serve => "serve".into(),
    });
    words.push("--app".into());
    words.push(root.into());
    if !what.only.is_empty() {
        // As one word, since a name may begin with a dash, if only by mistake.
        words.push(format!("--only={}", what.only.join(",")).into());
    }
    if what.no_deps {
        words.push("--no-deps".into());
    }
    if what.no_install {
        words.push("--no-install".into());
    }
    if let Some(watch) = watch.watch {
        words.push(format!("--watch={watch}").into());
    }
    if let Some(poll) = watch.poll {
        words.push(format!("--poll={}ms", poll.as_millis()).into());
    }
    words
}

pub(crate) fn run(args: Args, context: &Context) -> Result<(), CliError> {
    // First of all: until then the terminal's Ctrl-C and its end are ours too.
    rustix::process::setsid().map_err(|errno| {
        CliError::failed(format!(
            "can't leave the terminal: {errno}; this is a part of `fulcrum dev --detach`"
        ))
    })?;
    let mode = match args.mode {
        ModeArg::Dev => Mode::Dev,
        ModeArg::Serve => Mode::Serve,
    };
    let (app, warnings) = load::valid(context.app(), mode, &context.output)?;
    let options = start::options(
        mode,
        args.what,
        args.watch,
        app,
        &warnings,
        context.output.stdout(),
    );
    executor::run_instance(run::run(options))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};

    #[test]
    fn what_is_handed_over_arrives() {
        let what = SelectionArgs {
            only: vec!["a".into(), "-b".into()],
            no_deps: true,
            no_install: true,
        };
        let watch = WatchArgs {
            watch: Some(false),
            poll: Some(Duration::from_millis(1500)),
        };
        let words = arguments(Mode::Serve, &what, watch, Path::new("/srv/shop"));
        let cli = Cli::try_parse_from([OsString::from("fulcrum")].into_iter().chain(words))
            .expect("parsed");
        let Command::BackgroundInstance(args) = cli.command else {
            panic!("another verb")
        };
        assert_eq!(args.mode, ModeArg::Serve);
        assert_eq!(args.what.only, ["a", "-b"]);
        assert!(args.what.no_deps && args.what.no_install);
        assert_eq!(args.watch, watch);
        assert_eq!(cli.global.app.as_deref(), Some(Path::new("/srv/shop")));
    }
}
