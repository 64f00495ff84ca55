//! Serves a router on one listener.

use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::{Router, middleware};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::sleep;

use super::host::check_host;

/// The most connections at a time. Others wait to be accepted.
const MAX_CONNECTIONS: usize = 64;

/// The time in which the head of a request must be received, the idle time of a connection included.
const HEADER_TIMEOUT: Duration = Duration::from_secs(60);

/// The pause after a failed accept, such as one without a free file descriptor.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// A bound listener on a loopback address.
#[derive(Debug)]
pub struct HttpListener {
    listener: TcpListener,
    address: SocketAddr,
    open: Arc<AtomicU64>,
}

impl HttpListener {
    /// Listens on a loopback address. If its port is in use and `may_move`, on a free one instead. Must
    /// be called within a tokio runtime.
    ///
    /// # Errors
    /// The address is not available, or no loopback address.
    pub fn bind(host: &str, port: u16, may_move: bool) -> io::Result<Self> {
        let bound = match StdListener::bind((host, port)) {
            Err(error) if may_move && error.kind() == io::ErrorKind::AddrInUse => {
                StdListener::bind((host, 0))
            }
            bound => bound,
        };
        Self::new(bound?)
    }

    /// Takes a bound socket. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// The socket cannot be used without blocking, or its address is no loopback address.
    pub fn new(socket: StdListener) -> io::Result<Self> {
        let address = socket.local_addr()?;
        if !address.ip().is_loopback() {
            let text = format!("{address} is not a loopback address");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        socket.set_nonblocking(true)?;
        Ok(Self {
            listener: TcpListener::from_std(socket)?,
            address,
            open: Arc::default(),
        })
    }

    /// The address.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The number of open connections, for as long as the listener is served.
    #[must_use]
    pub fn connections(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.open)
    }

    /// Serves a router to requests whose `Host` is this machine's, until the future is dropped; open
    /// connections then end with their request.
    pub async fn serve(self, router: Router) {
        let router = router.layer(middleware::from_fn(check_host));
        let limit = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        loop {
            let Ok(permit) = Arc::clone(&limit).acquire_owned().await else {
                return;
            };
            let stream = match self.listener.accept().await {
                Ok((stream, _)) => stream,
                Err(_) => {
                    sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let (router, open) = (router.clone(), OpenConnection::new(&self.open));
            tokio::spawn(async move {
                serve_connection(stream, router).await;
                drop((open, permit));
            });
        }
    }
}

async fn serve_connection(stream: TcpStream, router: Router) {
    let service = TowerToHyperService::new(router);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service);
    // A client that breaks off or sends no HTTP is its own concern.
    let _ = connection.await;
}

/// Counts a connection while it is open.
struct OpenConnection(Arc<AtomicU64>);

impl OpenConnection {
    fn new(open: &Arc<AtomicU64>) -> Self {
        open.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(open))
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
