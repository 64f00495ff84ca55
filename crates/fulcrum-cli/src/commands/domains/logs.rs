//! `fulcrum domains logs`, or in short `fulcrum logs`

use std::time::SystemTime;

use clap::ValueEnum;
use fulcrum_logs::{Gap, LogLine, Source, Stream, Style, Terminal, to_json};
use fulcrum_rpc::control::log_record::Record;
use fulcrum_rpc::control::{self, LogRecord, LogsRequest};

use super::{Context, stream};
use crate::args::since::{self, Since};
use crate::client;
use crate::exit::Stop;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Names or globs; without any, all, and the instance's own words
    #[arg(value_name = "NAME|GLOB")]
    names: Vec<String>,
    /// Go on with what is said from now on
    #[arg(short, long)]
    follow: bool,
    /// The newest so many lines only
    #[arg(short = 'n', long, value_name = "N")]
    tail: Option<u64>,
    /// Not older than this, such as 5m or 2026-11-23T10:00:00Z
    #[arg(long, value_name = "TIME", value_parser = since::parse)]
    since: Option<Since>,
    /// Put the time in front
    #[arg(short, long)]
    timestamps: bool,
    /// What domains wrote, byte for byte, with nothing in front and none of Fulcrum's own words
    #[arg(long, conflicts_with_all = ["timestamps", "output"])]
    raw: bool,
    /// What to print
    #[arg(short, long, value_enum, default_value = "text")]
    output: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Lines with the domain's name in front
    #[value(alias = "table")]
    Text,
    /// One object a line
    Json,
}

#[expect(
    clippy::disallowed_methods,
    reason = "the edge: `--since 5m` is before now"
)]
pub(super) async fn run(args: Args, context: Context) -> Result<(), Stop> {
    let output = &context.output;
    let client = context.connect().await?;
    let since = args
        .since
        .map(|since| since.resolve(SystemTime::now()).into());
    let request = LogsRequest {
        domains: args.names.clone(),
        follow: args.follow,
        tail: args.tail,
        since,
    };
    let records = client.logs(request).await.map_err(client::refused)?;
    if args.output == Format::Json {
        let print = |record: LogRecord, out: &mut Vec<u8>| match record.record {
            Some(Record::Line(line)) => {
                out.extend_from_slice(to_json(&read(line)).as_bytes());
                out.push(b'\n');
            }
            Some(Record::Missed(missed)) => output.say(&missed_text(missed)),
            None => {}
        };
        return stream::print(records, args.follow, output, print).await;
    }
    if args.raw {
        let print = |record: LogRecord, out: &mut Vec<u8>| match record.record {
            Some(Record::Line(line)) if line.stream != Stream::Fulcrum.as_str() => {
                out.extend_from_slice(&line.message);
                out.push(b'\n');
            }
            Some(Record::Missed(missed)) => output.say(&missed_text(missed)),
            Some(Record::Line(_)) | None => {}
        };
        return stream::print(records, args.follow, output, print).await;
    }
    // Only for alignment, so it doesn't matter if they can't be had.
    let domains = client::domains(&client, &args.names)
        .await
        .unwrap_or_default();
    let names: Vec<_> = domains.iter().map(|domain| domain.name.as_str()).collect();
    let face = output.stdout();
    let mut terminal = Terminal::new(Style {
        colour: face.colour,
        width: face.width,
        names: &names,
        timestamps: args.timestamps,
        raw: false,
    });
    let print = |record: LogRecord, out: &mut Vec<u8>| match record.record {
        Some(Record::Line(line)) => terminal.render_into(&read(line), out),
        Some(Record::Missed(missed)) => out.extend(terminal.render_gap(Gap { missed })),
        None => {}
    };
    stream::print(records, args.follow, output, print).await
}

fn missed_text(missed: u64) -> String {
    format!("fulcrum: {missed} lines missed here: output came too fast")
}

/// The line, from its message. Words that a later instance may use are taken for the nearest thing.
fn read(line: control::LogLine) -> LogLine {
    LogLine {
        seq: line.seq,
        time: line
            .time
            .and_then(|time| SystemTime::try_from(time).ok())
            .unwrap_or(SystemTime::UNIX_EPOCH),
        source: Source {
            domain: line.domain.into(),
            generation: line.generation,
            pid: line.pid,
        },
        stream: line.stream.parse().unwrap_or(Stream::Fulcrum),
        level: line.level.and_then(|level| level.parse().ok()),
        message: line.message.into(),
        partial: line.partial,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use fulcrum_logs::Level;

    use super::*;

    #[test]
    fn a_line_arrives_whole() {
        let line = read(control::LogLine {
            seq: 7,
            time: Some((SystemTime::UNIX_EPOCH + Duration::from_secs(1)).into()),
            domain: "users".into(),
            generation: 2,
            pid: 42,
            stream: "stderr".into(),
            level: Some("warn".into()),
            message: b"x\xff".to_vec(),
            partial: true,
        });
        assert_eq!(
            (line.seq, line.source.generation, line.source.pid),
            (7, 2, 42)
        );
        assert_eq!(
            (line.stream, line.level, line.partial),
            (Stream::Stderr, Some(Level::Warn), true)
        );
        assert_eq!(line.message.as_ref(), b"x\xff");
        assert_eq!(line.time, SystemTime::UNIX_EPOCH + Duration::from_secs(1));
        let strange = read(control::LogLine {
            stream: "fd3".into(),
            ..control::LogLine::default()
        });
        assert_eq!(strange.stream, Stream::Fulcrum);
    }
}
