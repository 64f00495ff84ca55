//! What a store reports while it is open.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// A change in a store's health. Its `Display` is a warning for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreEvent {
    /// Lines cannot be written; sent once until they can be again.
    Failing {
        /// What failed, where, and the system's error.
        reason: String,
    },
    /// Lines are written again.
    Resumed {
        /// Lines that are missing in the store, by domain.
        dropped: BTreeMap<Arc<str>, u64>,
    },
}

impl fmt::Display for StoreEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failing { reason } => write!(
                f,
                "cannot write logs: {reason}; recent lines remain available in memory"
            ),
            Self::Resumed { dropped } => {
                f.write_str("log store recovered; dropped lines: ")?;
                for (at, (domain, lines)) in dropped.iter().enumerate() {
                    let separator = if at == 0 { "" } else { ", " };
                    write!(f, "{separator}{domain} {lines}")?;
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
    fn dropped_lines_are_listed_by_domain() {
        let dropped = BTreeMap::from([(Arc::from("orders"), 2), (Arc::from("users"), 31)]);
        assert_eq!(
            StoreEvent::Resumed { dropped }.to_string(),
            "log store recovered; dropped lines: orders 2, users 31"
        );
    }
}
