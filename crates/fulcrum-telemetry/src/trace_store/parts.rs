//! The parts of one trace. Most traces have one part, which needs no table, and nearly all others a few,
//! which a list has in a seventh of the memory.

use std::collections::{BTreeMap, btree_map};
use std::mem;
use std::slice;

use super::stored::Stored;
use crate::context::SpanId;

/// The most parts in a list, which is searched from its beginning.
const FEW: usize = 8;

/// Parts by the span's id, or that of a call's first span.
#[derive(Debug)]
pub(super) enum Parts {
    One((SpanId, Stored)),
    Few(Vec<(SpanId, Stored)>),
    Many(BTreeMap<SpanId, Stored>),
}

impl Parts {
    /// Adds a part. Returns the one that it replaces.
    pub(super) fn insert(&mut self, id: SpanId, part: Stored) -> Option<Stored> {
        let few = match self {
            Self::One(one) => slice::from_mut(one),
            Self::Few(few) => few,
            Self::Many(parts) => return parts.insert(id, part),
        };
        if let Some((_, replaced)) = few.iter_mut().find(|(other, _)| *other == id) {
            return Some(mem::replace(replaced, part));
        }
        let added = (id, part);
        *self = match mem::replace(self, Self::Few(Vec::new())) {
            Self::One(one) => Self::Few(vec![one, added]),
            Self::Few(mut few) if few.len() < FEW => {
                few.push(added);
                Self::Few(few)
            }
            Self::Few(few) => Self::Many(few.into_iter().chain([added]).collect()),
            Self::Many(parts) => Self::Many(parts.into_iter().chain([added]).collect()),
        };
        None
    }

    pub(super) fn iter(&self) -> Iter<'_> {
        match self {
            Self::One(one) => Iter::Few(slice::from_ref(one).iter()),
            Self::Few(few) => Iter::Few(few.iter()),
            Self::Many(parts) => Iter::Many(parts.values()),
        }
    }
}

pub(super) enum Iter<'a> {
    Few(slice::Iter<'a, (SpanId, Stored)>),
    Many(btree_map::Values<'a, SpanId, Stored>),
}

impl<'a> Iterator for Iter<'a> {
    type Item = &'a Stored;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Few(parts) => parts.next().map(|(_, part)| part),
            Self::Many(parts) => parts.next(),
        }
    }
}
