//! `fulcrum top`

use std::time::SystemTime;

use clap::builder::PossibleValuesParser;
use fulcrum_tui::term::{ColorDepth, is_interactive};
use fulcrum_tui::top::{OnceOptions, TopEnd, TopOptions, once, run as show};
use fulcrum_tui::view::{THEME_NAMES, Theme};

use super::context::Context;
use super::executor;
use crate::error_code::ErrorCode;
use crate::exit::{CliError, Code};
use crate::{client, load, paths};

/// The columns of a frame that is no terminal's.
const COLUMNS: u16 = 100;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print one frame as text
    #[arg(long)]
    once: bool,
    /// Choose the colors
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(THEME_NAMES), default_value = THEME_NAMES[0])]
    theme: String,
    /// Do not take the mouse, which selects text then
    #[arg(long)]
    no_mouse: bool,
}

pub(crate) fn run(args: Args, context: Context) -> Result<(), CliError> {
    let stdout = context.output.stdout();
    let depth = ColorDepth::detect(stdout.color, |name| std::env::var(name).ok());
    let theme = Theme::number(&args.theme, depth).unwrap_or_default();
    if args.once {
        let options = OnceOptions {
            columns: stdout.width.unwrap_or(COLUMNS),
            depth,
            theme,
            wall: now(),
        };
        return executor::run_client(None, print_once(options, context));
    }
    if !is_interactive() {
        let text = "standard input or output is no terminal\n  hint: `fulcrum top --once` prints one frame";
        return Err(CliError::new(ErrorCode::NoTerminal, text));
    }
    let root = load::app_root(context.app())?;
    let dir = paths::runtime_dir(&root)?;
    // An instance that ends later is waited for; without one there is nothing to see.
    let found = context.clone();
    executor::run_client(None, async move { found.connect().await.map(drop) })?;
    let options = TopOptions {
        dir,
        depth,
        theme,
        mouse: !args.no_mouse,
    };
    match show(options, None) {
        Ok(TopEnd::Quit | TopEnd::Stopped) => Ok(()),
        Ok(TopEnd::Signal) => Err(CliError::already_reported(Code::Interrupted)),
        Err(error) => Err(CliError::new(
            ErrorCode::OutputFailed,
            format!("cannot use the terminal: {error}"),
        )),
    }
}

async fn print_once(options: OnceOptions, context: Context) -> Result<(), CliError> {
    let client = context.connect().await?;
    let frame = once(&client, options)
        .await
        .map_err(client::control_error)?;
    context.output.data(frame.as_bytes())
}

#[expect(
    clippy::disallowed_methods,
    reason = "the edge reads the clock for the view"
)]
fn now() -> SystemTime {
    SystemTime::now()
}
