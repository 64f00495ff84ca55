//! Selects a generation of a domain.

use super::segments::DomainSegments;

/// A generation of a domain, over all runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GenerationRef {
    /// The id of the run, see [`Store::run`](super::Store::run).
    pub run: u64,
    /// The generation in that run.
    pub generation: u64,
}

/// Selects a generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GenerationFilter {
    /// The generation with this number in the newest run that has it.
    Generation(u64),
    /// The newest generation that has ended. The value is the running generation, if there is one.
    Previous(Option<u64>),
    /// The newest generation, whether it runs or has ended.
    Latest,
}

impl GenerationFilter {
    /// The selected generation, if the store has lines of it.
    pub(super) fn resolve(self, segments: &DomainSegments) -> Option<GenerationRef> {
        let mut first = None;
        find_newest(segments, |candidate| match self {
            Self::Generation(number) => candidate.generation == number,
            Self::Latest => true,
            Self::Previous(running) => {
                // The running generation is the newest.
                let first = *first.get_or_insert(candidate);
                candidate != first || running != Some(candidate.generation)
            }
        })
    }
}

/// The newest generation that is accepted. Each is passed once, the newest first.
fn find_newest(
    segments: &DomainSegments,
    mut accept: impl FnMut(GenerationRef) -> bool,
) -> Option<GenerationRef> {
    let mut checked = Vec::new();
    for segment in segments.segments.iter().rev() {
        let mut in_segment = Vec::new();
        let Some(mut reader) = segments.open(segment) else {
            continue;
        };
        while let Some(header) = reader.header() {
            reader.skip(&header);
            let generation = GenerationRef {
                run: reader.run,
                generation: header.generation,
            };
            // Fulcrum's lines before the first start have no generation.
            if generation.generation > 0 && in_segment.last() != Some(&generation) {
                in_segment.retain(|known| *known != generation);
                in_segment.push(generation);
            }
        }
        for generation in in_segment.into_iter().rev() {
            if !checked.contains(&generation) {
                checked.push(generation);
                if accept(generation) {
                    return Some(generation);
                }
            }
        }
    }
    None
}
