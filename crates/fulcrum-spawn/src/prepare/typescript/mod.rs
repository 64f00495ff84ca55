//! TypeScript: types blanked out in place, the files of a domain found, and what needs more told.

mod alias;
mod check;
mod depth;
mod facts;
mod manifest;
mod position;
mod resolve;
mod scan;
mod sources;
mod strip;

pub use check::check_syntax;
pub(super) use manifest::write_manifest;
pub(super) use scan::{ScanError, mentions_typescript, scan};
pub(super) use sources::{first_static_import, is_module};
pub use strip::{Format, StripError, StripErrorKind, Stripped, strip_file};
