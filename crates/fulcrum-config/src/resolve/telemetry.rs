//! `runtime.telemetry`.

use std::collections::BTreeMap;
use std::path::Path;

use super::reader::{SET, SettingsReader};
use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::runtime::{CollectorSettings, TelemetrySettings};
use crate::setting::{Setting, SettingTree, SettingWithOrigin};

/// `runtime.telemetry`.
pub(crate) fn resolve_telemetry(
    settings: &SettingsReader<'_>,
    root: &Path,
    diagnostics: &mut Vec<Diagnostic>,
) -> TelemetrySettings {
    TelemetrySettings {
        receive: settings.bool("telemetry.receive").expect(SET),
        memory: settings.size("telemetry.memory").expect(SET),
        sampling: settings.float("telemetry.sampling"),
        export: resolve_collector(settings, root, diagnostics),
    }
}

fn resolve_collector(
    settings: &SettingsReader<'_>,
    root: &Path,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<CollectorSettings> {
    let headers: BTreeMap<String, String> = settings
        .tree
        .entries("telemetry.export.headers")
        .filter_map(|(name, value)| match value {
            SettingTree::Leaf(SettingWithOrigin {
                setting: Setting::String(text),
                ..
            }) => Some((name.clone(), text.clone())),
            _ => None,
        })
        .collect();
    let protocol = settings.string("telemetry.export.protocol");
    let compression = settings.string("telemetry.export.compression");
    let certificate = settings.path("telemetry.export.certificate", root);
    let Some(otlp) = settings.string("telemetry.export.otlp") else {
        // An error rather than ignored, since these settings suggest that something is exported.
        let header = headers.keys().next().map(|name| format!("headers.{name}"));
        let set = protocol.map(|_| "protocol".to_owned());
        let set = set.or_else(|| compression.map(|_| "compression".to_owned()));
        let set = set.or_else(|| certificate.map(|_| "certificate".to_owned()));
        if let Some(set) = set.or(header).filter(|_| diagnostics.is_empty()) {
            let key = format!("telemetry.export.{set}");
            let diagnostic = settings.diagnostic(&key, Code::InvalidValue, "no collector is set");
            let hint = "set `runtime.telemetry.export.otlp`, such as `http://127.0.0.1:4317`";
            diagnostics.push(diagnostic.hint(hint));
        }
        return None;
    };
    Some(CollectorSettings {
        otlp: otlp.to_owned(),
        protocol: protocol.map(str::to_owned),
        headers,
        gzip: compression == Some("gzip"),
        certificate,
    })
}
