//! The lowest layer: `defaults.yml`, read like any other file.

use figment::value::Dict;

use crate::diagnostic::Diagnostic;
use crate::layer_parser::{LayerParser, Source};
use crate::layers::SettingArena;
use crate::mode::Mode;
use crate::node::{Node, NodeKind};
use crate::schema;

const TEXT: &str = include_str!("defaults.yml");

/// The built-in `runtime` and `process` layers.
pub(crate) fn layers(mode: Mode, leaves: &mut SettingArena) -> (Dict, Dict) {
    let parsed =
        crate::yaml::parse(TEXT).expect("defaults.yml is valid YAML, which a test sees to");
    let nothing = Node {
        value: NodeKind::Null,
        ..Node::text("")
    };
    let part = |name: &str| parsed.root.get(name).map_or(&nothing, |entry| &entry.value);
    let mut problems: Vec<Diagnostic> = Vec::new();
    let mut lower = LayerParser {
        source: Source::Default,
        env: None,
        leaves,
        problems: &mut problems,
    };
    let mut runtime = lower.section(schema::RUNTIME, part("runtime"), "runtime");
    let process = lower.section(schema::PROCESS, part("process"), "process");
    let registration = match mode {
        Mode::Dev => "grpc: {registration: open}",
        Mode::Serve => "grpc: {registration: token}",
    };
    let by_mode = crate::yaml::parse(registration).expect("the text above is valid YAML");
    let by_mode = lower.section(schema::RUNTIME, &by_mode.root, "runtime");
    runtime = crate::layers::merge([("defaults", &runtime), ("mode", &by_mode)]);
    debug_assert!(problems.is_empty(), "{problems:?}");
    (runtime, process)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn are_valid_settings() {
        for mode in [Mode::Dev, Mode::Serve] {
            let (runtime, process) = layers(mode, &mut SettingArena::default());
            assert!(runtime.contains_key("grpc") && process.contains_key("restart"));
        }
    }
}
