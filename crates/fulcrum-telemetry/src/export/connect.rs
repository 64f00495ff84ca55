//! A connection to a collector, with TLS if its address is `https`.

use std::path::Path;
use std::sync::Arc;

use axum::http::Uri;
use axum::http::uri::Scheme;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// A stream of bytes, secure or not.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// Connects to the host of an address.
///
/// # Errors
/// Why there is no connection, as a text.
pub(super) async fn connect(
    uri: &Uri,
    certificate: Option<&Path>,
    protocol: &'static [u8],
) -> Result<Box<dyn Stream>, String> {
    let host = uri.host().ok_or("the endpoint has no host")?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let is_secure = uri.scheme() == Some(&Scheme::HTTPS);
    let port = uri.port_u16().unwrap_or(if is_secure { 443 } else { 80 });
    let stream = TcpStream::connect((host, port)).await;
    let stream = stream.map_err(|error| format!("cannot connect: {error}"))?;
    let _ = stream.set_nodelay(true);
    if !is_secure {
        return Ok(Box::new(stream));
    }
    let certificate = certificate.map(Path::to_path_buf);
    // Reads files.
    let loading = tokio::task::spawn_blocking(move || tls_config(certificate.as_deref()));
    let mut config = loading.await.map_err(|error| error.to_string())??;
    config.alpn_protocols = vec![protocol.to_vec()];
    let name = ServerName::try_from(host.to_owned());
    let name = name.map_err(|_| format!("{host} is not the name of a host"))?;
    let connector = TlsConnector::from(Arc::new(config));
    let stream = connector.connect(name, stream).await;
    let stream = stream.map_err(|error| format!("TLS: {error}"))?;
    Ok(Box::new(stream))
}

/// Trusts the authorities of a file, or those of this machine.
fn tls_config(certificate: Option<&Path>) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    match certificate {
        Some(path) => {
            let pem = std::fs::read(path);
            let pem = pem.map_err(|error| format!("TLS: {}: {error}", path.display()))?;
            for found in CertificateDer::pem_slice_iter(&pem) {
                let found = found.map_err(|error| format!("TLS: the certificate: {error}"))?;
                let added = roots.add(found);
                added.map_err(|error| format!("TLS: the certificate: {error}"))?;
            }
        }
        None => {
            let found = rustls_native_certs::load_native_certs();
            roots.add_parsable_certificates(found.certs);
        }
    }
    if roots.is_empty() {
        let text =
            "TLS: no certificate authority is trusted (install ca-certificates, or name one)";
        return Err(text.to_owned());
    }
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("TLS: {error}"))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}
