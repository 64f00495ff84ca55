//! TypeScript: its compilation, what decides it, the files that a domain imports, and syntax checks.

mod cache_sweep;
pub(super) mod compile;
pub(super) mod compile_options;
mod module_info;
mod nesting;
mod parallel;
mod position;
pub(super) mod request;
pub(super) mod resolver;
pub(super) mod scan;
pub(super) mod scan_table;
pub(super) mod sources;
pub(super) mod strip;
pub(super) mod surroundings;
mod syntax_cache;
mod syntax_check;
pub(super) mod table;
pub(super) mod tsconfig;

pub use cache_sweep::{SweepReport, sweep_cache};
pub use request::{TypeScriptRequestOptions, answer_typescript_request};
pub use strip::{Format, StripError, StripErrorKind, Stripped, strip_file};
pub use syntax_cache::{SyntaxChecker, SyntaxError};
pub use syntax_check::check_syntax;
