//! Notifications of what went wrong: events of domains, passed to the webhooks of the configuration.

pub(crate) mod occasion;
pub(crate) mod task;
