//! `fulcrum domains logs`, or in short `fulcrum logs`
//!
//! What was said is in the store, which is read here, with or without an instance. A running
//! instance adds what it remembers, which may not be in the store yet, or never where the disk was
//! full, and what is said from now on.

mod backlog;
mod printer;
pub(super) mod remote;

use std::collections::BTreeSet;
use std::time::SystemTime;

use clap::ValueEnum;
use fulcrum_logs::store::{StoreQuery, StoreReader};
use fulcrum_logs::{FULCRUM_SOURCE, Level, LogQuery, Stream};
use fulcrum_rpc::ControlClient;
use fulcrum_rpc::control::log_record::Record;
use fulcrum_rpc::control::{LogRecord, LogsRequest};
use regex::bytes::{Regex, RegexBuilder};

use super::{Context, stream};
use crate::args::time_point::{self, TimePoint};
use crate::exit::{CliError, Code};
use crate::load;
use crate::wiring::log_store;
use backlog::Backlog;
use fulcrum_config::{UnknownDomain, select_among, unknown_domain};
use printer::Printer;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Names or globs; without any, all, and the instance's own words
    #[arg(value_name = "NAME|GLOB")]
    names: Vec<String>,
    /// Go on with what is said from now on
    #[arg(short, long, conflicts_with_all = ["until", "previous"])]
    follow: bool,
    /// The newest so many lines only
    #[arg(short = 'n', long, value_name = "N")]
    tail: Option<usize>,
    /// Not older than this, such as 5m or 2026-11-23T10:00:00Z
    #[arg(long, value_name = "TIME", value_parser = time_point::parse)]
    since: Option<TimePoint>,
    /// Older than this
    #[arg(long, value_name = "TIME", value_parser = time_point::parse)]
    until: Option<TimePoint>,
    /// At least this serious: trace, debug, info, warn, error or fatal
    #[arg(long, value_name = "LEVEL")]
    level: Option<Level>,
    /// Lines in which this is found, a regular expression; (?i) in front ignores case
    #[arg(long, value_name = "REGEX", value_parser = regex)]
    grep: Option<Regex>,
    /// From one stream only: stdout, stderr or fulcrum
    #[arg(long, value_name = "STREAM")]
    stream: Option<Stream>,
    /// Of the last life that is over, such as the one that crashed
    #[arg(long, conflicts_with = "generation")]
    previous: bool,
    /// Of the life with this number
    #[arg(long, value_name = "N")]
    generation: Option<u64>,
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

fn regex(text: &str) -> Result<Regex, String> {
    // What a domain says needn't be UTF-8.
    let built = RegexBuilder::new(text).size_limit(1 << 20).build();
    built.map_err(|error| format!("not a regular expression that can be searched for: {error}"))
}

/// What is asked for, with times resolved.
struct LogRequest {
    args: Args,
    query: LogQuery,
}

pub(super) async fn run(args: Args, context: Context) -> Result<(), CliError> {
    let wish = LogRequest::of(args);
    let connected = match context.connect().await {
        Ok(client) => run_with_instance(&client, &wish, &context).await,
        Err(stop) => Err(stop),
    };
    match connected {
        // Not running; or there is no such domain any more, but there may have been.
        Err(stop) if matches!(stop.code, Code::NotRunning | Code::UnknownDomain) => {
            run_from_store(&wish, &context, stop).await
        }
        done => done,
    }
}

async fn run_with_instance(
    client: &ControlClient,
    wish: &LogRequest,
    context: &Context,
) -> Result<(), CliError> {
    let folder = log_store::store_dir(&load::app_root(context.app())?);
    let (past, _) = remote::fetch_backlog(client, wish.request(false)).await?;
    let mut printer = Printer::new(wish, &past.names(), &context.output);
    let before = past.snapshot_marker.last_seq;
    printer = backlog::print(past, wish.store_query(), folder.clone(), printer).await?;
    if !wish.args.follow {
        return Ok(());
    }
    // What was said meanwhile: from the store, however much that is, and not from what waits for
    // this command, which is bounded.
    let request = LogsRequest {
        tail: None,
        ..wish.request(true)
    };
    let (past, live) = remote::fetch_backlog(client, request).await?;
    let wanted = StoreQuery {
        after_seq: before,
        query: LogQuery {
            tail: None,
            ..wish.query.clone()
        },
        ..wish.store_query()
    };
    let mut printer = backlog::print(past, wanted, folder, printer).await?;
    let pattern = wish.args.grep.as_ref();
    let print = |record: LogRecord, out: &mut Vec<u8>| match record.record {
        Some(Record::Line(line)) => {
            let line = remote::from_message(line);
            if pattern.is_none_or(|pattern| pattern.is_match(line.content())) {
                printer.line(0, &line, out);
            }
        }
        Some(Record::Missed(missed)) => printer.gap(missed, out),
        Some(Record::Seam(_)) | None => {}
    };
    stream::print(live, true, &context.output, print).await
}

/// What is kept, for domains that `stop` says can't be asked for.
async fn run_from_store(
    wish: &LogRequest,
    context: &Context,
    stop: CliError,
) -> Result<(), CliError> {
    let root = load::app_root(context.app())?;
    let folder = log_store::store_dir(&root);
    let archive =
        StoreReader::open(&folder).map_err(|error| backlog::store_error(&folder, &error))?;
    let mut kept: BTreeSet<String> = archive.domains().map(str::to_owned).collect();
    if stop.code == Code::UnknownDomain {
        // The instance knows what there is besides.
        if wish.select(&kept).is_err() {
            return Err(stop);
        }
    } else if kept.is_empty() {
        return Err(stop);
    } else if let Ok(loaded) = load::read(context.app(), fulcrum_config::Mode::Dev) {
        let domains = loaded.app.into_iter().flat_map(|app| app.domains);
        kept.extend(domains.map(|domain| domain.name));
    }
    let domains = wish.select(&kept)?;
    let past = Backlog::from_store(&domains);
    let printer = Printer::new(wish, &past.names(), &context.output);
    let wanted = StoreQuery {
        query: LogQuery {
            domains: (!wish.args.names.is_empty()).then_some(domains),
            ..wish.query.clone()
        },
        ..wish.store_query()
    };
    backlog::print(past, wanted, folder, printer).await?;
    if wish.args.follow { Err(stop) } else { Ok(()) }
}

impl LogRequest {
    #[expect(
        clippy::disallowed_methods,
        reason = "the edge: `--since 5m` is before now"
    )]
    fn of(args: Args) -> Self {
        let now = SystemTime::now();
        let time = |since: Option<TimePoint>| since.map(|since| since.resolve(now));
        let query = LogQuery {
            domains: None,
            generation: None,
            stream: args.stream,
            level: args.level,
            since: time(args.since),
            until: time(args.until),
            tail: args.tail,
        };
        Self { args, query }
    }

    fn request(&self, follow: bool) -> LogsRequest {
        let LogQuery {
            stream,
            level,
            since,
            until,
            ..
        } = &self.query;
        // What is sorted out here can't be counted there.
        let sorted_out = self.args.grep.is_some() || self.args.previous || self.args.raw;
        let tail = self.args.tail.filter(|_| !sorted_out);
        LogsRequest {
            domains: self.args.names.clone(),
            follow,
            tail: tail.and_then(|n| u64::try_from(n).ok()),
            since: since.map(Into::into),
            until: until.map(Into::into),
            stream: stream.map_or_else(String::new, |stream| stream.to_string()),
            level: level.map_or_else(String::new, |level| level.to_string()),
            generation: self.args.generation,
        }
    }

    /// The same, for the store.
    fn store_query(&self) -> StoreQuery {
        StoreQuery {
            query: self.query.clone(),
            pattern: self.args.grep.clone(),
            domains_only: self.args.raw,
            ..StoreQuery::default()
        }
    }

    /// Which of these domains are meant.
    fn select(&self, known: &BTreeSet<String>) -> Result<BTreeSet<String>, CliError> {
        let among: Vec<&str> = known.iter().map(String::as_str).collect();
        let mut names = self.args.names.clone();
        // Fulcrum's own words can be asked for even where there are none.
        names.retain(|name| name != FULCRUM_SOURCE || known.contains(name));
        if names.is_empty() && !self.args.names.is_empty() {
            return Ok(BTreeSet::new());
        }
        let found = select_among(&among, &names).map_err(|UnknownDomain(name)| {
            let text = unknown_domain(&name, among.iter().copied());
            CliError::new(Code::UnknownDomain, text)
        })?;
        Ok(found.into_iter().collect())
    }
}
