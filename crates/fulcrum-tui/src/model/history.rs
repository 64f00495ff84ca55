//! The latest values of a measurement.

use std::collections::VecDeque;

/// As many as the widest column shows.
const LENGTH: usize = 32;

/// The latest values of a measurement, oldest first.
#[derive(Debug, Clone, Default)]
pub struct History {
    values: VecDeque<f64>,
}

impl History {
    /// Adds a value.
    pub fn push(&mut self, value: f64) {
        if self.values.len() == LENGTH {
            self.values.pop_front();
        }
        self.values.push_back(value);
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.values.clear();
    }

    /// The values.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = f64> + '_ {
        self.values.iter().copied()
    }

    /// The smallest and the largest value.
    pub fn range(&self) -> (f64, f64) {
        let fold = |pick: fn(f64, f64) -> f64| self.values().reduce(pick).unwrap_or(0.0);
        (fold(f64::min), fold(f64::max))
    }
}
