//! TypeScript: types blanked out in place, the files of a domain found, and what needs more told.

mod module_info;
mod nesting;
mod position;
mod resolve;
mod scan;
mod sources;
mod strip;
mod strip_manifest;
mod syntax_cache;
mod syntax_check;
mod tsconfig_paths;

pub(super) use scan::{ScanError, mentions_typescript, scan};
pub(super) use sources::{first_static_import, is_module};
pub use strip::{Format, StripError, StripErrorKind, Stripped, strip_file};
pub(super) use strip_manifest::write_manifest;
pub use syntax_cache::{SyntaxChecker, SyntaxError};
pub use syntax_check::check_syntax;
