//! Requests without a response yet. No I/O.

use std::collections::HashMap;

/// The pending requests of one stream, by request id. A closed table accepts none, so that no
/// request stays pending on a stream that has ended.
#[derive(Debug)]
pub(crate) struct PendingRequests<W> {
    requests: HashMap<String, W>,
    /// Why the stream ended.
    closed: Option<String>,
}

impl<W> PendingRequests<W> {
    pub(crate) fn new() -> Self {
        Self {
            requests: HashMap::new(),
            closed: None,
        }
    }

    /// Adds a request.
    ///
    /// # Errors
    /// The cause, if the stream has ended.
    pub(crate) fn insert(&mut self, id: String, waiter: W) -> Result<(), &str> {
        if let Some(cause) = &self.closed {
            return Err(cause);
        }
        let before = self.requests.insert(id, waiter);
        debug_assert!(before.is_none(), "request ids are unique");
        Ok(())
    }

    /// Removes the request with this id, if it is pending.
    pub(crate) fn remove(&mut self, id: &str) -> Option<W> {
        self.requests.remove(id)
    }

    /// Closes the table and removes all pending requests. The first cause stays.
    pub(crate) fn close(&mut self, cause: &str) -> Vec<W> {
        self.closed.get_or_insert_with(|| cause.to_owned());
        self.requests.drain().map(|(_, waiter)| waiter).collect()
    }

    /// The number of pending requests.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.requests.len()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Step {
        Request,
        /// A response to the n-th request, which may no longer be pending.
        Respond(usize),
        /// The caller of the n-th request cancels it.
        Cancel(usize),
        Close,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            4 => Just(Step::Request),
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
            let mut count = 0_usize;
            let mut waiting = BTreeSet::new();
            let mut closed = false;
            for step in steps {
                match step {
                    Step::Request => {
                        let inserted = pending.insert(format!("r{count}"), count);
                        prop_assert_eq!(inserted.is_ok(), !closed);
                        if !closed {
                            waiting.insert(count);
                        }
                        count += 1;
                    }
                    Step::Respond(n) | Step::Cancel(n) => {
                        let removed = pending.remove(&format!("r{n}"));
                        prop_assert_eq!(removed, waiting.take(&n));
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
    fn the_first_cause_is_reported() {
        let mut pending = PendingRequests::new();
        pending.close("replaced");
        pending.close("lost");
        assert_eq!(pending.insert("r".into(), ()), Err("replaced"));
    }
}
