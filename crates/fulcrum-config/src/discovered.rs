//! The domains that were found.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// A directory that is a domain.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct DiscoveredDomain {
    /// The domain's name.
    pub(crate) name: String,
    /// The directory's path, relative to the app root.
    pub(crate) display_path: PathBuf,
    /// The names of the entry points in it.
    pub(crate) entries: Vec<&'static str>,
    /// Whether it contains a `fulcrum.yml`.
    pub(crate) config: bool,
}

/// The result of discovery.
#[derive(Debug, Default)]
pub(crate) struct Discovery {
    /// The domains, by name.
    pub(crate) domains: BTreeMap<String, DiscoveredDomain>,
    /// The names of rejected directories. References to them are not reported again.
    pub(crate) rejected: BTreeSet<String>,
}
