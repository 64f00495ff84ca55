//! `runtime.logs.forward`: where log lines are exported to.

use std::collections::BTreeMap;

use super::reader::SettingsReader;
use crate::diagnostic::Diagnostic;
use crate::runtime::OtlpExportSettings;
use crate::setting::{Setting, SettingTree, SettingWithOrigin};

/// `runtime.logs.forward`; none when no receiver is named.
pub(crate) fn resolve_export(
    settings: &SettingsReader<'_>,
    problems: &mut Vec<Diagnostic>,
) -> Option<OtlpExportSettings> {
    let headers: BTreeMap<String, String> = settings
        .tree
        .entries("logs.forward.headers")
        .filter_map(|(name, value)| match value {
            SettingTree::Leaf(SettingWithOrigin {
                setting: Setting::Text(text),
                ..
            }) => Some((name.clone(), text.clone())),
            _ => None,
        })
        .collect();
    let level = settings.string("logs.forward.level");
    let Some(otlp) = settings.string("logs.forward.otlp") else {
        // Refused rather than ignored: whoever sets it believes that lines are sent.
        let header = headers.keys().next().map(|name| format!("headers.{name}"));
        let set = level.map(|_| "level".to_owned()).or(header);
        if let Some(set) = set.filter(|_| problems.is_empty()) {
            problems.push(
                settings
                    .problem(
                        &format!("logs.forward.{set}"),
                        "invalid-value",
                        "there is no receiver to forward to",
                    )
                    .hint("name it under `runtime.logs.forward.otlp`, such as `http://127.0.0.1:4317`"),
            );
        }
        return None;
    };
    Some(OtlpExportSettings {
        otlp: otlp.to_owned(),
        headers,
        level: level.map(str::to_owned),
    })
}
