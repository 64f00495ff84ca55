//! The effective configuration with the origin of each setting, as it is shown.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::setting::{SettingTree, leaf_json};

/// The settings in force. They become JSON when somebody asks: an instance never does.
#[derive(Debug, PartialEq)]
pub(crate) struct EffectiveConfig {
    pub(crate) runtime: SettingTree,
    pub(crate) domains: BTreeMap<String, EffectiveDomain>,
}

/// The settings in force of one domain.
#[derive(Debug, PartialEq)]
pub(crate) struct EffectiveDomain {
    pub(crate) name: String,
    pub(crate) dir: PathBuf,
    /// The entry point, if it was found by its name.
    pub(crate) discovered_entry: Option<PathBuf>,
    pub(crate) cwd: PathBuf,
    pub(crate) settings: SettingTree,
}

impl Default for EffectiveConfig {
    fn default() -> Self {
        Self {
            runtime: SettingTree::Map(BTreeMap::new()),
            domains: BTreeMap::new(),
        }
    }
}

impl EffectiveConfig {
    /// All domains by name.
    pub(crate) fn domains_json(&self, root: &Path) -> Value {
        let domains = self.domains.iter();
        domains
            .map(|(name, domain)| (name.clone(), domain.to_json(root)))
            .collect()
    }
}

impl EffectiveDomain {
    /// `{name, dir, process: {…}}`, with paths relative to the app's root.
    pub(crate) fn to_json(&self, root: &Path) -> Value {
        let relative =
            |path: &Path| json!(path.strip_prefix(root).unwrap_or(path).to_string_lossy());
        let mut process = self.settings.to_json();
        if let Some(entry) = &self.discovered_entry {
            process["entry"] = leaf_json(relative(entry), "discovered");
        }
        if process.get("cwd").is_none() {
            process["cwd"] = leaf_json(relative(&self.cwd), "default");
        }
        json!({ "name": self.name, "dir": relative(&self.dir), "process": process })
    }
}
