//! TLS to a receiver, with the certificates that this machine trusts.

use std::sync::{Arc, OnceLock};

use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::error::SendError;

/// Read once: the files are many, and change with the system's updates only.
static CONNECTOR: OnceLock<TlsConnector> = OnceLock::new();

/// Makes a connection secure, and verifies that it is the host's.
pub(super) async fn connect(
    stream: TcpStream,
    host: &str,
) -> Result<TlsStream<TcpStream>, SendError> {
    let connector = match CONNECTOR.get() {
        Some(connector) => connector.clone(),
        None => {
            // Reads files.
            let loaded = tokio::task::spawn_blocking(load).await;
            let loaded = loaded.map_err(|error| SendError::new(error.to_string()))??;
            CONNECTOR.get_or_init(|| loaded).clone()
        }
    };
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| SendError::new(format!("{host} is no name of a host")))?;
    let connected = connector.connect(name, stream).await;
    connected.map_err(|error| SendError::new(format!("TLS: {error}")))
}

fn load() -> Result<TlsConnector, SendError> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let text = "TLS: this machine trusts no certificate authority (ca-certificates)";
        return Err(SendError::new(text.to_owned()));
    }
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| SendError::new(format!("TLS: {error}")))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}
