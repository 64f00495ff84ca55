//! `runtime.logs.forward`: where log lines are exported to.

use std::collections::BTreeMap;

use super::reader::SettingsReader;
use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::runtime::OtlpExportSettings;
use crate::setting::{Setting, SettingTree, SettingWithOrigin};

/// `runtime.logs.forward`; none if no endpoint is set.
pub(crate) fn resolve_export(
    settings: &SettingsReader<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<OtlpExportSettings> {
    let headers: BTreeMap<String, String> = settings
        .tree
        .entries("logs.forward.headers")
        .filter_map(|(name, value)| match value {
            SettingTree::Leaf(SettingWithOrigin {
                setting: Setting::String(text),
                ..
            }) => Some((name.clone(), text.clone())),
            _ => None,
        })
        .collect();
    let level = settings.string("logs.forward.level");
    let otlp = settings.string("logs.forward.otlp");
    let to_collector = settings.bool("logs.forward.collector") == Some(true);
    if otlp.is_none() && !to_collector {
        // An error rather than ignored, since these settings suggest that lines are exported.
        let header = headers.keys().next().map(|name| format!("headers.{name}"));
        let set = level.map(|_| "level".to_owned()).or(header);
        if let Some(set) = set.filter(|_| diagnostics.is_empty()) {
            diagnostics.push(
                settings
                    .diagnostic(
                        &format!("logs.forward.{set}"),
                        Code::InvalidValue,
                        "no endpoint is set",
                    )
                    .hint("set `runtime.logs.forward.otlp`, such as `http://127.0.0.1:4317`"),
            );
        }
        return None;
    }
    Some(OtlpExportSettings {
        otlp: otlp.map(str::to_owned),
        headers,
        level: level.map(str::to_owned),
    })
}
