//! The events that wait for one subscriber. No I/O.

use std::collections::VecDeque;
use std::sync::Arc;

/// The number of events that may wait for a subscriber. Beyond it, events are dropped.
const MAX_EVENTS: usize = 1_000;

/// The size of these events together, in bytes. It leaves room for the framing, so that one event
/// is never more than a client without the capability `large_messages` receives.
const MAX_BYTES: usize = 4 * 1024 * 1024 - 16 * 1024;

/// An event, as it was published.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct EventContent {
    pub(crate) topic: String,
    /// The domain that has published it.
    pub(crate) from: String,
    /// A JSON text.
    pub(crate) payload: String,
}

impl EventContent {
    fn size(&self) -> usize {
        self.topic.len() + self.from.len() + self.payload.len()
    }
}

/// Events in their order, and how many were dropped since the last one that was taken.
#[derive(Debug, Default)]
pub(crate) struct EventQueue {
    events: VecDeque<Arc<EventContent>>,
    bytes: usize,
    missed: u64,
}

impl EventQueue {
    /// Adds an event, or drops it if there is no room. False if it was dropped.
    pub(crate) fn push(&mut self, event: Arc<EventContent>) -> bool {
        let size = event.size();
        if self.events.len() >= MAX_EVENTS || self.bytes + size > MAX_BYTES {
            self.missed += 1;
            return false;
        }
        self.bytes += size;
        self.events.push_back(event);
        true
    }

    /// The next event, and how many were dropped since the one before it was taken.
    pub(crate) fn pop(&mut self) -> Option<(Arc<EventContent>, u64)> {
        let event = self.events.pop_front()?;
        self.bytes -= event.size();
        Some((event, std::mem::take(&mut self.missed)))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(payload: String) -> Arc<EventContent> {
        Arc::new(EventContent {
            topic: "t".into(),
            from: "f".into(),
            payload,
        })
    }

    #[test]
    fn events_beyond_the_limits_are_dropped_and_counted_once() {
        let mut queue = EventQueue::default();
        let added = (0..1_500).filter(|number| queue.push(event(number.to_string())));
        assert_eq!(added.count(), 1_000);
        let (first, missed) = queue.pop().expect("an event");
        assert_eq!((first.payload.as_str(), missed), ("0", 500));
        assert_eq!(queue.pop().expect("an event").1, 0);

        let mut queue = EventQueue::default();
        let large = "x".repeat(1 << 20);
        let added = (0..6).filter(|_| queue.push(event(large.clone())));
        assert_eq!(added.count(), 3);
        while queue.pop().is_some() {}
        assert!(queue.is_empty() && queue.bytes == 0);
    }
}
