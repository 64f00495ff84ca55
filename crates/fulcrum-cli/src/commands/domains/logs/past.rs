//! What was said until now: the store's lines and the instance's, each once, in order.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::iter::Peekable;
use std::path::{Path, PathBuf};

use fulcrum_logs::store::{Archive, Found, Life, LifeFilter, Wanted};
use fulcrum_logs::{LogLine, Stream};
use fulcrum_rpc::control::LogSeam;

use super::printer::Printer;
use crate::exit::Stop;

/// What an instance remembers.
#[derive(Debug, Default)]
pub(super) struct Past {
    /// In order. They may be in the store, too.
    pub(super) lines: Vec<LogLine>,
    pub(super) seam: LogSeam,
}

impl Past {
    /// No instance: only what is kept, of these domains.
    pub(super) fn kept(domains: &BTreeSet<String>) -> Self {
        let seam = LogSeam {
            last_seq: u64::MAX,
            domains: domains.iter().cloned().collect(),
            ..LogSeam::default()
        };
        Self {
            seam,
            ..Self::default()
        }
    }

    /// The domains that may occur, for alignment.
    pub(super) fn names(&self) -> Vec<String> {
        self.seam.domains.clone()
    }
}

/// Prints them, on a thread that may wait for the disk. Gives the printer back.
pub(super) async fn print(
    past: Past,
    wanted: Wanted,
    folder: PathBuf,
    printer: Printer,
) -> Result<Printer, Stop> {
    let printing = tokio::task::spawn_blocking(move || blocking(past, wanted, &folder, printer));
    match printing.await {
        Ok(printed) => printed,
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}

fn blocking(
    past: Past,
    mut wanted: Wanted,
    folder: &Path,
    mut printer: Printer,
) -> Result<Printer, Stop> {
    let unreadable = |error: io::Error| unreadable(folder, &error);
    let archive = Archive::open(folder).map_err(unreadable)?;
    wanted.last_seq = Some(past.seam.last_seq);
    wanted.live = past.seam.last_seq != u64::MAX;
    if wanted.live && !printer.wants_everybody() {
        wanted.query.domains = Some(past.seam.domains.iter().cloned().collect());
    }
    wanted.lives = lives(&archive, &past, &printer).map_err(unreadable)?;
    let lines: Vec<Found> = past
        .lines
        .into_iter()
        .filter(|line| line.seq > wanted.after_seq || wanted.after_seq == 0)
        .map(|line| Found {
            line,
            run: past.seam.run,
        })
        .filter(|found| is_wanted(found, &wanted))
        .collect();
    let both = || -> Result<_, Stop> {
        let kept = archive.read(&wanted).map_err(unreadable)?;
        Ok(merged(kept, lines.iter().cloned()))
    };
    let surplus = match wanted.query.n {
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
fn lives(
    archive: &Archive,
    past: &Past,
    printer: &Printer,
) -> io::Result<Option<BTreeMap<String, Life>>> {
    let (previous, generation) = printer.life();
    if !previous && generation.is_none() {
        return Ok(None);
    }
    let mut names: BTreeSet<String> = past.seam.domains.iter().cloned().collect();
    names.extend(archive.domains().map(str::to_owned));
    let mut found = BTreeMap::new();
    for name in names {
        let living = past.seam.living.get(&name).copied();
        let filter = generation.map_or(LifeFilter::Previous(living), LifeFilter::Generation);
        let kept = archive.life(&name, filter)?;
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
                LifeFilter::Generation(wanted) => *number == wanted,
                LifeFilter::Previous(living) => Some(*number) != living,
            });
            meant.max().map(|generation| Life {
                run: past.seam.run,
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
fn is_wanted(found: &Found, wanted: &Wanted) -> bool {
    let Found { line, run } = found;
    let life = Life {
        run: *run,
        generation: line.source.generation,
    };
    let lives = wanted.lives.as_ref();
    !(wanted.domains_only && line.stream == Stream::Fulcrum)
        && lives.is_none_or(|lives| lives.get(&*line.source.domain) == Some(&life))
        && wanted
            .pattern
            .as_ref()
            .is_none_or(|pattern| pattern.is_match(line.said()))
}

/// Two rows in order as one, without doubles.
fn merged(
    kept: impl Iterator<Item = Found>,
    remembered: impl Iterator<Item = Found>,
) -> impl Iterator<Item = Found> {
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

fn seq(lines: &mut Peekable<impl Iterator<Item = Found>>) -> Option<u64> {
    lines.peek().map(|found| found.line.seq)
}

/// Why the store can't be read.
pub(super) fn unreadable(folder: &Path, error: &io::Error) -> Stop {
    Stop::failed(format!(
        "what is kept in {} can't be read: {error}",
        folder.display()
    ))
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use fulcrum_logs::Source;

    use super::*;

    fn found(seq: u64, run: u64) -> Found {
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
        Found { line, run }
    }

    #[test]
    fn what_is_kept_and_remembered_comes_once() {
        let kept = [1, 2, 5, 6].map(|seq| found(seq, 1));
        let remembered = [2, 3, 4, 6, 7].map(|seq| found(seq, 2));
        let all: Vec<_> = merged(kept.into_iter(), remembered.into_iter())
            .map(|found| (found.line.seq, found.run))
            .collect();
        let expected = [(1, 1), (2, 2), (3, 2), (4, 2), (5, 1), (6, 2), (7, 2)];
        assert_eq!(all, expected);
    }
}
