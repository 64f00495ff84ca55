//! `fulcrum domains events`

use std::time::{Duration, SystemTime};

use clap::ValueEnum;
use fulcrum_logs::{TimeRange, rfc3339_millis};
use fulcrum_rpc::control::{Event, EventsRequest};

use super::stream;
use crate::args::duration;
use crate::args::time_range::TimeRangeArgs;
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
    #[arg(short, long, conflicts_with = "until")]
    follow: bool,
    /// Wait up to this time for an instance (0 = no limit)
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, requires = "follow")]
    timeout: Option<Duration>,
    #[command(flatten)]
    range: TimeRangeArgs,
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
    let range = args.range.resolve()?;
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
        if !is_in_range(&event, range) {
            return;
        }
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

fn times(event: &Event) -> [Option<SystemTime>; 2] {
    let first_time = event.first_time.or(event.time);
    [first_time, event.time].map(|time| time.and_then(|time| SystemTime::try_from(time).ok()))
}

/// Whether the event has happened in the range, the first or the last time.
fn is_in_range(event: &Event, range: TimeRange) -> bool {
    let [first_time, last_time] = times(event);
    let since = range
        .since
        .is_none_or(|since| last_time.is_none_or(|time| time >= since));
    let until = range
        .until
        .is_none_or(|until| first_time.is_none_or(|time| time < until));
    since && until
}

fn line(event: &Event, color: bool) -> String {
    let [first_time, time] = times(event).map(|time| time.map(rfc3339_millis));
    let time = time.unwrap_or_else(|| "-".to_owned());
    let repeats = match (event.count, first_time) {
        (2.., Some(first)) => format!("  ({} times since {first})", event.count),
        _ => String::new(),
    };
    let kind = kind_color(&event.kind).paint(&format!("{:<13}", sanitize(&event.kind)), color);
    let text = format!(
        "{}  {:<14}  {:<4}  {kind}  {}{}",
        Color::Dim.paint(&time, color),
        sanitize(&event.domain),
        format!("#{}", event.generation),
        sanitize(if event.reason == event.kind {
            ""
        } else {
            &event.reason
        }),
        Color::Dim.paint(&repeats, color),
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

    #[test]
    fn a_repeated_event_has_its_count_and_is_in_the_range_of_each_time() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let event = Event {
            domain: "users".into(),
            kind: "changed".into(),
            generation: 2,
            reason: "a.db".into(),
            time: Some(at(100).into()),
            first_time: Some(at(40).into()),
            count: 240,
            ..Event::default()
        };
        assert_eq!(
            line(&event, false),
            "1970-01-01T00:01:40.000Z  users           #2    changed        a.db  \
             (240 times since 1970-01-01T00:00:40.000Z)"
        );
        let is_in = |since: u64, until: u64| {
            let range = TimeRange {
                since: Some(at(since)),
                until: Some(at(until)),
            };
            is_in_range(&event, range)
        };
        assert!(is_in(100, 200) && is_in(10, 41) && is_in(50, 60));
        assert!(!is_in(101, 200) && !is_in(10, 40));
    }
}
