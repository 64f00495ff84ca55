//! TypeScript: its compilation, what decides it, the files that a domain imports, and syntax checks.

mod cache_sweep;
pub(super) mod compile;
pub(super) mod compile_options;
mod elide;
mod exports;
mod import_visitor;
pub(super) mod imported_packages;
mod layout;
mod missing_imports;
mod module_info;
mod nesting;
mod parallel;
mod parse;
mod position;
pub(super) mod request;
pub(super) mod resolver;
pub(super) mod scan;
pub(super) mod scan_table;
mod scanned_file;
mod source_lines;
mod source_map;
pub(super) mod sources;
mod spawned;
pub(super) mod strip;
pub(super) mod surroundings;
mod survey;
mod syntax_cache;
mod syntax_check;
pub(super) mod table;
mod transform;
pub(super) mod tsconfig;

pub use cache_sweep::{SweepReport, sweep_cache, sweep_in_background};
pub use request::{TypeScriptRequestOptions, answer_typescript_request, run_typescript_helper};
pub use strip::{Format, StripError, StripErrorKind, Stripped, strip_file};
pub use syntax_cache::{SyntaxChecker, SyntaxError};
pub use syntax_check::check_syntax;
