//! Which of a domain's lives is meant.

use std::io;

use super::archive::Shelf;

/// One life of a domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Life {
    /// The run of an instance, as [`Store::run`](super::Store::run) gives it.
    pub run: u64,
    /// The number of the life in that run.
    pub generation: u64,
}

/// Which life of a domain is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LifeFilter {
    /// The one of this number in the newest run that has it.
    Generation(u64),
    /// The last one that is over. The generation is that of a life that goes on.
    Previous(Option<u64>),
}

impl LifeFilter {
    /// The life that is meant, if anything of it is kept.
    pub(super) fn resolve(self, shelf: &Shelf) -> io::Result<Option<Life>> {
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
fn newest(shelf: &Shelf, mut take: impl FnMut(Life) -> bool) -> io::Result<Option<Life>> {
    let mut shown = Vec::new();
    for segment in shelf.segments.iter().rev() {
        let mut here = Vec::new();
        let Some(mut reader) = shelf.reader(segment)? else {
            continue;
        };
        while let Some(header) = reader.header() {
            reader.skip(&header);
            let life = Life {
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
