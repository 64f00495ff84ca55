//! The arguments of `logs`, and the request made of them.

use std::collections::BTreeSet;
use std::time::SystemTime;

use clap::ValueEnum;
use fulcrum_logs::store::StoreQuery;
use fulcrum_logs::{FULCRUM_SOURCE, Level, LogQuery, Stream};
use fulcrum_rpc::control::LogsRequest;
use regex::bytes::{Regex, RegexBuilder};

use crate::args::time_point::{self, TimePoint};
use crate::exit::{CliError, Code};
use fulcrum_config::{UnknownDomain, select_among, unknown_domain};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Select domains by name or glob [default: all, and Fulcrum itself]
    #[arg(value_name = "NAME|GLOB")]
    pub(super) names: Vec<String>,
    /// Follow new output
    #[arg(short, long, conflicts_with_all = ["until", "previous"])]
    pub(super) follow: bool,
    /// Print only the last N lines
    #[arg(short = 'n', long, value_name = "N")]
    tail: Option<usize>,
    /// Print lines since this time, such as 5m or 2026-11-23T10:00:00Z
    #[arg(long, value_name = "TIME", value_parser = time_point::parse)]
    since: Option<TimePoint>,
    /// Print lines before this time
    #[arg(long, value_name = "TIME", value_parser = time_point::parse)]
    until: Option<TimePoint>,
    /// Print lines of at least this level: trace, debug, info, warn, error or fatal
    #[arg(long, value_name = "LEVEL")]
    pub(super) level: Option<Level>,
    /// Print lines that match this regular expression; prefix (?i) to ignore case
    #[arg(long, value_name = "REGEX", value_parser = regex)]
    pub(super) grep: Option<Regex>,
    /// Print one stream only: stdout, stderr or fulcrum
    #[arg(long, value_name = "STREAM")]
    pub(super) stream: Option<Stream>,
    /// Print logs of the previous generation, e.g. the one that crashed
    #[arg(long, conflicts_with = "generation")]
    pub(super) previous: bool,
    /// Print logs of the generation with this number
    #[arg(long, value_name = "N")]
    pub(super) generation: Option<u64>,
    /// Prefix each line with its time
    #[arg(short, long)]
    pub(super) timestamps: bool,
    /// Print raw bytes without prefixes or Fulcrum's own messages
    #[arg(long, conflicts_with_all = ["timestamps", "output"])]
    pub(super) raw: bool,
    /// Choose the output format
    #[arg(short, long, value_enum, default_value = "text")]
    pub(super) output: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Lines prefixed with the domain's name
    #[value(alias = "table")]
    Text,
    /// One JSON object a line
    Json,
}

fn regex(text: &str) -> Result<Regex, String> {
    // Output of a domain is not always UTF-8.
    let built = RegexBuilder::new(text).size_limit(1 << 20).build();
    built.map_err(|error| format!("invalid regular expression: {error}"))
}

/// A request for logs, with times resolved.
pub(super) struct LogRequest {
    pub(super) args: Args,
    pub(super) query: LogQuery,
}

impl LogRequest {
    #[expect(
        clippy::disallowed_methods,
        reason = "the edge: `--since 5m` is relative to now"
    )]
    pub(super) fn of(args: Args) -> Self {
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

    pub(super) fn request(&self, follow: bool) -> LogsRequest {
        let LogQuery {
            stream,
            level,
            since,
            until,
            ..
        } = &self.query;
        // Lines that are filtered here cannot be counted by the instance.
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

    /// The request as a query of the log store.
    pub(super) fn store_query(&self) -> StoreQuery {
        StoreQuery {
            query: self.query.clone(),
            pattern: self.args.grep.clone(),
            domains_only: self.args.raw,
            ..StoreQuery::default()
        }
    }

    /// The domains that the names select among those known.
    pub(super) fn select(&self, known: &BTreeSet<String>) -> Result<BTreeSet<String>, CliError> {
        let among: Vec<&str> = known.iter().map(String::as_str).collect();
        let mut names = self.args.names.clone();
        // Fulcrum's own lines can be requested even if there are none.
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
