//! Requests that wait for a domain's response, as a pure table.

use std::collections::HashMap;

/// What waits on one stream, by request id. Once closed it takes nothing more, so that no
/// request can be left behind on a stream that has ended.
#[derive(Debug)]
pub(crate) struct PendingRequests<W> {
    waiting: HashMap<String, W>,
    closed: Option<String>,
}

impl<W> PendingRequests<W> {
    pub(crate) fn new() -> Self {
        Self {
            waiting: HashMap::new(),
            closed: None,
        }
    }

    /// Adds a request.
    ///
    /// # Errors
    /// The cause, where the stream has ended.
    pub(crate) fn insert(&mut self, id: String, waiter: W) -> Result<(), &str> {
        if let Some(cause) = &self.closed {
            return Err(cause);
        }
        let before = self.waiting.insert(id, waiter);
        debug_assert!(before.is_none(), "request ids are unique");
        Ok(())
    }

    /// Takes out the request that a message with this id answers, if one waits.
    pub(crate) fn take(&mut self, id: &str) -> Option<W> {
        self.waiting.remove(id)
    }

    /// Closes the table and takes out all that wait. The first cause stays.
    pub(crate) fn close(&mut self, cause: &str) -> Vec<W> {
        self.closed.get_or_insert_with(|| cause.to_owned());
        self.waiting.drain().map(|(_, waiter)| waiter).collect()
    }

    /// How many wait.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Step {
        Ask,
        /// A response to the n-th request ever made, which may be answered or gone.
        Respond(usize),
        /// Its caller gives up.
        Cancel(usize),
        Close,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            4 => Just(Step::Ask),
            3 => (0..20_usize).prop_map(Step::Respond),
            2 => (0..20_usize).prop_map(Step::Cancel),
            1 => Just(Step::Close),
        ];
        prop::collection::vec(step, 0..60)
    }

    proptest! {
        #[test]
        fn every_request_is_resolved_exactly_once_and_none_after_the_end(steps in steps()) {
            let mut pending = PendingRequests::new();
            let mut asked = 0_usize;
            let mut waiting = BTreeSet::new();
            let mut closed = false;
            for step in steps {
                match step {
                    Step::Ask => {
                        let taken = pending.insert(format!("r{asked}"), asked);
                        prop_assert_eq!(taken.is_ok(), !closed);
                        if !closed {
                            waiting.insert(asked);
                        }
                        asked += 1;
                    }
                    Step::Respond(n) | Step::Cancel(n) => {
                        let waiter = pending.take(&format!("r{n}"));
                        prop_assert_eq!(waiter, waiting.take(&n));
                    }
                    Step::Close => {
                        let failed: BTreeSet<_> = pending.close("gone").into_iter().collect();
                        prop_assert_eq!(failed, std::mem::take(&mut waiting));
                        closed = true;
                    }
                }
                prop_assert_eq!(pending.len(), waiting.len());
            }
        }
    }

    #[test]
    fn the_first_cause_is_the_one_told() {
        let mut pending = PendingRequests::new();
        pending.close("displaced");
        pending.close("lost");
        assert_eq!(pending.insert("r".into(), ()), Err("displaced"));
    }
}
