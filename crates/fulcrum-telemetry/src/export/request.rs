//! The parts that requests over gRPC and HTTP have in common.

use std::io::Write;

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use flate2::Compression;
use flate2::write::GzEncoder;

use super::config::ExportConfig;

/// The name of this client.
pub(super) const USER_AGENT_NAME: &str = concat!("fulcrum/", env!("CARGO_PKG_VERSION"));

/// What a collector says to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It has it.
    Accepted,
    /// It may take it later.
    Later(String),
    /// It would reject it again.
    Rejected(String),
}

/// Adds the configured headers.
pub(super) fn add_headers(headers: &mut HeaderMap, config: &ExportConfig) {
    for (name, value) in &config.headers {
        let name = HeaderName::try_from(name.as_str());
        let value = HeaderValue::try_from(value.as_str());
        if let (Ok(name), Ok(mut value)) = (name, value) {
            value.set_sensitive(true);
            headers.insert(name, value);
        }
    }
}

/// Compresses a request.
pub(super) fn gzip(body: &[u8]) -> Result<Bytes, String> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let written = encoder.write_all(body).and_then(|()| encoder.finish());
    let compressed = written.map_err(|error| format!("cannot compress: {error}"))?;
    Ok(compressed.into())
}
