//! Merges layers of settings.
//!
//! figment does the merge. It merges numbers that refer to checked settings, not the settings, since
//! its own values would lose the text of `1.10` and every location in a file.

use std::collections::BTreeMap;

use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider};

use crate::setting::{SettingTree, SettingWithOrigin};

/// All settings of all layers, which layers refer to by number.
#[derive(Debug, Clone, Default)]
pub(crate) struct SettingArena(Vec<SettingWithOrigin>);

impl SettingArena {
    /// Stores a setting and returns its reference for a layer.
    pub(crate) fn add(&mut self, setting: SettingWithOrigin) -> Value {
        self.0.push(setting);
        Value::from(self.0.len() - 1)
    }

    /// The settings that a merged value refers to.
    fn resolve(&self, value: &Value) -> Option<SettingTree> {
        match value {
            Value::Dict(_, dict) => Some(SettingTree::Map(
                dict.iter()
                    .filter_map(|(name, value)| Some((name.clone(), self.resolve(value)?)))
                    .collect(),
            )),
            Value::Num(_, number) => {
                let index = usize::try_from(number.to_u128()?).ok()?;
                self.0.get(index).cloned().map(SettingTree::Leaf)
            }
            _ => None,
        }
    }
}

/// One layer: its name and its keys.
struct LayerProvider<'a>(&'static str, &'a Dict);

impl Provider for LayerProvider<'_> {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.0)
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Profile::Default.collect(self.1.clone()))
    }
}

/// Merges layers; later ones take precedence.
pub(crate) fn merge<'a>(layers: impl IntoIterator<Item = (&'static str, &'a Dict)>) -> Dict {
    let merged = layers
        .into_iter()
        .fold(Figment::new(), |figment, (name, dict)| {
            figment.merge(LayerProvider(name, dict))
        });
    match merged.find_value("") {
        Ok(Value::Dict(_, dict)) => dict,
        // figment finds no value in empty layers.
        Ok(_) | Err(_) => Dict::new(),
    }
}

/// The settings of merged layers.
pub(crate) fn resolve(arena: &SettingArena, merged: Dict) -> SettingTree {
    arena
        .resolve(&merged.into())
        .unwrap_or_else(|| SettingTree::Map(BTreeMap::new()))
}
