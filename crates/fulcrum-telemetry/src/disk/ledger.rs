//! What is in the file, and what must go for the rest to fit. No I/O.

use std::collections::VecDeque;

use crate::export::Signal;

/// What of the file is for traces, for log records, and for metrics, in eighths: a burst of one does
/// not push out the others.
const SHARES: [u64; 3] = [5, 2, 1];

/// Entries by their numbers, which grow.
#[derive(Debug)]
pub(super) struct Ledger {
    shares: [Share; 3],
    next: u64,
}

#[derive(Debug)]
struct Share {
    limit: u64,
    used: u64,
    /// The number and the size of each, the oldest first.
    entries: VecDeque<(u64, u64)>,
}

impl Ledger {
    /// An empty one, for at most so many bytes.
    pub(super) fn new(limit: usize) -> Self {
        let limit = limit as u64;
        Self {
            shares: SHARES.map(|eighths| Share {
                limit: limit / 8 * eighths,
                used: 0,
                entries: VecDeque::new(),
            }),
            next: 1,
        }
    }

    /// An entry is there already. They come in the order of their numbers.
    pub(super) fn restore(&mut self, number: u64, signal: Signal, length: usize) {
        self.next = self.next.max(number.saturating_add(1));
        let share = self.share(signal);
        let size = footprint(length);
        share.used += size;
        share.entries.push_back((number, size));
    }

    /// The number of a new entry; none if it alone is larger than what there is for its signal.
    pub(super) fn add(&mut self, signal: Signal, length: usize) -> Option<u64> {
        let number = self.next;
        (footprint(length) <= self.share(signal).limit).then(|| {
            self.restore(number, signal, length);
            number
        })
    }

    /// The numbers of the oldest entries that must go for the rest to fit.
    pub(super) fn take_surplus(&mut self) -> Vec<u64> {
        let mut surplus = Vec::new();
        for share in &mut self.shares {
            while share.used > share.limit
                && let Some((number, size)) = share.entries.pop_front()
            {
                share.used -= size;
                surplus.push(number);
            }
        }
        surplus
    }

    /// How many bytes the entries take.
    #[cfg(test)]
    pub(super) fn used(&self) -> u64 {
        self.shares.iter().map(|share| share.used).sum()
    }

    fn share(&mut self, signal: Signal) -> &mut Share {
        let at = match signal {
            Signal::Traces => 0,
            Signal::Logs => 1,
            Signal::Metrics => 2,
        };
        &mut self.shares[at]
    }
}

/// What an entry takes in the file: large ones take a power of two of it.
fn footprint(length: usize) -> u64 {
    /// Larger ones have pages of their own.
    const SMALL: u64 = 2048;
    const OVERHEAD: u64 = 64;
    match length as u64 + OVERHEAD {
        small @ ..SMALL => small,
        large => large.next_power_of_two(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_entries_make_room_within_their_signal() {
        let mut ledger = Ledger::new(80_000);
        let log = ledger.add(Signal::Logs, 100).expect("it fits");
        let mut kept: VecDeque<u64> = VecDeque::new();
        for _ in 0..1_000 {
            kept.push_back(ledger.add(Signal::Traces, 436).expect("it fits"));
            for number in ledger.take_surplus() {
                assert_eq!(kept.pop_front(), Some(number));
            }
            assert!(ledger.used() <= 50_000 + 164);
        }
        assert_eq!((log, kept.len()), (1, 100));
    }

    #[test]
    fn an_entry_that_is_larger_than_its_share_is_refused() {
        let mut ledger = Ledger::new(80_000);
        assert_eq!(ledger.add(Signal::Metrics, 20_000), None);
        assert_eq!(ledger.add(Signal::Metrics, 8_000), Some(1));
    }

    #[test]
    fn numbers_continue_and_a_smaller_limit_removes() {
        let mut ledger = Ledger::new(8_000);
        for number in 5..25 {
            ledger.restore(number, Signal::Traces, 436);
        }
        assert_eq!(ledger.take_surplus(), (5..15).collect::<Vec<u64>>());
        assert_eq!(ledger.add(Signal::Traces, 1), Some(25));
    }
}
