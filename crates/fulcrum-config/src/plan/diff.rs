//! Differences between settings by key.

use std::collections::BTreeMap;

use serde_json::Value;

use super::change::Difference;

/// Settings by key.
pub(super) type SettingMap = BTreeMap<String, Value>;

pub(super) fn diff(mut old: SettingMap, new: SettingMap) -> Vec<Difference> {
    let mut found = Vec::new();
    for (key, new) in new {
        let old = old.remove(&key);
        if old.as_ref() != Some(&new) {
            found.push(Difference {
                key,
                old,
                new: Some(new),
            });
        }
    }
    found.extend(old.into_iter().map(|(key, old)| Difference {
        key,
        old: Some(old),
        new: None,
    }));
    found.sort_by(|one, other| one.key.cmp(&other.key));
    found
}
