//! Puts layers on top of each other.
//!
//! figment merges, and keeps which provider each value came from. What it merges are numbers that
//! stand for checked settings, not the settings: its own values would lose the text of `1.10` and
//! every place in a file.

use std::collections::BTreeMap;

use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider};

use crate::setting::{SettingTree, SettingWithOrigin};

/// All settings of all layers; a layer refers to them by number.
#[derive(Debug, Default)]
pub(crate) struct SettingArena(Vec<SettingWithOrigin>);

impl SettingArena {
    /// Keeps a setting and gives what stands for it in a layer.
    pub(crate) fn add(&mut self, setting: SettingWithOrigin) -> Value {
        self.0.push(setting);
        Value::from(self.0.len() - 1)
    }

    /// The settings that a merged value stands for.
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

/// One layer: a name for it, and its keys.
struct LayerProvider<'a>(&'static str, &'a Dict);

impl Provider for LayerProvider<'_> {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.0)
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Profile::Default.collect(self.1.clone()))
    }
}

/// Merges layers, later ones on top.
pub(crate) fn merge<'a>(layers: impl IntoIterator<Item = (&'static str, &'a Dict)>) -> Dict {
    let merged = layers
        .into_iter()
        .fold(Figment::new(), |figment, (name, dict)| {
            figment.merge(LayerProvider(name, dict))
        });
    match merged.find_value("") {
        Ok(Value::Dict(_, dict)) => dict,
        // No layer at all, or an empty one: figment has nothing to find then.
        Ok(_) | Err(_) => Dict::new(),
    }
}

/// The settings of merged layers.
pub(crate) fn resolve(arena: &SettingArena, merged: Dict) -> SettingTree {
    arena
        .resolve(&merged.into())
        .unwrap_or_else(|| SettingTree::Map(BTreeMap::new()))
}
