//! Which of a domain's lives is meant.

use std::io;

use super::reader::DomainSegments;

/// One life of a domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GenerationRef {
    /// The run of an instance, as [`Store::run`](super::Store::run) gives it.
    pub run: u64,
    /// The number of the life in that run.
    pub generation: u64,
}

/// Which life of a domain is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GenerationFilter {
    /// The one of this number in the newest run that has it.
    Generation(u64),
    /// The last one that is over. The generation is that of a life that goes on.
    Previous(Option<u64>),
}

impl GenerationFilter {
    /// The life that is meant, if anything of it is kept.
    pub(super) fn resolve(self, shelf: &DomainSegments) -> io::Result<Option<GenerationRef>> {
        let mut first = None;
        newest(shelf, |life| match self {
            Self::Generation(wanted) => life.generation == wanted,
            Self::Previous(living) => {
                // What goes on is the newest life there is.
                let first = *first.get_or_insert(life);
                life != first || living != Some(life.generation)
            }
        })
    }
}

/// The newest life that is taken; each is shown once, the newest first.
fn newest(
    shelf: &DomainSegments,
    mut take: impl FnMut(GenerationRef) -> bool,
) -> io::Result<Option<GenerationRef>> {
    let mut shown = Vec::new();
    for segment in shelf.segments.iter().rev() {
        let mut here = Vec::new();
        let Some(mut reader) = shelf.reader(segment)? else {
            continue;
        };
        while let Some(header) = reader.header() {
            reader.skip(&header);
            let life = GenerationRef {
                run: reader.run,
                generation: header.generation,
            };
            // Fulcrum's words before the first start belong to no life.
            if life.generation > 0 && here.last() != Some(&life) {
                here.retain(|known| *known != life);
                here.push(life);
            }
        }
        for life in here.into_iter().rev() {
            if !shown.contains(&life) {
                shown.push(life);
                if take(life) {
                    return Ok(Some(life));
                }
            }
        }
    }
    Ok(None)
}
