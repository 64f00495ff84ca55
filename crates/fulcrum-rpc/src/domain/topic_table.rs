//! Which streams have subscribed to which topic. No I/O.

use std::collections::{BTreeMap, BTreeSet};

/// Topics that one stream may subscribe to.
const MAX_TOPICS: usize = 256;

/// The longest topic, in bytes.
const MAX_TOPIC_LEN: usize = 255;

/// The streams that have subscribed to topics, by their ids.
pub(crate) struct TopicTable<S> {
    subscribers: BTreeMap<String, BTreeMap<u64, S>>,
    topics: BTreeMap<u64, BTreeSet<String>>,
}

impl<S> Default for TopicTable<S> {
    fn default() -> Self {
        Self {
            subscribers: BTreeMap::new(),
            topics: BTreeMap::new(),
        }
    }
}

impl<S: Clone> TopicTable<S> {
    /// Subscribes a stream.
    ///
    /// # Errors
    /// The topic is invalid, or the stream has too many.
    pub(crate) fn subscribe(&mut self, id: u64, stream: &S, topic: String) -> Result<(), String> {
        if topic.is_empty() || topic.len() > MAX_TOPIC_LEN {
            return Err(format!("a topic has 1 to {MAX_TOPIC_LEN} bytes"));
        }
        let topics = self.topics.entry(id).or_default();
        if topics.len() >= MAX_TOPICS && !topics.contains(&topic) {
            return Err(format!(
                "a domain subscribes to at most {MAX_TOPICS} topics"
            ));
        }
        topics.insert(topic.clone());
        let subscribers = self.subscribers.entry(topic).or_default();
        subscribers.insert(id, stream.clone());
        Ok(())
    }

    pub(crate) fn unsubscribe(&mut self, id: u64, topic: &str) {
        if let Some(topics) = self.topics.get_mut(&id) {
            topics.remove(topic);
        }
        self.remove_subscriber(id, topic);
    }

    /// Forgets a stream that has ended.
    pub(crate) fn remove(&mut self, id: u64) {
        for topic in self.topics.remove(&id).unwrap_or_default() {
            self.remove_subscriber(id, &topic);
        }
    }

    fn remove_subscriber(&mut self, id: u64, topic: &str) {
        if let Some(subscribers) = self.subscribers.get_mut(topic) {
            subscribers.remove(&id);
            if subscribers.is_empty() {
                self.subscribers.remove(topic);
            }
        }
    }

    /// The streams that have subscribed to a topic.
    pub(crate) fn subscribers(&self, topic: &str) -> Vec<S> {
        let subscribers = self.subscribers.get(topic);
        subscribers.map_or_else(Vec::new, |streams| streams.values().cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_that_has_ended_has_no_subscriptions() {
        let mut topics = TopicTable::default();
        for topic in ["a", "b"] {
            topics
                .subscribe(1, &"one", topic.to_owned())
                .expect("valid");
        }
        topics.subscribe(2, &"two", "a".to_owned()).expect("valid");
        assert_eq!(topics.subscribers("a"), ["one", "two"]);
        topics.unsubscribe(2, "b");
        topics.remove(1);
        assert_eq!(topics.subscribers("a"), ["two"]);
        assert!(topics.subscribers("b").is_empty());
        topics.unsubscribe(2, "a");
        assert!(topics.subscribers.is_empty(), "nothing is kept");
    }

    #[test]
    fn topics_are_limited_in_length_and_number() {
        let mut topics = TopicTable::default();
        topics.subscribe(1, &(), String::new()).expect_err("empty");
        topics.subscribe(1, &(), "x".repeat(256)).expect_err("long");
        for number in 0..MAX_TOPICS {
            topics.subscribe(1, &(), number.to_string()).expect("room");
        }
        topics.subscribe(1, &(), "more".into()).expect_err("full");
        topics.subscribe(1, &(), "0".into()).expect("known");
    }
}
