//! What to export, and where to.

use crate::line::Level;

/// A receiver of OTLP logs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OtlpConfig {
    /// The receiver's address, for messages.
    pub endpoint: String,
    /// The attributes of the resource that each domain's lines have, besides the domain's name.
    pub resource: Vec<(String, String)>,
    /// Exports only lines of at least this level, which excludes those whose level is unknown. All
    /// lines where it is `None`.
    pub level: Option<Level>,
}
