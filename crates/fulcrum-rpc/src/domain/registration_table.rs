//! Who holds which name, as a pure table.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::RegistrationError;
use super::registered_stream::RegisteredStream;

/// What counts when two streams want one name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Registrant {
    pub(crate) generation: u64,
    pub(crate) own: bool,
}

/// What becomes of a stream that wants a name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// It gets the name; whoever held it is displaced.
    Accepted,
    /// It doesn't.
    Rejected(RegistrationError),
}

/// Decides between the holder of a name and a newcomer: the newest process that Fulcrum
/// itself started wins, and a stranger never displaces anybody.
pub(crate) fn decide(domain: &str, holder: Option<Registrant>, newcomer: Registrant) -> Decision {
    let Some(holder) = holder else {
        return Decision::Accepted;
    };
    let refuse = |text| Decision::Rejected(RegistrationError::AlreadyExists(text));
    match (newcomer.own, holder.own) {
        (true, false) => Decision::Accepted,
        (true, true) if newcomer.generation >= holder.generation => Decision::Accepted,
        (true, true) => refuse(format!(
            "domain {domain:?} is registered by its generation {}, this is generation {}",
            holder.generation, newcomer.generation
        )),
        (false, _) => refuse(format!(
            "domain {domain:?} is already registered by another process; stop that one first, or register another name"
        )),
    }
}

/// The registered streams by name.
#[derive(Default)]
pub(crate) struct RegistrationTable {
    entries: BTreeMap<String, Arc<RegisteredStream>>,
    closed: bool,
}

impl RegistrationTable {
    pub(crate) fn get(&self, domain: &str) -> Option<&Arc<RegisteredStream>> {
        self.entries.get(domain)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// Whether a newcomer may have the name.
    pub(crate) fn decide(&self, domain: &str, newcomer: Registrant) -> Decision {
        if self.closed {
            return Decision::Rejected(RegistrationError::FailedPrecondition(
                "Fulcrum shuts down".into(),
            ));
        }
        let holder = self.get(domain).map(|connection| Registrant {
            generation: connection.admission.generation,
            own: connection.admission.managed,
        });
        decide(domain, holder, newcomer)
    }

    /// Gives the connection its name and returns who held it before.
    pub(crate) fn insert(
        &mut self,
        connection: Arc<RegisteredStream>,
    ) -> Option<Arc<RegisteredStream>> {
        self.entries.insert(connection.domain.clone(), connection)
    }

    /// Takes the name from a connection; false where it no longer has it.
    pub(crate) fn remove(&mut self, domain: &str, id: u64) -> bool {
        let holds = self.get(domain).is_some_and(|holder| holder.id == id);
        if holds {
            self.entries.remove(domain);
        }
        holds
    }

    /// Takes all names away, for good.
    pub(crate) fn close(&mut self) -> Vec<Arc<RegisteredStream>> {
        self.closed = true;
        std::mem::take(&mut self.entries).into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn standing() -> impl Strategy<Value = Registrant> {
        (0..4_u64, any::<bool>()).prop_map(|(generation, own)| Registrant { generation, own })
    }

    proptest! {
        #[test]
        fn the_newest_own_process_wins_whatever_the_order(arrivals in prop::collection::vec(standing(), 1..12)) {
            let mut holder = None;
            for newcomer in &arrivals {
                match decide("users", holder, *newcomer) {
                    Decision::Accepted => {
                        prop_assert!(newcomer.own || holder.is_none(), "a stranger displaced somebody");
                        holder = Some(*newcomer);
                    }
                    Decision::Rejected(refusal) => {
                        prop_assert!(matches!(refusal, RegistrationError::AlreadyExists(_)));
                        prop_assert!(holder.is_some(), "a free name was refused");
                    }
                }
            }
            let newest_own = arrivals.iter().filter(|one| one.own).map(|one| one.generation).max();
            let expected = newest_own.map_or(arrivals[0], |generation| Registrant { generation, own: true });
            prop_assert_eq!(holder, Some(expected));
        }
    }
}
