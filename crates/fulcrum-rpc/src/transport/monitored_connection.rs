//! A connection that can be cut from outside, and that closes itself when its peer floods it.
//!
//! tonic cannot end a connection against the will of its peer: a graceful shutdown waits for
//! every stream, and a domain's stream stays open as long as its process runs. So each
//! connection has a token. Once the token is canceled, reading fails and the connection is
//! dropped.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;
use tokio_util::sync::WaitForCancellationFutureOwned;
use tonic::transport::server::Connected;

use super::connection_table::{ConnectionSlot, ConnectionState};
use super::flood_control::FrameLimiter;
use super::rate_limited_log::RateLimitedLog;

/// How the HTTP/2 preface begins.
const HTTP2: &[u8] = b"PRI ";

/// How the bytes of a connection are accounted for.
enum Accounting {
    /// By frames, whose number is limited.
    Http2(FrameLimiter),
    /// One request after the other. The bytes since the last response are those of a request that is
    /// not finished.
    Http1 { unanswered: usize },
}

/// A connection with the bytes that the handshake read put back, its slot in the connection
/// table, and the accounting of its bytes.
pub(crate) struct MonitoredConnection<S> {
    stream: S,
    /// The bytes that the handshake read.
    prefix: Vec<u8>,
    /// How many bytes of `prefix` have been returned to the reader.
    prefix_read: usize,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
    slot: ConnectionSlot,
    accounting: Accounting,
    log: RateLimitedLog,
}

impl<S> MonitoredConnection<S> {
    pub(crate) fn new(
        stream: S,
        prefix: Vec<u8>,
        slot: ConnectionSlot,
        log: RateLimitedLog,
    ) -> Self {
        let cut = slot.connection().cut().clone();
        let accounting = match prefix.starts_with(HTTP2) {
            true => Accounting::Http2(FrameLimiter::new(Instant::now())),
            false => Accounting::Http1 { unanswered: 0 },
        };
        Self {
            stream,
            prefix,
            prefix_read: 0,
            cut: Box::pin(cut.cancelled_owned()),
            slot,
            accounting,
            log,
        }
    }

    fn is_cut(&mut self, context: &mut Context<'_>) -> bool {
        self.cut.as_mut().poll(context).is_ready()
    }

    /// Accounts for bytes sent to the peer.
    fn record_write(&mut self, count: usize) {
        let answered = match &mut self.accounting {
            Accounting::Http2(limiter) => {
                limiter.on_sent(count);
                0
            }
            Accounting::Http1 { unanswered } => std::mem::take(unanswered),
        };
        self.slot.connection().release(count + answered);
    }

    /// Accounts for bytes received from the peer.
    fn inspect(&mut self, bytes: &[u8]) -> io::Result<()> {
        let limiter = match &mut self.accounting {
            Accounting::Http2(limiter) => limiter,
            Accounting::Http1 { unanswered } => {
                if *unanswered == 0 {
                    self.slot.touch();
                }
                *unanswered += bytes.len();
                self.slot.connection().hold(bytes.len());
                return Ok(());
            }
        };
        match limiter.inspect(bytes, Instant::now()) {
            Ok(stats) => {
                if stats.opened {
                    self.slot.touch();
                }
                let connection = self.slot.connection();
                if stats.in_progress > 0 && !connection.is_registered() {
                    connection.hold(stats.in_progress);
                }
                if stats.finished > 0 {
                    connection.release(stats.finished);
                }
                Ok(())
            }
            Err(flood) => {
                self.log.warn(&flood);
                Err(io::Error::new(io::ErrorKind::ConnectionAborted, flood))
            }
        }
    }
}

fn cut_error() -> io::Error {
    io::Error::new(
        io::ErrorKind::ConnectionAborted,
        "connection cut: the server is shutting down, or the connection was evicted",
    )
}

impl<S: AsyncRead + Unpin> AsyncRead for MonitoredConnection<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.is_cut(context) {
            return Poll::Ready(Err(cut_error()));
        }
        if self.prefix_read < self.prefix.len() {
            let rest = &self.prefix[self.prefix_read..];
            let count = rest.len().min(buffer.remaining());
            buffer.put_slice(&rest[..count]);
            self.prefix_read += count;
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if matches!(read, Poll::Ready(Ok(()))) {
            self.inspect(&buffer.filled()[before..])?;
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for MonitoredConnection<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.is_cut(context) {
            return Poll::Ready(Err(cut_error()));
        }
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        if let Poll::Ready(Ok(count)) = written {
            self.record_write(count);
        }
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.is_cut(context) {
            return Poll::Ready(Err(cut_error()));
        }
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        if let Poll::Ready(Ok(count)) = written {
            self.record_write(count);
        }
        written
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

impl<S: Connected> Connected for MonitoredConnection<S> {
    /// With the connection's state, so that a registered stream can pin it.
    type ConnectInfo = (S::ConnectInfo, Arc<ConnectionState>);

    fn connect_info(&self) -> Self::ConnectInfo {
        (
            self.stream.connect_info(),
            Arc::clone(self.slot.connection()),
        )
    }
}
