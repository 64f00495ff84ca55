//! What to export, and where to.

use std::collections::BTreeMap;

use crate::line::Level;

/// A receiver of OTLP logs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OtlpConfig {
    /// The receiver's address over gRPC without TLS: `http://HOST:PORT`.
    pub endpoint: String,
    /// Metadata of each request: lowercase names, values in printable ASCII. The values may be
    /// secret; they appear in no message.
    pub headers: BTreeMap<String, String>,
    /// Exports only lines of at least this level, which excludes those whose level is unknown. All
    /// lines where it is `None`.
    pub level: Option<Level>,
}
