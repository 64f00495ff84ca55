//! Reads all domains of an app, many of them by several threads: a domain takes 0.1 ms, and nothing starts
//! before all have been read.

use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::thread;

use crate::diagnostic::Diagnostic;
use crate::discovered::{DiscoveredDomain, Discovery};
use crate::domain_builder::{self, DomainBuilder, DomainContext};
use crate::layers::SettingArena;

/// A thread for fewer domains costs more than it saves.
const DOMAINS_PER_THREAD: usize = 32;

const MAX_THREADS: usize = 4;

/// What one thread has read.
type Part = (Vec<(String, DomainBuilder)>, Vec<Diagnostic>);

/// Reads the domains and reports the errors that concern each alone, in the order of their names.
pub(crate) fn read_all(
    found: &Discovery,
    context: &DomainContext<'_>,
    arena: &SettingArena,
    diagnostics: &mut Vec<Diagnostic>,
) -> BTreeMap<String, DomainBuilder> {
    let domains: Vec<&DiscoveredDomain> = found.domains.values().collect();
    let size = domains.len().div_ceil(thread_count(domains.len())).max(1);
    let read = |part: &[&DiscoveredDomain]| read_part(part, context, arena);
    let parts: Vec<Part> = thread::scope(|scope| {
        let mut chunks = domains.chunks(size);
        let own = chunks.next().unwrap_or_default();
        let others: Vec<_> = chunks
            .map(|chunk| {
                let spawned = thread::Builder::new().spawn_scoped(scope, move || read(chunk));
                // Without a thread, it is read afterwards.
                spawned.map_err(|_| chunk)
            })
            .collect();
        let mut parts = vec![read(own)];
        parts.extend(others.into_iter().map(|other| match other {
            Ok(thread) => thread.join().unwrap_or_else(|panic| resume_unwind(panic)),
            Err(chunk) => read(chunk),
        }));
        parts
    });
    let mut builders = BTreeMap::new();
    for (part, mut reported) in parts {
        builders.extend(part);
        diagnostics.append(&mut reported);
    }
    builders
}

fn thread_count(domains: usize) -> usize {
    match domains / DOMAINS_PER_THREAD {
        0 | 1 => 1,
        most => thread::available_parallelism()
            .map_or(1, |cores| most.min(cores.get()).min(MAX_THREADS)),
    }
}

fn read_part(
    part: &[&DiscoveredDomain],
    context: &DomainContext<'_>,
    arena: &SettingArena,
) -> Part {
    // What a domain adds, only its own layers refer to.
    let mut arena = arena.clone();
    let mut diagnostics = Vec::new();
    let builders = part.iter().map(|found| {
        let builder = domain_builder::read(found, context, &mut arena, &mut diagnostics);
        (found.name.clone(), builder)
    });
    let builders = builders.collect();
    (builders, diagnostics)
}
