//! The settings of telemetry by key.

use serde_json::{Value, json};

use crate::runtime::{CollectorSettings, TelemetrySettings};
use crate::setting::Setting;

/// All of them need another instance.
pub(super) fn set_telemetry(telemetry: &TelemetrySettings, set: &mut impl FnMut(&str, Value)) {
    let TelemetrySettings {
        receive,
        memory,
        sampling,
        export,
    } = telemetry;
    set("telemetry.receive", json!(receive));
    set("telemetry.memory", Setting::Size(*memory).to_json());
    set("telemetry.sampling", json!(sampling));
    let Some(CollectorSettings {
        otlp,
        protocol,
        headers,
        gzip,
        certificate,
    }) = export
    else {
        return;
    };
    set("telemetry.export.otlp", json!(otlp));
    set("telemetry.export.protocol", json!(protocol));
    for (name, value) in headers {
        set(&format!("telemetry.export.headers.{name}"), json!(value));
    }
    let compression = if *gzip { "gzip" } else { "none" };
    set("telemetry.export.compression", json!(compression));
    let certificate = certificate.as_ref().map(|path| path.to_string_lossy());
    set("telemetry.export.certificate", json!(certificate));
}
