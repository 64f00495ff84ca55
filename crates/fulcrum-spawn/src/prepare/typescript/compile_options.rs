//! What decides how a file is compiled, besides its text.

use serde::Serialize;

/// The options of one file. Part of its cache key, so equal options must mean equal code.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub(in crate::prepare) struct CompileOptions {
    /// Whether the file becomes an ES module or a CommonJS module.
    pub(in crate::prepare) kind: FileKind,
    /// Class fields are defined (`true`) or assigned (`useDefineForClassFields: false`).
    pub(in crate::prepare) define_fields: bool,
    /// The meaning of decorators.
    pub(in crate::prepare) decorators: Decorators,
    /// The meaning of JSX.
    pub(in crate::prepare) jsx: Jsx,
    /// Imports without `type` stay, even if they are only used as types.
    pub(in crate::prepare) verbatim_module_syntax: bool,
    /// `using` is lowered, for a Node that cannot run it.
    pub(in crate::prepare) lower_using: bool,
}

/// The module kind of a file, by its extension and its package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::prepare) enum FileKind {
    /// An ECMAScript module.
    Module,
    /// A CommonJS module; `import` and `export` are lowered.
    CommonJs,
    /// TypeScript in a package without `type`: as [`FileKind::CommonJs`], but an ECMAScript module if
    /// it has top-level `await`, which CommonJS cannot express.
    CommonJsUnlessTopLevelAwait,
}

/// The decorators of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::prepare) enum Decorators {
    /// Those of the ECMAScript proposal.
    Standard,
    /// `experimentalDecorators`.
    Legacy {
        /// `emitDecoratorMetadata`.
        metadata: bool,
        /// `strictNullChecks`: whether `null` and `undefined` count in the types of the metadata.
        strict_null_checks: bool,
    },
}

/// The JSX options of a file.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub(in crate::prepare) struct Jsx {
    /// How elements are created.
    pub(in crate::prepare) mode: JsxMode,
    /// `jsxImportSource`; by default `react`.
    pub(in crate::prepare) import_source: Option<String>,
    /// `jsxFactory`; by default `React.createElement`.
    pub(in crate::prepare) factory: Option<String>,
    /// `jsxFragmentFactory`; by default `React.Fragment`.
    pub(in crate::prepare) fragment_factory: Option<String>,
}

/// How JSX elements are created. `jsx: preserve` counts as [`JsxMode::Automatic`], since Node cannot
/// run JSX.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::prepare) enum JsxMode {
    /// By functions that are imported from [`Jsx::import_source`]: `react-jsx` and `react-jsxdev`.
    Automatic {
        /// `react-jsxdev`: with the positions of the elements.
        development: bool,
    },
    /// By [`Jsx::factory`]: `react`.
    Classic,
}

impl Default for Jsx {
    fn default() -> Self {
        Self {
            mode: JsxMode::Classic,
            import_source: None,
            factory: None,
            fragment_factory: None,
        }
    }
}

impl Default for CompileOptions {
    /// The options of an ES module without a tsconfig.json, on a Node that can run everything.
    fn default() -> Self {
        Self {
            kind: FileKind::Module,
            define_fields: true,
            decorators: Decorators::Standard,
            jsx: Jsx::default(),
            verbatim_module_syntax: false,
            lower_using: false,
        }
    }
}
