//! The routes of all domains.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use super::domain_route::DomainRoute;
use super::route::Limits;

/// The routes by name. A name has one while a stream is registered under it or it is configured,
/// so that callers cannot create any.
pub(crate) struct RouteTable {
    limits: Limits,
    routes: RwLock<BTreeMap<String, Arc<DomainRoute>>>,
}

impl RouteTable {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            routes: RwLock::default(),
        }
    }

    /// How much may wait in each.
    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }

    pub(crate) fn get(&self, domain: &str) -> Option<Arc<DomainRoute>> {
        self.read().get(domain).cloned()
    }

    /// The route of a name, which is created if there is none. The caller holds the lock of the
    /// registrations, as that of [`Self::remove_unused`] does.
    pub(crate) fn get_or_insert(&self, domain: &str) -> Arc<DomainRoute> {
        let mut routes = self.routes.write().unwrap_or_else(PoisonError::into_inner);
        let route = routes
            .entry(domain.to_owned())
            .or_insert_with(|| Arc::new(DomainRoute::new(domain, self.limits)));
        Arc::clone(route)
    }

    /// Removes the route of a name of which nothing is known any more.
    pub(crate) fn remove_unused(&self, domain: &str) {
        let mut routes = self.routes.write().unwrap_or_else(PoisonError::into_inner);
        let unused = |route: &Arc<DomainRoute>| route.is_unused();
        if routes.get(domain).is_some_and(unused) {
            routes.remove(domain);
        }
    }

    /// All routes, in alphabetical order.
    pub(crate) fn all(&self) -> Vec<Arc<DomainRoute>> {
        self.read().values().cloned().collect()
    }

    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<String, Arc<DomainRoute>>> {
        self.routes.read().unwrap_or_else(PoisonError::into_inner)
    }
}
