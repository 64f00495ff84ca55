//! The counts of all domains.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use prometheus_client::metrics::histogram::Histogram;

use super::domain_recorder::{DomainRecorder, LAG_BUCKETS};

/// What is counted as it happens. Clones are handles to the same counts.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    /// Each name of the configuration, and no other.
    domains: RwLock<BTreeMap<String, Arc<DomainRecorder>>>,
    instance: Mutex<InstanceCounts>,
}

/// What is counted of the instance itself.
#[derive(Debug)]
pub(super) struct InstanceCounts {
    pub(super) loop_lag: Histogram,
    pub(super) config_reloads: BTreeMap<&'static str, u64>,
    pub(super) notifications: BTreeMap<&'static str, u64>,
}

impl Default for InstanceCounts {
    fn default() -> Self {
        Self {
            loop_lag: Histogram::new(LAG_BUCKETS),
            config_reloads: BTreeMap::new(),
            notifications: BTreeMap::new(),
        }
    }
}

impl Metrics {
    /// The counts of a domain of the configuration, which are created if it has none.
    #[must_use]
    pub fn add_domain(&self, name: &str) -> Arc<DomainRecorder> {
        let mut domains = self.write();
        Arc::clone(domains.entry(name.to_owned()).or_default())
    }

    /// The counts of a domain of the configuration. None for other names, such as a caller makes up.
    #[must_use]
    pub fn domain(&self, name: &str) -> Option<Arc<DomainRecorder>> {
        let domains = self.shared.domains.read();
        let domains = domains.unwrap_or_else(PoisonError::into_inner);
        domains.get(name).cloned()
    }

    /// Forgets a domain that was removed from the configuration.
    pub fn remove_domain(&self, name: &str) {
        self.write().remove(name);
    }

    /// A timer of the instance itself was late by this time.
    pub fn loop_lag(&self, lag: Duration) {
        self.instance().loop_lag.observe(lag.as_secs_f64());
    }

    /// A changed configuration was loaded: `applied` or `rejected`.
    pub fn config_reloaded(&self, result: &'static str) {
        *self.instance().config_reloads.entry(result).or_default() += 1;
    }

    /// What became of a notification: `delivered`, `failed` or `dropped`.
    pub fn notified(&self, result: &'static str) {
        *self.instance().notifications.entry(result).or_default() += 1;
    }

    pub(super) fn instance(&self) -> MutexGuard<'_, InstanceCounts> {
        let counts = self.shared.instance.lock();
        counts.unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn domains(&self) -> BTreeMap<String, Arc<DomainRecorder>> {
        let domains = self.shared.domains.read();
        domains.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, BTreeMap<String, Arc<DomainRecorder>>> {
        let domains = self.shared.domains.write();
        domains.unwrap_or_else(PoisonError::into_inner)
    }
}
