//! What was said until now: the store's lines and the instance's, each once, in order.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::iter::Peekable;
use std::path::{Path, PathBuf};

use fulcrum_logs::store::{GenerationFilter, GenerationRef, StoreQuery, StoreReader, StoredLine};
use fulcrum_logs::{LogLine, Stream};
use fulcrum_rpc::control::LogSeam;

use super::printer::Printer;
use crate::exit::CliError;

/// What an instance remembers.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    /// In order. They may be in the store, too.
    pub(super) lines: Vec<LogLine>,
    pub(super) snapshot_marker: LogSeam,
}

impl Backlog {
    /// No instance: only what is kept, of these domains.
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

    /// The domains that may occur, for alignment.
    pub(super) fn names(&self) -> Vec<String> {
        self.snapshot_marker.domains.clone()
    }
}

/// Prints them, on a thread that may wait for the disk. Gives the printer back.
pub(super) async fn print(
    past: Backlog,
    wanted: StoreQuery,
    folder: PathBuf,
    printer: Printer,
) -> Result<Printer, CliError> {
    let printing = tokio::task::spawn_blocking(move || blocking(past, wanted, &folder, printer));
    match printing.await {
        Ok(printed) => printed,
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}

fn blocking(
    past: Backlog,
    mut wanted: StoreQuery,
    folder: &Path,
    mut printer: Printer,
) -> Result<Printer, CliError> {
    let unreadable = |error: io::Error| store_error(folder, &error);
    let archive = StoreReader::open(folder).map_err(unreadable)?;
    wanted.last_seq = Some(past.snapshot_marker.last_seq);
    wanted.has_writer = past.snapshot_marker.last_seq != u64::MAX;
    if wanted.has_writer && !printer.wants_everybody() {
        wanted.query.domains = Some(past.snapshot_marker.domains.iter().cloned().collect());
    }
    wanted.generations = generations(&archive, &past, &printer).map_err(unreadable)?;
    let lines: Vec<StoredLine> = past
        .lines
        .into_iter()
        .filter(|line| line.seq > wanted.after_seq || wanted.after_seq == 0)
        .map(|line| StoredLine {
            line,
            run: past.snapshot_marker.run,
        })
        .filter(|found| is_wanted(found, &wanted))
        .collect();
    let both = || -> Result<_, CliError> {
        let kept = archive.read(&wanted).map_err(unreadable)?;
        Ok(merge(kept, lines.iter().cloned()))
    };
    let surplus = match wanted.query.tail {
        Some(n) => both()?.count().saturating_sub(n),
        None => 0,
    };
    for found in both()?.skip(surplus) {
        printer.line_now(found.run, &found.line)?;
    }
    printer.flush()?;
    Ok(printer)
}

/// The lives that are asked for by their place in a domain's history.
fn generations(
    archive: &StoreReader,
    past: &Backlog,
    printer: &Printer,
) -> io::Result<Option<BTreeMap<String, GenerationRef>>> {
    let (previous, generation) = printer.generation_filter();
    if !previous && generation.is_none() {
        return Ok(None);
    }
    let mut names: BTreeSet<String> = past.snapshot_marker.domains.iter().cloned().collect();
    names.extend(archive.domains().map(str::to_owned));
    let mut found = BTreeMap::new();
    for name in names {
        let living = past.snapshot_marker.living.get(&name).copied();
        let filter = generation.map_or(
            GenerationFilter::Previous(living),
            GenerationFilter::Generation,
        );
        let kept = archive.find_generation(&name, filter)?;
        // Without a store, the instance's memory has to do.
        let remembered = || {
            let own = past
                .lines
                .iter()
                .filter(|line| *line.source.domain == *name);
            let numbers = own
                .map(|line| line.source.generation)
                .filter(|number| *number > 0);
            let meant = numbers.filter(|number| match filter {
                GenerationFilter::Generation(wanted) => *number == wanted,
                GenerationFilter::Previous(living) => Some(*number) != living,
            });
            meant.max().map(|generation| GenerationRef {
                run: past.snapshot_marker.run,
                generation,
            })
        };
        if let Some(life) = kept.or_else(remembered) {
            found.insert(name, life);
        }
    }
    Ok(Some(found))
}

/// Whether a remembered line is one of those that the store is asked for.
fn is_wanted(found: &StoredLine, wanted: &StoreQuery) -> bool {
    let StoredLine { line, run } = found;
    let life = GenerationRef {
        run: *run,
        generation: line.source.generation,
    };
    let lives = wanted.generations.as_ref();
    !(wanted.domains_only && line.stream == Stream::Fulcrum)
        && lives.is_none_or(|lives| lives.get(&*line.source.domain) == Some(&life))
        && wanted
            .pattern
            .as_ref()
            .is_none_or(|pattern| pattern.is_match(line.content()))
}

/// Two rows in order as one, without doubles.
fn merge(
    kept: impl Iterator<Item = StoredLine>,
    remembered: impl Iterator<Item = StoredLine>,
) -> impl Iterator<Item = StoredLine> {
    let mut kept = kept.peekable();
    let mut remembered = remembered.peekable();
    std::iter::from_fn(move || match (seq(&mut kept), seq(&mut remembered)) {
        (Some(one), Some(other)) if one == other => {
            kept.next();
            remembered.next()
        }
        (Some(one), Some(other)) if one > other => remembered.next(),
        (None, _) => remembered.next(),
        (Some(_), _) => kept.next(),
    })
}

fn seq(lines: &mut Peekable<impl Iterator<Item = StoredLine>>) -> Option<u64> {
    lines.peek().map(|found| found.line.seq)
}

/// Why the store can't be read.
pub(super) fn store_error(folder: &Path, error: &io::Error) -> CliError {
    CliError::failed(format!(
        "what is kept in {} can't be read: {error}",
        folder.display()
    ))
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use fulcrum_logs::Source;

    use super::*;

    fn found(seq: u64, run: u64) -> StoredLine {
        let line = LogLine {
            seq,
            time: SystemTime::UNIX_EPOCH,
            source: Source {
                domain: "users".into(),
                generation: 1,
                pid: 1,
            },
            stream: Stream::Stdout,
            level: None,
            message: "x".into(),
            partial: false,
        };
        StoredLine { line, run }
    }

    #[test]
    fn what_is_kept_and_remembered_comes_once() {
        let kept = [1, 2, 5, 6].map(|seq| found(seq, 1));
        let remembered = [2, 3, 4, 6, 7].map(|seq| found(seq, 2));
        let all: Vec<_> = merge(kept.into_iter(), remembered.into_iter())
            .map(|found| (found.line.seq, found.run))
            .collect();
        let expected = [(1, 1), (2, 2), (3, 2), (4, 2), (5, 1), (6, 2), (7, 2)];
        assert_eq!(all, expected);
    }
}
