//! `fulcrum doctor`

use std::time::SystemTime;

use clap::ValueEnum;
use fulcrum_config::Mode;
use fulcrum_doctor::{Report, Request, Status, checks, gather, repair};
use fulcrum_rpc::{ConnectError, ControlClient, RuntimeDir};

use crate::commands::context::Context;
use crate::commands::executor::run_client;
use crate::error_code::ErrorCode;
use crate::exit::CliError;
use crate::output::{Color, Output};
use crate::wiring::log_store;
use crate::{load, paths, prepare};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Make the repairs that are safe without a question
    #[arg(long)]
    fix: bool,
    /// Choose the output format
    #[arg(short, long, value_enum, default_value = "text")]
    output: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A report to be read, or pasted into an issue
    Text,
    /// {"version", "machine", "app", "checks", "summary"}
    Json,
}

pub(crate) fn run(args: Args, context: Context) -> Result<(), CliError> {
    run_client(None, async move { examine(&args, &context).await })
}

/// Without an app, only the machine is examined.
async fn examine(args: &Args, context: &Context) -> Result<(), CliError> {
    let loaded = load::read(context.app(), Mode::Dev)?;
    let root = load::root(context.app());
    let runtime_dir = root.as_deref().map(paths::runtime_dir).transpose()?;
    let (prepare, cache_warning) = prepare::context()?;
    let program = std::env::current_exe().unwrap_or_default();
    let request = Request {
        root: root.as_deref(),
        app: loaded.app.as_ref(),
        diagnostics: &loaded.diagnostics,
        runtime_dir: runtime_dir.as_ref(),
        logs: root.as_deref().map(log_store::store_dir),
        connect_error: connect_error(runtime_dir.as_ref()).await,
        prepare: &prepare,
        cache_warning,
        environment: std::env::vars_os().collect(),
        program: &program,
        now: now(),
    };
    let facts = gather(&request);
    let mut checks = checks::run(&facts);
    if args.fix {
        repair(&mut checks, &request);
        let facts = gather(&request);
        checks = after_repair(checks, checks::run(&facts));
    }
    let app = root.as_ref().map(|root| root.display().to_string());
    let report = Report::new(env!("CARGO_PKG_VERSION"), &facts.machine, app, checks);
    print(&report, args.output, &context.output)
}

#[expect(
    clippy::disallowed_methods,
    reason = "times of files are compared with the present time"
)]
fn now() -> SystemTime {
    SystemTime::now()
}

/// Why a running instance cannot be asked.
async fn connect_error(dir: Option<&RuntimeDir>) -> Option<String> {
    match ControlClient::connect(dir?).await {
        Ok(_) | Err(ConnectError::NotRunning) => None,
        Err(error) => Some(error.to_string().lines().next()?.to_owned()),
    }
}

/// The checks after a repair, with what was done in each.
fn after_repair(
    before: Vec<fulcrum_doctor::Check>,
    after: Vec<fulcrum_doctor::Check>,
) -> Vec<fulcrum_doctor::Check> {
    let fixed = |id| before.iter().find(|check| check.id == id)?.fixed.clone();
    after
        .into_iter()
        .map(|check| fulcrum_doctor::Check {
            fixed: fixed(check.id),
            ..check
        })
        .collect()
}

fn print(report: &Report, format: Format, output: &Output) -> Result<(), CliError> {
    let stdout = output.stdout();
    match format {
        Format::Json => output.json(report)?,
        Format::Text => {
            let paint = |status, text: &str| color_of(status).paint(text, stdout.color);
            output.data(report.render(paint).as_bytes())?;
        }
    }
    match report.summary.fail {
        0 => Ok(()),
        number => Err(CliError::new(
            ErrorCode::ChecksFailed,
            format!("{} of {} checks failed", number, report.checks.len()),
        )),
    }
}

fn color_of(status: Status) -> Color {
    match status {
        Status::Ok => Color::Green,
        Status::Warn => Color::Yellow,
        Status::Fail => Color::Red,
    }
}
