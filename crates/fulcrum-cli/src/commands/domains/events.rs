//! `fulcrum domains events`

use std::time::{Duration, SystemTime};

use clap::ValueEnum;
use fulcrum_logs::rfc3339_millis;
use fulcrum_rpc::control::{Event, EventsRequest};

use super::stream;
use crate::args::duration;
use crate::client;
use crate::commands::context::Context;
use crate::exit::CliError;
use crate::output::{Color, EventJson, kind_color, sanitize};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Select domains by name or glob [default: all]
    #[arg(value_name = "NAME|GLOB")]
    names: Vec<String>,
    /// Follow new events
    #[arg(short, long)]
    follow: bool,
    /// Wait up to this time for an instance (0 = no limit)
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, requires = "follow")]
    timeout: Option<Duration>,
    /// Choose the output format
    #[arg(short, long, value_enum, default_value = "table")]
    output: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One line per event
    Table,
    /// One JSON object per line
    Json,
}

pub(super) async fn run(args: Args, context: Context) -> Result<(), CliError> {
    let output = &context.output;
    let client = client::connect_within(context.app(), args.timeout).await?;
    let request = EventsRequest {
        domains: args.names,
        follow: args.follow,
    };
    let events = client
        .events(request)
        .await
        .map_err(client::control_error)?;
    let color = output.stdout().color;
    let print = |event: Event, out: &mut Vec<u8>| {
        let line = match args.output {
            Format::Table => line(&event, color),
            Format::Json => {
                serde_json::to_string(&EventJson::from(event)).expect("its keys are strings")
            }
        };
        out.extend_from_slice(line.as_bytes());
        out.push(b'\n');
    };
    stream::print(events, args.follow, output, print).await
}

fn line(event: &Event, color: bool) -> String {
    let time = event.time.and_then(|time| SystemTime::try_from(time).ok());
    let time = time.map_or_else(|| "-".to_owned(), rfc3339_millis);
    let kind = kind_color(&event.kind).paint(&format!("{:<13}", sanitize(&event.kind)), color);
    let text = format!(
        "{}  {:<14}  {:<4}  {kind}  {}",
        Color::Dim.paint(&time, color),
        sanitize(&event.domain),
        format!("#{}", event.generation),
        sanitize(if event.reason == event.kind {
            ""
        } else {
            &event.reason
        })
    );
    text.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_sanitized_line() {
        let event = Event {
            domain: "users".into(),
            kind: "backoff".into(),
            generation: 2,
            reason: "exit code 1\n\x1b[2J".into(),
            ..Event::default()
        };
        assert_eq!(
            line(&event, false),
            "-  users           #2    backoff        exit code 1␊␛[2J"
        );
    }
}
