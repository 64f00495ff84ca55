//! How much of the memory a trace has, without a search. Traces are counted in groups: only one that is
//! too large makes its group too large, and the few others of that group share its lot.

use std::hash::{BuildHasher, RandomState};

use crate::context::TraceId;

const GROUPS: usize = 4096;

/// Bytes by group. Which group a trace is in can't be foreseen: callers choose ids.
#[derive(Debug)]
pub(super) struct Shares {
    hasher: RandomState,
    bytes: Vec<usize>,
}

impl Shares {
    pub(super) fn new() -> Self {
        Self {
            hasher: RandomState::new(),
            bytes: vec![0; GROUPS],
        }
    }

    /// The bytes of a trace's group.
    pub(super) fn of(&mut self, trace: TraceId) -> &mut usize {
        let group = self.hasher.hash_one(trace.get()) as usize % GROUPS;
        &mut self.bytes[group]
    }
}
