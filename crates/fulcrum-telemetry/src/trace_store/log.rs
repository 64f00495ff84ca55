//! Items in the order in which they came, in blocks of one size. The memory of the oldest ones serves
//! again for new ones, and a new one is written behind the last, where the processor expects it.

use std::collections::VecDeque;
use std::mem;

/// How many items a block has.
const BLOCK: usize = 256;

/// Items by their numbers, which count from 0.
#[derive(Debug)]
pub(super) struct Log<T> {
    /// The oldest first. The first one lacks what was removed, the last one what is to come.
    blocks: VecDeque<VecDeque<T>>,
    /// The last block that became empty.
    spare: VecDeque<T>,
    start: u64,
    end: u64,
}

impl<T> Log<T> {
    pub(super) fn new() -> Self {
        Self {
            blocks: VecDeque::new(),
            spare: VecDeque::new(),
            start: 0,
            end: 0,
        }
    }

    /// The number of the oldest item.
    pub(super) fn start(&self) -> u64 {
        self.start
    }

    /// The number of the next item.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    pub(super) fn push(&mut self, item: T) {
        let (_, offset) = place(self.end);
        if offset == 0 || self.blocks.is_empty() {
            let mut block = mem::take(&mut self.spare);
            block.reserve_exact(BLOCK);
            self.blocks.push_back(block);
        }
        if let Some(last) = self.blocks.back_mut() {
            last.push_back(item);
            self.end += 1;
        }
    }

    /// Removes the oldest item.
    pub(super) fn pop(&mut self) -> Option<T> {
        let first = self.blocks.front_mut()?;
        let item = first.pop_front()?;
        self.start += 1;
        if first.is_empty() {
            self.spare = self.blocks.pop_front().unwrap_or_default();
        }
        Some(item)
    }

    pub(super) fn get(&self, number: u64) -> Option<&T> {
        let (first, removed) = place(self.start);
        let (block, offset) = place(number);
        let block = block.checked_sub(first)?;
        let missing = if block == 0 { removed } else { 0 };
        self.blocks.get(block)?.get(offset.checked_sub(missing)?)
    }
}

/// In which block an item is, and where in it.
fn place(number: u64) -> (usize, usize) {
    let number = usize::try_from(number).unwrap_or(usize::MAX);
    (number / BLOCK, number % BLOCK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_found_by_their_numbers_whatever_was_removed() {
        let mut log = Log::new();
        for number in 0..10 * BLOCK as u64 {
            log.push(number);
            // Two of three are removed, and once all of them.
            if number % 3 > 0 {
                assert_eq!(log.pop(), Some(log.start() - 1));
            }
            if number == 300 {
                while log.pop().is_some() {}
                assert_eq!((log.start(), log.end()), (301, 301));
            }
            assert!(log.blocks.len() * BLOCK < (log.end() - log.start()) as usize + 2 * BLOCK);
            for at in [log.start(), log.end() - 1] {
                let kept = log.start() < log.end();
                assert_eq!(log.get(at), kept.then_some(&at));
            }
            let gone = log.start().checked_sub(1);
            assert_eq!(gone.and_then(|at| log.get(at)), None);
            assert_eq!(log.get(log.end()), None);
        }
    }
}
