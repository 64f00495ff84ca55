//! The domains that were found.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// A folder that is a domain.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct DiscoveredDomain {
    /// Its name.
    pub(crate) name: String,
    /// Its path relative to the app root.
    pub(crate) display_path: PathBuf,
    /// The names of the entry points found in it.
    pub(crate) entries: Vec<&'static str>,
    /// Whether it has a `fulcrum.yml`.
    pub(crate) config: bool,
}

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Discovery {
    /// The domains, by name.
    pub(crate) domains: BTreeMap<String, DiscoveredDomain>,
    /// Names of folders that were refused: whoever refers to one has made no further mistake.
    pub(crate) rejected: BTreeSet<String>,
}
