//! The arguments of `logs`, as requests to an instance and to the store.

use std::collections::BTreeSet;
use std::time::Duration;

use clap::ValueEnum;
use fulcrum_config::{UnknownDomain, select_among, unknown_domain};
use fulcrum_logs::store::StoreQuery;
use fulcrum_logs::{FULCRUM_SOURCE, Level, LogQuery, Stream};
use fulcrum_rpc::control::LogsRequest;
use regex::bytes::{Regex, RegexBuilder};

use crate::args::duration;
use crate::args::time_range::TimeRangeArgs;
use crate::error_code::ErrorCode;
use crate::exit::CliError;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Select domains by name or glob [default: all, and Fulcrum itself]
    #[arg(value_name = "NAME|GLOB")]
    pub(super) names: Vec<String>,
    /// Follow new output
    #[arg(short, long, conflicts_with_all = ["until", "previous"])]
    pub(super) follow: bool,
    /// Wait up to this time for an instance (0 = no limit)
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, requires = "follow")]
    pub(super) timeout: Option<Duration>,
    /// Print only the last N lines
    #[arg(short = 'n', long, value_name = "N")]
    tail: Option<usize>,
    #[command(flatten)]
    range: TimeRangeArgs,
    /// Print lines of at least this level: trace, debug, info, warn, error or fatal
    #[arg(long, value_name = "LEVEL")]
    pub(super) level: Option<Level>,
    /// Print lines that match this regular expression; prefix (?i) to ignore case
    #[arg(long, value_name = "REGEX", value_parser = regex)]
    pub(super) grep: Option<Regex>,
    /// Print lines with the id of this trace, of at least 8 digits
    #[arg(long, value_name = "ID", value_parser = trace_id, conflicts_with = "grep")]
    trace: Option<Regex>,
    /// Print one stream only: stdout, stderr or fulcrum
    #[arg(long, value_name = "STREAM")]
    pub(super) stream: Option<Stream>,
    /// Print logs of the previous generation, e.g. the one that crashed
    #[arg(long, conflicts_with = "generation")]
    pub(super) previous: bool,
    /// Print logs of the current generation, or the last one, only
    #[arg(long, conflicts_with_all = ["generation", "previous", "follow"])]
    pub(super) current: bool,
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
    /// One JSON object per line
    Json,
}

fn regex(text: &str) -> Result<Regex, String> {
    // Output of a domain may not be UTF-8.
    let regex = RegexBuilder::new(text).size_limit(1 << 20).build();
    regex.map_err(|error| format!("invalid regular expression: {error}"))
}

/// The pattern of lines with a trace's id, in the format of any logger.
fn trace_id(text: &str) -> Result<Regex, String> {
    let is_id = (8..=32).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    match is_id {
        true => regex(&format!("(?i){text}")),
        false => Err("the id of a trace has 32 hexadecimal digits".to_owned()),
    }
}

/// A request for logs, with times resolved.
pub(super) struct LogRequest {
    pub(super) args: Args,
    pub(super) query: LogQuery,
}

impl LogRequest {
    /// # Errors
    /// The range of time is none.
    pub(super) fn new(mut args: Args) -> Result<Self, CliError> {
        args.grep = args.grep.or(args.trace.take());
        let range = args.range.resolve()?;
        let query = LogQuery {
            domains: None,
            generation: None,
            stream: args.stream,
            level: args.level,
            since: range.since,
            until: range.until,
            tail: args.tail,
        };
        Ok(Self { args, query })
    }

    /// The request as a message to an instance.
    pub(super) fn to_message(&self, follow: bool) -> LogsRequest {
        let LogQuery {
            stream,
            level,
            since,
            until,
            ..
        } = &self.query;
        // The instance cannot count lines that are filtered here.
        let is_filtered_here = self.args.grep.is_some()
            || self.args.previous
            || self.args.current
            || self.args.raw
            || self.hides_debug();
        let tail = self.args.tail.filter(|_| !is_filtered_here);
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

    /// Whether Fulcrum's own debug messages are left out: they are no part of the text, unless their
    /// level is asked for.
    pub(super) fn hides_debug(&self) -> bool {
        let asked = self.args.level.is_some_and(|level| level <= Level::Debug);
        self.args.output == Format::Text && !self.args.raw && !asked
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

    /// The known domains that the names select.
    ///
    /// # Errors
    /// [`ErrorCode::UnknownDomain`] for a name that matches none.
    pub(super) fn select(&self, known: &BTreeSet<String>) -> Result<BTreeSet<String>, CliError> {
        let known_names: Vec<&str> = known.iter().map(String::as_str).collect();
        let mut names = self.args.names.clone();
        // Fulcrum's own lines can be requested even if there are none.
        names.retain(|name| name != FULCRUM_SOURCE || known.contains(name));
        if names.is_empty() && !self.args.names.is_empty() {
            return Ok(BTreeSet::new());
        }
        let selected = select_among(&known_names, &names).map_err(|UnknownDomain(name)| {
            let message = unknown_domain(&name, known_names.iter().copied());
            CliError::new(ErrorCode::UnknownDomain, message)
        })?;
        Ok(selected.into_iter().collect())
    }
}
