//! When a connection last received data, and how it ended.
//!
//! h2 gives a stream neither: a client that closes its connection, one whose connection fails,
//! and one that answers no keep-alive ping look alike there. So the socket is observed.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tonic::transport::server::{Connected, TcpConnectInfo};

/// The activity of one connection. Clones refer to the same one.
#[derive(Clone)]
pub struct ConnectionActivity {
    shared: Arc<Shared>,
}

struct Shared {
    opened_at: Instant,
    /// Nanoseconds from `opened_at` to the last data.
    last_read: AtomicU64,
    end: AtomicU8,
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ConnectionEnd {
    /// The peer or its kernel closed it.
    Closed,
    /// Reading failed.
    Failed,
}

const OPEN: u8 = 0;
const CLOSED: u8 = 1;
const FAILED: u8 = 2;

impl ConnectionActivity {
    pub(crate) fn new() -> Self {
        Self {
            shared: Arc::new(Shared {
                opened_at: Instant::now(),
                last_read: AtomicU64::new(0),
                end: AtomicU8::new(OPEN),
            }),
        }
    }

    /// When data was last received: a message, or the response to a keep-alive ping.
    #[must_use]
    pub fn last_read_at(&self) -> Instant {
        let last_read = self.shared.last_read.load(Ordering::Relaxed);
        self.shared.opened_at + std::time::Duration::from_nanos(last_read)
    }

    /// How the connection ended; `None` as long as no end was observed.
    pub(crate) fn end(&self) -> Option<ConnectionEnd> {
        match self.shared.end.load(Ordering::Relaxed) {
            OPEN => None,
            CLOSED => Some(ConnectionEnd::Closed),
            _ => Some(ConnectionEnd::Failed),
        }
    }

    fn record_read(&self) {
        let elapsed = self.shared.opened_at.elapsed().as_nanos();
        let elapsed = u64::try_from(elapsed).unwrap_or(u64::MAX);
        self.shared.last_read.store(elapsed, Ordering::Relaxed);
    }

    fn record_end(&self, end: u8) {
        self.shared.end.store(end, Ordering::Relaxed);
    }
}

impl fmt::Debug for ConnectionActivity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ConnectionActivity")
            .field("last_read_at", &self.last_read_at())
            .field("end", &self.end())
            .finish()
    }
}

/// Equal if they refer to the same connection.
impl PartialEq for ConnectionActivity {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }
}

/// A socket that records its activity.
pub(crate) struct MonitoredStream {
    stream: TcpStream,
    activity: ConnectionActivity,
}

/// The connection of a request.
#[derive(Clone)]
pub(crate) struct PeerInfo {
    pub(crate) tcp: TcpConnectInfo,
    pub(crate) activity: ConnectionActivity,
}

impl MonitoredStream {
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            activity: ConnectionActivity::new(),
        }
    }

    /// Messages are small, and their senders wait for the response. A failure costs only time.
    pub(crate) fn set_nodelay(&self) {
        let _ = self.stream.set_nodelay(true);
    }
}

impl Connected for MonitoredStream {
    type ConnectInfo = PeerInfo;

    fn connect_info(&self) -> PeerInfo {
        PeerInfo {
            tcp: self.stream.connect_info(),
            activity: self.activity.clone(),
        }
    }
}

impl AsyncRead for MonitoredStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let (before, capacity) = (buffer.filled().len(), buffer.remaining());
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        match &read {
            Poll::Ready(Ok(())) if buffer.filled().len() > before => self.activity.record_read(),
            Poll::Ready(Ok(())) if capacity > 0 => self.activity.record_end(CLOSED),
            Poll::Ready(Err(_)) => self.activity.record_end(FAILED),
            Poll::Ready(Ok(())) | Poll::Pending => {}
        }
        read
    }
}

impl AsyncWrite for MonitoredStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn data_and_the_end_are_recorded() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let address = listener.local_addr().expect("an address");
        let mut client = TcpStream::connect(address).await.expect("connected");
        let (stream, _) = listener.accept().await.expect("accepted");
        let mut monitored = MonitoredStream::new(stream);
        let activity = monitored.connect_info().activity;
        let opened_at = activity.last_read_at();

        client.write_all(b"hello").await.expect("written");
        let mut buffer = [0; 5];
        monitored.read_exact(&mut buffer).await.expect("read");
        assert!(activity.last_read_at() > opened_at);
        assert_eq!(activity.end(), None);

        drop(client);
        assert_eq!(monitored.read(&mut buffer).await.ok(), Some(0));
        assert_eq!(activity.end(), Some(ConnectionEnd::Closed));
    }
}
