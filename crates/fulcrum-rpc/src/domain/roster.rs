//! Who holds which name, as a pure table.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Refusal;
use super::connection::Connection;

/// What counts when two streams want one name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) generation: u64,
    pub(crate) own: bool,
}

/// What becomes of a stream that wants a name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It gets the name; whoever held it is displaced.
    Seated,
    /// It doesn't.
    Refused(Refusal),
}

/// Decides between the holder of a name and a newcomer: the newest process that Fulcrum
/// itself started wins, and a stranger never displaces anybody.
pub(crate) fn judge(domain: &str, holder: Option<Standing>, newcomer: Standing) -> Verdict {
    let Some(holder) = holder else {
        return Verdict::Seated;
    };
    let refuse = |text| Verdict::Refused(Refusal::AlreadyExists(text));
    match (newcomer.own, holder.own) {
        (true, false) => Verdict::Seated,
        (true, true) if newcomer.generation >= holder.generation => Verdict::Seated,
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
pub(crate) struct Roster {
    seats: BTreeMap<String, Arc<Connection>>,
    closed: bool,
}

impl Roster {
    pub(crate) fn get(&self, domain: &str) -> Option<&Arc<Connection>> {
        self.seats.get(domain)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.seats.keys().map(String::as_str)
    }

    /// Whether a newcomer may have the name.
    pub(crate) fn judge(&self, domain: &str, newcomer: Standing) -> Verdict {
        if self.closed {
            return Verdict::Refused(Refusal::FailedPrecondition("Fulcrum shuts down".into()));
        }
        let holder = self.get(domain).map(|connection| Standing {
            generation: connection.admission.generation,
            own: connection.admission.own,
        });
        judge(domain, holder, newcomer)
    }

    /// Gives the connection its name and returns who held it before.
    pub(crate) fn seat(&mut self, connection: Arc<Connection>) -> Option<Arc<Connection>> {
        self.seats.insert(connection.domain.clone(), connection)
    }

    /// Takes the name from a connection; false where it no longer has it.
    pub(crate) fn leave(&mut self, domain: &str, id: u64) -> bool {
        let holds = self.get(domain).is_some_and(|holder| holder.id == id);
        if holds {
            self.seats.remove(domain);
        }
        holds
    }

    /// Takes all names away, for good.
    pub(crate) fn close(&mut self) -> Vec<Arc<Connection>> {
        self.closed = true;
        std::mem::take(&mut self.seats).into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn standing() -> impl Strategy<Value = Standing> {
        (0..4_u64, any::<bool>()).prop_map(|(generation, own)| Standing { generation, own })
    }

    proptest! {
        #[test]
        fn the_newest_own_process_wins_whatever_the_order(arrivals in prop::collection::vec(standing(), 1..12)) {
            let mut holder = None;
            for newcomer in &arrivals {
                match judge("users", holder, *newcomer) {
                    Verdict::Seated => {
                        prop_assert!(newcomer.own || holder.is_none(), "a stranger displaced somebody");
                        holder = Some(*newcomer);
                    }
                    Verdict::Refused(refusal) => {
                        prop_assert!(matches!(refusal, Refusal::AlreadyExists(_)));
                        prop_assert!(holder.is_some(), "a free name was refused");
                    }
                }
            }
            let newest_own = arrivals.iter().filter(|one| one.own).map(|one| one.generation).max();
            let expected = newest_own.map_or(arrivals[0], |generation| Standing { generation, own: true });
            prop_assert_eq!(holder, Some(expected));
        }
    }
}
