//! Which stream is registered under which name. No I/O.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::authorization::RegistrationError;
use super::registered_stream::RegisteredStream;

/// The properties that decide between two streams for one name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Registrant {
    pub(crate) generation: u64,
    pub(crate) managed: bool,
}

/// The decision about a stream that registers a name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// The stream gets the name and replaces the current holder.
    Accepted,
    /// The current holder keeps the name.
    Rejected(RegistrationError),
}

/// Decides between the holder of a name and a new stream. The newest process that Fulcrum
/// started wins. An unmanaged process never replaces another one.
pub(crate) fn decide(domain: &str, holder: Option<Registrant>, new: Registrant) -> Decision {
    let Some(holder) = holder else {
        return Decision::Accepted;
    };
    let reject = |text| Decision::Rejected(RegistrationError::AlreadyExists(text));
    match (new.managed, holder.managed) {
        (true, false) => Decision::Accepted,
        (true, true) if new.generation >= holder.generation => Decision::Accepted,
        (true, true) => reject(format!(
            "domain {domain:?} is registered by generation {}, which is newer than generation {}",
            holder.generation, new.generation
        )),
        (false, _) => reject(format!(
            "domain {domain:?} is already registered by another process: stop that process, or register another name"
        )),
    }
}

/// The registered streams by name.
#[derive(Default)]
pub(crate) struct RegistrationTable {
    entries: BTreeMap<String, Arc<RegisteredStream>>,
    /// The latest generation of each domain whose stop has begun.
    ending: BTreeMap<String, u64>,
    closed: bool,
}

impl RegistrationTable {
    pub(crate) fn get(&self, domain: &str) -> Option<&Arc<RegisteredStream>> {
        self.entries.get(domain)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// Decides whether a new stream gets the name.
    pub(crate) fn decide(&self, domain: &str, new: Registrant) -> Decision {
        if self.closed {
            return Decision::Rejected(RegistrationError::FailedPrecondition(
                "Fulcrum is shutting down".into(),
            ));
        }
        let ended = self.ending.get(domain);
        if new.managed && ended.is_some_and(|ended| new.generation <= *ended) {
            return Decision::Rejected(RegistrationError::FailedPrecondition(format!(
                "generation {} of {domain} is being stopped and cannot register",
                new.generation
            )));
        }
        let holder = self.get(domain).map(|stream| Registrant {
            generation: stream.grant.generation,
            managed: stream.grant.managed,
        });
        decide(domain, holder, new)
    }

    /// Registers the stream under its name and returns the stream that it replaces.
    pub(crate) fn insert(
        &mut self,
        stream: Arc<RegisteredStream>,
    ) -> Option<Arc<RegisteredStream>> {
        self.entries.insert(stream.domain.clone(), stream)
    }

    /// The stop of a generation begins: it cannot register any more. Returns its stream, if it has
    /// registered.
    pub(crate) fn begin_end(
        &mut self,
        domain: &str,
        generation: u64,
    ) -> Option<Arc<RegisteredStream>> {
        let ending = self.ending.entry(domain.to_owned()).or_default();
        *ending = generation.max(*ending);
        let stream = self.get(domain)?;
        (stream.grant.generation == generation).then(|| Arc::clone(stream))
    }

    /// Discards what is known of the generations of a domain that is removed.
    pub(crate) fn forget(&mut self, domain: &str) {
        self.ending.remove(domain);
    }

    /// Removes a stream; false if it no longer has the name.
    pub(crate) fn remove(&mut self, domain: &str, id: u64) -> bool {
        let holds = self.get(domain).is_some_and(|holder| holder.id == id);
        if holds {
            self.entries.remove(domain);
        }
        holds
    }

    /// Whether no stream can be inserted any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Removes all streams. No other can be inserted afterwards.
    pub(crate) fn close(&mut self) -> Vec<Arc<RegisteredStream>> {
        self.closed = true;
        std::mem::take(&mut self.entries).into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn registrant() -> impl Strategy<Value = Registrant> {
        (0..4_u64, any::<bool>()).prop_map(|(generation, managed)| Registrant {
            generation,
            managed,
        })
    }

    proptest! {
        #[test]
        fn the_newest_managed_process_wins_in_any_order(arrivals in prop::collection::vec(registrant(), 1..12)) {
            let mut holder = None;
            for new in &arrivals {
                match decide("users", holder, *new) {
                    Decision::Accepted => {
                        prop_assert!(new.managed || holder.is_none(), "an unmanaged process replaced another");
                        holder = Some(*new);
                    }
                    Decision::Rejected(error) => {
                        prop_assert!(matches!(error, RegistrationError::AlreadyExists(_)));
                        prop_assert!(holder.is_some(), "a free name was rejected");
                    }
                }
            }
            let newest_managed = arrivals.iter().filter(|one| one.managed).map(|one| one.generation).max();
            let expected = newest_managed.map_or(arrivals[0], |generation| Registrant { generation, managed: true });
            prop_assert_eq!(holder, Some(expected));
        }
    }
}
