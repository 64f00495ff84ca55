//! What is known of one file.

use super::path::PathUse;

/// What tidy knows of one Rust file.
#[derive(Debug, Default)]
pub(in crate::tidy) struct Source {
    /// Relative to the root, with `/`.
    pub(in crate::tidy) path: String,
    pub(in crate::tidy) lines: usize,
    /// Lines under `#[cfg(test)]`, which are part of `lines`.
    pub(in crate::tidy) test_lines: usize,
    pub(in crate::tidy) functions: Vec<Function>,
    /// Modules declared here that are files of their own: the inline modules around, and the name.
    pub(in crate::tidy) child_files: Vec<Vec<String>>,
    /// Inline modules, each with the inline modules around it.
    pub(in crate::tidy) inline_modules: Vec<Vec<String>>,
    pub(in crate::tidy) paths: Vec<PathUse>,
    /// Name (without `!`) and line of each macro call.
    pub(in crate::tidy) macros: Vec<(String, usize)>,
    /// Functions, methods, types, traits, constants, statics and aliases declared `pub`.
    pub(in crate::tidy) public_items: usize,
}

impl Source {
    /// Lines without those under `#[cfg(test)]`.
    pub(in crate::tidy) fn code_lines(&self) -> usize {
        self.lines - self.test_lines
    }
}

/// A function, method or provided method of a trait.
#[derive(Debug)]
pub(in crate::tidy) struct Function {
    pub(in crate::tidy) name: String,
    pub(in crate::tidy) line: usize,
    /// From its `fn` to its closing brace.
    pub(in crate::tidy) lines: usize,
    /// Under `#[cfg(test)]`, or a test itself.
    pub(in crate::tidy) is_test: bool,
}
