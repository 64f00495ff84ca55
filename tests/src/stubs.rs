//! Domains without Node in an app, and settings with short timeouts.

use serde_json::json;

use crate::app::App;
use crate::binary::stub;

/// The settings of [`App::with_short_timeouts`].
const SHORT_TIMEOUTS: &str = "\
runtime:
  defaults:
    heartbeat: {interval: 200ms, misses: 3}
    start_timeout: 3s
    stop: {grace: 1s}
    restart: {backoff: {initial: 100ms, max: 2s}, budget: 5, window: 10s}
";

impl App {
    /// Sets short timeouts and a small restart budget for all domains, so that Fulcrum detects
    /// failures within seconds. A domain's own settings override these.
    #[must_use]
    pub fn with_short_timeouts(self) -> Self {
        self.write("fulcrum.yml", SHORT_TIMEOUTS)
    }

    /// Adds a domain that is the native stub, with these flags (`stub-domain --help`).
    #[must_use]
    pub fn stub_domain(self, name: &str, args: &[&str]) -> Self {
        self.stub_domain_with(name, args, "{}")
    }

    /// Adds a stub with more settings of `process`, a YAML flow mapping such as
    /// `{stop: {grace: 1s}}`.
    #[must_use]
    pub fn stub_domain_with(self, name: &str, args: &[&str], settings: &str) -> Self {
        self.write_stub_domain(name, args, settings);
        self
    }

    /// Writes a stub's settings while the app is in use, or adds a stub to it. A stub is ready when
    /// it has registered, however slow the machine is, unless the settings say otherwise.
    pub fn write_stub_domain(&self, name: &str, args: &[&str], settings: &str) {
        let stub = stub();
        let stub = stub.to_str().expect("the target directory's path is UTF-8");
        let command = json!([&[stub], args].concat());
        let inner = settings.trim().strip_prefix('{');
        let inner = inner.and_then(|inner| inner.strip_suffix('}'));
        let inner = inner.expect("settings are a flow mapping").trim();
        let comma = if inner.is_empty() { "" } else { ", " };
        let ready = match inner.contains("ready:") {
            true => "",
            false => ", ready: registered",
        };
        let text = format!("process: {{command: {command}{ready}{comma}{inner}}}\n");
        self.write_file(&format!("domains/{name}/fulcrum.yml"), &text);
    }
}
