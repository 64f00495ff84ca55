//! Where a collector is, and how it is asked.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// How a collector is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExportProtocol {
    /// OTLP over gRPC.
    #[default]
    Grpc,
    /// OTLP over HTTP with protobuf.
    HttpProtobuf,
}

impl ExportProtocol {
    /// The protocol that OpenTelemetry calls so; none for an unknown one.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name.trim() {
            "grpc" => Some(Self::Grpc),
            "http/protobuf" => Some(Self::HttpProtobuf),
            _ => None,
        }
    }

    /// Its name in OpenTelemetry.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Grpc => "grpc",
            Self::HttpProtobuf => "http/protobuf",
        }
    }
}

/// A collector.
#[derive(Clone, PartialEq, Eq)]
pub struct ExportConfig {
    /// Its address: `http://` or `https://`, a host, a port, and for HTTP perhaps a path.
    pub endpoint: String,
    /// How it is asked.
    pub protocol: ExportProtocol,
    /// Headers of each request: names in lower case. Values may be secrets.
    pub headers: BTreeMap<String, String>,
    /// Whether requests are compressed by gzip.
    pub gzip: bool,
    /// The file with the authorities to trust instead of the system's, PEM.
    pub certificate: Option<PathBuf>,
    /// How long one request may take.
    pub timeout: Duration,
}

impl Default for ExportConfig {
    fn default() -> Self {
        Self {
            endpoint: "http://127.0.0.1:4317".to_owned(),
            protocol: ExportProtocol::default(),
            headers: BTreeMap::new(),
            gzip: false,
            certificate: None,
            timeout: Duration::from_secs(10),
        }
    }
}

impl fmt::Debug for ExportConfig {
    /// Without secrets.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ExportConfig")
            .field("endpoint", &self.endpoint)
            .field("protocol", &self.protocol)
            .field("headers", &self.headers.keys())
            .field("gzip", &self.gzip)
            .finish_non_exhaustive()
    }
}
