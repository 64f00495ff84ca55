//! The imports and exports of a file, by its syntax.

use serde::{Deserialize, Serialize};

use super::position::Position;

/// How a file is imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ImportKind {
    /// `import … from`, `export … from`: evaluated before the file itself.
    Static,
    /// `import()`.
    Dynamic,
    /// `require()`, `require.resolve()`.
    Require,
}

/// One import of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Import {
    pub(super) specifier: String,
    #[serde(rename = "via")]
    pub(super) kind: ImportKind,
    pub(super) at: Position,
    /// The imported names with their positions; for static imports only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) names: Vec<(String, Position)>,
    /// Whether it is inside a function, so that loading the file does not load the import.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) lazy: bool,
    /// Whether all its names are exported again: `export * from`, `module.exports = require()`.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) all: bool,
    /// Whether it is a file for a worker thread or process: `new Worker(…)`, `fork(…)`. A relative name
    /// may be one of the working directory then, so that a missing file is no error.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) spawned: bool,
}

/// What the scan needs of a file; cached next to its stripped code.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ModuleInfo {
    /// Whether it has syntax that only a module may have.
    pub(super) is_module: bool,
    pub(super) imports: Vec<Import>,
    /// The names of exported values.
    pub(super) exports: Vec<String>,
    /// Whether it exports all names of another file, so that `exports` is incomplete.
    pub(super) exports_all: bool,
    /// Whether it has `await` outside of functions, which a CommonJS module cannot have.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) has_top_level_await: bool,
    /// The first decorator; Node does not run decorators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) decorator: Option<Position>,
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature that serde calls"
)]
fn is_false(value: &bool) -> bool {
    !value
}
