//! The lowest layer: `defaults.yml`, parsed like any other file.

use figment::value::Dict;

use crate::diagnostic::Diagnostic;
use crate::layer_parser::{LayerParser, Source};
use crate::layers::SettingArena;
use crate::mode::Mode;
use crate::node::{Node, NodeKind};
use crate::schema;

const TEXT: &str = include_str!("defaults.yml");

/// The built-in `runtime` and `process` layers.
pub(crate) fn layers(mode: Mode, arena: &mut SettingArena) -> (Dict, Dict) {
    let parsed = crate::yaml::parse(TEXT).expect("defaults.yml is valid YAML, which a test checks");
    let empty = Node {
        value: NodeKind::Null,
        ..Node::scalar("")
    };
    let part = |name: &str| parsed.root.get(name).map_or(&empty, |entry| &entry.value);
    let mut diagnostics: Vec<Diagnostic> = Vec::new();
    let mut parser = LayerParser {
        source: Source::Default,
        references: None,
        arena,
        diagnostics: &mut diagnostics,
    };
    let mut runtime = parser.section(schema::RUNTIME, part("runtime"), "runtime");
    let process = parser.section(schema::PROCESS, part("process"), "process");
    let by_mode = match mode {
        Mode::Dev => {
            "{grpc: {registration: open}, http: {listen: '127.0.0.1:50080'}, telemetry: {receive: true}}"
        }
        Mode::Serve => {
            "{grpc: {registration: token}, http: {listen: off}, telemetry: {receive: false}}"
        }
    };
    let by_mode = crate::yaml::parse(by_mode).expect("the text above is valid YAML");
    let by_mode = parser.section(schema::RUNTIME, &by_mode.root, "runtime");
    runtime = crate::layers::merge([("defaults", &runtime), ("mode", &by_mode)]);
    debug_assert!(diagnostics.is_empty(), "{diagnostics:?}");
    (runtime, process)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_valid_settings() {
        for mode in [Mode::Dev, Mode::Serve] {
            let (runtime, process) = layers(mode, &mut SettingArena::default());
            assert!(runtime.contains_key("grpc") && process.contains_key("restart"));
        }
    }
}
