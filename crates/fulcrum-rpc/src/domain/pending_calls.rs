//! How much a registry has to do at the moment, for metrics.

use std::sync::{Arc, Weak};

use super::registry::Registry;
use super::routing::PendingCalls;
use crate::transport::ConnectionTable;

impl Registry {
    /// The calls of a domain that have no response yet.
    #[must_use]
    pub fn pending_calls(&self, domain: &str) -> PendingCalls {
        let route = self.routes().get(domain);
        route.map_or_else(PendingCalls::default, |route| route.pending())
    }

    /// The number of open connections of the server: those of domains, and those of callers.
    #[must_use]
    pub fn connections(&self) -> usize {
        let table = self.connection_table().get().and_then(Weak::upgrade);
        table.map_or(0, |table| table.len())
    }

    /// Counts the connections of a table from now on.
    pub(crate) fn set_connection_table(&self, table: &Arc<ConnectionTable>) {
        // A registry is served once.
        let _ = self.connection_table().set(Arc::downgrade(table));
    }
}
