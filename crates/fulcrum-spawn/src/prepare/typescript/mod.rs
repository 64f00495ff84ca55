//! TypeScript: type stripping in place, the files that a domain imports, and syntax checks.

#[allow(dead_code, reason = "the callers follow")]
pub(super) mod compile;
#[allow(dead_code, reason = "the callers follow")]
pub(super) mod compile_options;
#[allow(dead_code, reason = "the callers follow")]
mod elide;
#[allow(dead_code, reason = "the callers follow")]
mod exports;
mod import_visitor;
#[allow(dead_code, reason = "the callers follow")]
mod layout;
mod module_info;
mod nesting;
#[allow(dead_code, reason = "the callers follow")]
mod parse;
mod position;
mod resolve;
pub(super) mod scan;
#[allow(dead_code, reason = "the callers follow")]
mod source_lines;
#[allow(dead_code, reason = "the callers follow")]
mod source_map;
pub(super) mod sources;
mod spawned;
pub(super) mod strip;
pub(super) mod strip_manifest;
#[allow(dead_code, reason = "the callers follow")]
mod survey;
mod syntax_cache;
mod syntax_check;
#[allow(dead_code, reason = "the callers follow")]
mod transform;
mod tsconfig_paths;

pub use strip::{Format, StripError, StripErrorKind, Stripped, strip_file};
pub use syntax_cache::{SyntaxChecker, SyntaxError};
pub use syntax_check::check_syntax;
