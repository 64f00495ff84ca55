//! `fulcrum domains logs`, or in short `fulcrum logs`
//!
//! What was said is in the store, which is read here, with or without an instance. A running
//! instance adds what it remembers, which may not be in the store yet, or never where the disk was
//! full, and what is said from now on.

mod past;
mod printer;
pub(super) mod received;

use std::collections::BTreeSet;
use std::time::SystemTime;

use clap::ValueEnum;
use fulcrum_logs::store::{Archive, Wanted};
use fulcrum_logs::{FULCRUM, Level, Query, Stream};
use fulcrum_rpc::ControlClient;
use fulcrum_rpc::control::log_record::Record;
use fulcrum_rpc::control::{LogRecord, LogsRequest};
use regex::bytes::{Regex, RegexBuilder};

use super::{Context, stream};
use crate::args::since::{self, Since};
use crate::exit::{Code, Stop};
use crate::load;
use crate::wiring::log_store;
use fulcrum_runtime::names::unknown_domain;
use fulcrum_runtime::selection::{Unknown, select_among};
use past::Past;
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
    #[arg(long, value_name = "TIME", value_parser = since::parse)]
    since: Option<Since>,
    /// Older than this
    #[arg(long, value_name = "TIME", value_parser = since::parse)]
    until: Option<Since>,
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
struct Wish {
    args: Args,
    query: Query,
}

pub(super) async fn run(args: Args, context: Context) -> Result<(), Stop> {
    let wish = Wish::of(args);
    let connected = match context.connect().await {
        Ok(client) => with_instance(&client, &wish, &context).await,
        Err(stop) => Err(stop),
    };
    match connected {
        // Not running; or there is no such domain any more, but there may have been.
        Err(stop) if matches!(stop.code, Code::NotRunning | Code::UnknownDomain) => {
            without_instance(&wish, &context, stop).await
        }
        done => done,
    }
}

async fn with_instance(client: &ControlClient, wish: &Wish, context: &Context) -> Result<(), Stop> {
    let folder = log_store::folder(&load::app_root(context.app())?);
    let (past, _) = received::past(client, wish.request(false)).await?;
    let mut printer = Printer::new(wish, &past.names(), &context.output);
    let before = past.seam.last_seq;
    printer = past::print(past, wish.wanted(), folder.clone(), printer).await?;
    if !wish.args.follow {
        return Ok(());
    }
    // What was said meanwhile: from the store, however much that is, and not from what waits for
    // this command, which is bounded.
    let request = LogsRequest {
        tail: None,
        ..wish.request(true)
    };
    let (past, live) = received::past(client, request).await?;
    let wanted = Wanted {
        after_seq: before,
        query: Query {
            n: None,
            ..wish.query.clone()
        },
        ..wish.wanted()
    };
    let mut printer = past::print(past, wanted, folder, printer).await?;
    let pattern = wish.args.grep.as_ref();
    let print = |record: LogRecord, out: &mut Vec<u8>| match record.record {
        Some(Record::Line(line)) => {
            let line = received::read(line);
            if pattern.is_none_or(|pattern| pattern.is_match(line.said())) {
                printer.line(0, &line, out);
            }
        }
        Some(Record::Missed(missed)) => printer.gap(missed, out),
        Some(Record::Seam(_)) | None => {}
    };
    stream::print(live, true, &context.output, print).await
}

/// What is kept, for domains that `stop` says can't be asked for.
async fn without_instance(wish: &Wish, context: &Context, stop: Stop) -> Result<(), Stop> {
    let root = load::app_root(context.app())?;
    let folder = log_store::folder(&root);
    let archive = Archive::open(&folder).map_err(|error| past::unreadable(&folder, &error))?;
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
    let past = Past::kept(&domains);
    let printer = Printer::new(wish, &past.names(), &context.output);
    let wanted = Wanted {
        query: Query {
            domains: (!wish.args.names.is_empty()).then_some(domains),
            ..wish.query.clone()
        },
        ..wish.wanted()
    };
    past::print(past, wanted, folder, printer).await?;
    if wish.args.follow { Err(stop) } else { Ok(()) }
}

impl Wish {
    #[expect(
        clippy::disallowed_methods,
        reason = "the edge: `--since 5m` is before now"
    )]
    fn of(args: Args) -> Self {
        let now = SystemTime::now();
        let time = |since: Option<Since>| since.map(|since| since.resolve(now));
        let query = Query {
            domains: None,
            generation: None,
            stream: args.stream,
            level: args.level,
            since: time(args.since),
            until: time(args.until),
            n: args.tail,
        };
        Self { args, query }
    }

    fn request(&self, follow: bool) -> LogsRequest {
        let Query {
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
    fn wanted(&self) -> Wanted {
        Wanted {
            query: self.query.clone(),
            pattern: self.args.grep.clone(),
            domains_only: self.args.raw,
            ..Wanted::default()
        }
    }

    /// Which of these domains are meant.
    fn select(&self, known: &BTreeSet<String>) -> Result<BTreeSet<String>, Stop> {
        let among: Vec<&str> = known.iter().map(String::as_str).collect();
        let mut names = self.args.names.clone();
        // Fulcrum's own words can be asked for even where there are none.
        names.retain(|name| name != FULCRUM || known.contains(name));
        if names.is_empty() && !self.args.names.is_empty() {
            return Ok(BTreeSet::new());
        }
        let found = select_among(&among, &names).map_err(|Unknown(name)| {
            let text = unknown_domain(&name, among.iter().copied());
            Stop::new(Code::UnknownDomain, text)
        })?;
        Ok(found.into_iter().collect())
    }
}
