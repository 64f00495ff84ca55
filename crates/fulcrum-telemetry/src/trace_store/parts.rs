//! The parts of one trace. Most traces have one part, which needs no table.

use std::collections::{BTreeMap, btree_map};
use std::iter::{Once, once};
use std::mem;

use super::stored::Stored;
use crate::context::SpanId;

/// Parts by the span's id, or that of a call's first span.
#[derive(Debug)]
pub(super) enum Parts {
    One(SpanId, Stored),
    Many(BTreeMap<SpanId, Stored>),
}

impl Parts {
    /// Adds a part. Returns the one that it replaces.
    pub(super) fn insert(&mut self, id: SpanId, part: Stored) -> Option<Stored> {
        match self {
            Self::One(only, replaced) if *only == id => Some(mem::replace(replaced, part)),
            Self::One(..) => {
                let one = mem::replace(self, Self::Many(BTreeMap::new()));
                if let (Self::One(first, other), Self::Many(parts)) = (one, self) {
                    parts.insert(first, other);
                    parts.insert(id, part);
                }
                None
            }
            Self::Many(parts) => parts.insert(id, part),
        }
    }

    pub(super) fn iter(&self) -> Iter<'_> {
        match self {
            Self::One(_, part) => Iter::One(once(part)),
            Self::Many(parts) => Iter::Many(parts.values()),
        }
    }
}

pub(super) enum Iter<'a> {
    One(Once<&'a Stored>),
    Many(btree_map::Values<'a, SpanId, Stored>),
}

impl<'a> Iterator for Iter<'a> {
    type Item = &'a Stored;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::One(part) => part.next(),
            Self::Many(parts) => parts.next(),
        }
    }
}
