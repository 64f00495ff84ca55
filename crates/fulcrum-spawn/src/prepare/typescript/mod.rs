//! TypeScript: type stripping in place, the files that a domain imports, and syntax checks.

#[allow(dead_code, reason = "the callers follow")]
pub(super) mod compile;
#[allow(dead_code, reason = "the callers follow")]
pub(super) mod compile_options;
mod module_info;
mod nesting;
mod position;
mod resolve;
pub(super) mod scan;
pub(super) mod sources;
pub(super) mod strip;
pub(super) mod strip_manifest;
mod syntax_cache;
mod syntax_check;
mod tsconfig_paths;

pub use strip::{Format, StripError, StripErrorKind, Stripped, strip_file};
pub use syntax_cache::{SyntaxChecker, SyntaxError};
pub use syntax_check::check_syntax;
