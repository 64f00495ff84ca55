//! Lines until now: those of the store and of the instance, each once, in order.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use fulcrum_logs::store::{
    GenerationFilter, GenerationRef, LineOrReceived as Entry, StoreQuery, StoreReader, Stored,
    StoredLine, interleave, merge_once,
};
use fulcrum_logs::{LogLine, MessageFilter, ReceivedLine, Stream, take_said};
use fulcrum_rpc::control::LogSeam;

use super::printer::Printer;
use crate::error_code::ErrorCode;
use crate::exit::CliError;

/// The lines that an instance has in memory.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    /// In order. They may also be in the store.
    pub(super) lines: Vec<LogLine>,
    /// Log records that it has received over OTLP, in order. Lines may say the same.
    pub(super) received: Vec<ReceivedLine>,
    /// Where the snapshot ends: everything later is streamed.
    pub(super) snapshot_marker: LogSeam,
}

impl Backlog {
    /// The backlog without an instance: only the store's lines, of these domains.
    pub(super) fn from_store(domains: &BTreeSet<String>) -> Self {
        let snapshot_marker = LogSeam {
            last_seq: u64::MAX,
            domains: domains.iter().cloned().collect(),
            ..LogSeam::default()
        };
        Self {
            snapshot_marker,
            ..Self::default()
        }
    }

    /// The domains that can occur, for the alignment of prefixes.
    pub(super) fn names(&self) -> Vec<String> {
        self.snapshot_marker.domains.clone()
    }
}

/// Prints the lines, on a thread that can block on the disk, and returns the printer.
///
/// # Errors
/// The store is not readable, or writing fails.
pub(super) async fn print(
    backlog: Backlog,
    query: StoreQuery,
    dir: PathBuf,
    printer: Printer,
) -> Result<Printer, CliError> {
    let task = tokio::task::spawn_blocking(move || print_blocking(backlog, query, &dir, printer));
    match task.await {
        Ok(result) => result,
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}

fn print_blocking(
    mut backlog: Backlog,
    mut query: StoreQuery,
    dir: &Path,
    mut printer: Printer,
) -> Result<Printer, CliError> {
    let to_error = |error: io::Error| store_error(dir, &error);
    let store = StoreReader::open(dir).map_err(to_error)?;
    query.last_seq = Some(backlog.snapshot_marker.last_seq);
    query.has_writer = backlog.snapshot_marker.last_seq != u64::MAX;
    if query.has_writer && !printer.all_domains() {
        query.query.domains = Some(backlog.snapshot_marker.domains.iter().cloned().collect());
    }
    query.generations = generations(&store, &backlog, &printer);
    let mut received = std::mem::take(&mut backlog.received);
    let lines = lines_in_memory(backlog, &query);
    let merged = || merge_once(store.read_with_gaps(&query), lines.iter().cloned());
    let shown = || {
        let lines = merged().filter_map(Stored::line);
        lines.filter(|found| printer.shows(&found.line))
    };
    if !received.is_empty() {
        for found in shown() {
            take_said(&mut received, &found.line);
        }
    }
    let mut skipped = match query.query.tail {
        Some(n) => (shown().count() + received.len()).saturating_sub(n),
        None => 0,
    };
    for entry in interleave(merged(), received) {
        match entry {
            Entry::Stored(Stored::Line(found)) if !printer.shows(&found.line) => {}
            Entry::Stored(Stored::Gap(_)) if skipped > 0 => {}
            Entry::Stored(Stored::Gap(gap)) => printer.buffer_store_gap(&gap)?,
            _ if skipped > 0 => skipped -= 1,
            Entry::Stored(Stored::Line(found)) => printer.buffer_line(found.run, &found.line)?,
            Entry::Received(received) => printer.buffer_received(&received)?,
        }
    }
    printer.flush()?;
    Ok(printer)
}

/// The generation of each domain that `--previous`, `--current` or `--generation` selects; none without them.
fn generations(
    store: &StoreReader,
    backlog: &Backlog,
    printer: &Printer,
) -> Option<BTreeMap<String, GenerationRef>> {
    printer.generation_filter(None)?;
    let mut names: BTreeSet<String> = backlog.snapshot_marker.domains.iter().cloned().collect();
    names.extend(store.domains().map(str::to_owned));
    let mut selected = BTreeMap::new();
    for name in names {
        let running = backlog.snapshot_marker.living.get(&name).copied();
        let Some(filter) = printer.generation_filter(running) else {
            continue;
        };
        let stored = store.find_generation(&name, filter);
        // Not in the store: the lines in memory.
        let in_memory = || {
            let lines = backlog
                .lines
                .iter()
                .filter(|line| *line.source.domain == *name);
            let numbers = lines
                .map(|line| line.source.generation)
                .filter(|number| *number > 0);
            let matching = numbers.filter(|number| match filter {
                GenerationFilter::Generation(requested) => *number == requested,
                GenerationFilter::Previous(running) => Some(*number) != running,
                GenerationFilter::Latest => true,
            });
            matching.max().map(|generation| GenerationRef {
                run: backlog.snapshot_marker.run,
                generation,
            })
        };
        if let Some(generation) = stored.or_else(in_memory) {
            selected.insert(name, generation);
        }
    }
    Some(selected)
}

/// The lines in memory that match the query, as far as the instance has not checked it.
fn lines_in_memory(backlog: Backlog, query: &StoreQuery) -> Vec<StoredLine> {
    let run = backlog.snapshot_marker.run;
    let mut messages = MessageFilter::new(None, query.pattern.clone());
    for line in backlog.lines {
        messages.push(line, run);
    }
    messages.finish();
    let selected = std::iter::from_fn(|| messages.pop());
    selected
        .map(|(line, run)| StoredLine { line, run })
        .filter(|found| found.line.seq > query.after_seq || query.after_seq == 0)
        .filter(|found| is_selected(found, query))
        .collect()
}

/// Whether a line in memory is of a selected generation.
fn is_selected(found: &StoredLine, query: &StoreQuery) -> bool {
    let StoredLine { line, run } = found;
    let generation = GenerationRef {
        run: *run,
        generation: line.source.generation,
    };
    let generations = query.generations.as_ref();
    !(query.domains_only && line.stream == Stream::Fulcrum)
        && generations.is_none_or(|all| all.get(&*line.source.domain) == Some(&generation))
}

/// The error for a store that is not readable.
pub(super) fn store_error(dir: &Path, error: &io::Error) -> CliError {
    CliError::new(
        ErrorCode::StoreUnreadable,
        format!("cannot read the log store {}: {error}", dir.display()),
    )
}
