//! What a store reports while it is open.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// A change in a store's health. Its `Display` is a warning for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreEvent {
    /// Lines cannot be written; sent once until they can be again.
    Failing {
        /// What could not be done, where, and the system's reason.
        why: String,
    },
    /// Lines are written again.
    Resumed {
        /// How many lines are missing in the store, by domain.
        missing: BTreeMap<Arc<str>, u64>,
    },
}

impl fmt::Display for StoreEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failing { why } => write!(
                f,
                "what is said isn't kept: {why}; `fulcrum logs` still has what was said last"
            ),
            Self::Resumed { missing } => {
                f.write_str("what is said is kept again; lines that were left out: ")?;
                for (at, (domain, lines)) in missing.iter().enumerate() {
                    let separator = if at == 0 { "" } else { ", " };
                    write!(f, "{separator}{lines} of {domain}")?;
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_lines_are_listed_by_domain() {
        let missing = BTreeMap::from([(Arc::from("orders"), 2), (Arc::from("users"), 31)]);
        assert_eq!(
            StoreEvent::Resumed { missing }.to_string(),
            "what is said is kept again; lines that were left out: 2 of orders, 31 of users"
        );
    }
}
