//! What passes over a connection, whoever it belongs to: when something last came, and how it
//! ended.
//!
//! h2 tells a stream neither: a client that closes its connection, one that is lost, and one that
//! answers no keep-alive ping all look alike from within. The socket knows.

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

/// The signs of life of one connection. Clones tell of the same one.
#[derive(Clone)]
pub struct ConnectionActivity {
    shared: Arc<Shared>,
}

struct Shared {
    begun: Instant,
    /// Nanoseconds from `begun` to the last bytes.
    last: AtomicU64,
    end: AtomicU8,
}

/// How the peer's end of a connection was seen to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ConnectionEnd {
    /// It was closed in order, by the peer or its kernel.
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
                begun: Instant::now(),
                last: AtomicU64::new(0),
                end: AtomicU8::new(OPEN),
            }),
        }
    }

    /// When something last came from the peer: a message, or the answer to a keep-alive ping.
    #[must_use]
    pub fn last_read_at(&self) -> Instant {
        let last = self.shared.last.load(Ordering::Relaxed);
        self.shared.begun + std::time::Duration::from_nanos(last)
    }

    /// How it went, if that was seen.
    pub(crate) fn gone(&self) -> Option<ConnectionEnd> {
        match self.shared.end.load(Ordering::Relaxed) {
            OPEN => None,
            CLOSED => Some(ConnectionEnd::Closed),
            _ => Some(ConnectionEnd::Failed),
        }
    }

    fn record_read(&self) {
        let since = self.shared.begun.elapsed().as_nanos();
        let since = u64::try_from(since).unwrap_or(u64::MAX);
        self.shared.last.store(since, Ordering::Relaxed);
    }

    fn end(&self, how: u8) {
        self.shared.end.store(how, Ordering::Relaxed);
    }
}

impl fmt::Debug for ConnectionActivity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Activity")
            .field("last_heard", &self.last_read_at())
            .field("gone", &self.gone())
            .finish()
    }
}

/// The same connection.
impl PartialEq for ConnectionActivity {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }
}

/// A socket that notes what comes.
pub(crate) struct MonitoredStream {
    stream: TcpStream,
    activity: ConnectionActivity,
}

/// What the requests of a connection know of it.
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

    /// Messages are small and awaited; that it fails costs only time.
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
        let (before, room) = (buffer.filled().len(), buffer.remaining());
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        match &read {
            Poll::Ready(Ok(())) if buffer.filled().len() > before => self.activity.record_read(),
            Poll::Ready(Ok(())) if room > 0 => self.activity.end(CLOSED),
            Poll::Ready(Err(_)) => self.activity.end(FAILED),
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
    async fn bytes_and_the_end_are_noted() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let address = listener.local_addr().expect("an address");
        let mut client = TcpStream::connect(address).await.expect("connected");
        let (stream, _) = listener.accept().await.expect("accepted");
        let mut watched = MonitoredStream::new(stream);
        let activity = watched.connect_info().activity;
        let begun = activity.last_read_at();

        client.write_all(b"hello").await.expect("written");
        let mut buffer = [0; 5];
        watched.read_exact(&mut buffer).await.expect("read");
        assert!(activity.last_read_at() > begun);
        assert_eq!(activity.gone(), None);

        drop(client);
        assert_eq!(watched.read(&mut buffer).await.ok(), Some(0));
        assert_eq!(activity.gone(), Some(ConnectionEnd::Closed));
    }
}
