//! A path as it is written in a file.

/// One path in the code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::tidy) struct PathUse {
    /// The inline modules around it, outermost first.
    pub(in crate::tidy) scope: Vec<String>,
    /// As written: `["crate", "state", "Phase"]`.
    pub(in crate::tidy) segments: Vec<String>,
    /// From 1.
    pub(in crate::tidy) line: usize,
    pub(in crate::tidy) kind: PathKind,
}

/// Where a path stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::tidy) enum PathKind {
    /// In a `use`, which makes it known as `name`.
    Import { name: String, public: bool },
    /// In a `use` that ends in `*`.
    Glob,
    /// A call of a function by its name alone.
    Call,
    /// Anywhere else.
    Inline,
}
