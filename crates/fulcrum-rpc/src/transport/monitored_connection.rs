//! A connection that can be cut from outside, and cuts itself when its peer floods it.
//!
//! tonic gives no way to end a connection whose peer won't: its graceful shutdown waits
//! for every stream, and a domain's stream is open for life. So each connection carries a
//! token; once cancelled, reading fails and the connection is dropped.

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

/// A stream with the bytes already read from it put back, the place it takes among all
/// connections, by which it is cut, and a meter of what its peer has for nothing.
pub(crate) struct MonitoredConnection<S> {
    stream: S,
    /// What was read to see what the peer speaks, and how much of it was handed on.
    prefix: Vec<u8>,
    handed_on: usize,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
    slot: ConnectionSlot,
    meter: FrameLimiter,
    complaints: RateLimitedLog,
}

impl<S> MonitoredConnection<S> {
    pub(crate) fn new(
        stream: S,
        prefix: Vec<u8>,
        slot: ConnectionSlot,
        complaints: RateLimitedLog,
    ) -> Self {
        let cut = slot.guest().cut().clone();
        Self {
            stream,
            prefix,
            handed_on: 0,
            cut: Box::pin(cut.cancelled_owned()),
            slot,
            meter: FrameLimiter::new(Instant::now()),
            complaints,
        }
    }

    fn is_cut(&mut self, context: &mut Context<'_>) -> bool {
        self.cut.as_mut().poll(context).is_ready()
    }

    /// Takes note of bytes that went.
    fn record_write(&mut self, count: usize) {
        self.meter.sent(count);
        self.slot.guest().release(count);
    }

    /// Takes note of bytes that came.
    fn inspect(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self.meter.inspect(bytes, Instant::now()) {
            Ok(seen) => {
                if seen.opened {
                    self.slot.touch();
                }
                let guest = self.slot.guest();
                if seen.in_progress > 0 && !guest.is_registered() {
                    guest.hold(seen.in_progress);
                }
                if seen.finished > 0 {
                    guest.release(seen.finished);
                }
                Ok(())
            }
            Err(flood) => {
                self.complaints.warn(&flood);
                Err(io::Error::new(io::ErrorKind::ConnectionAborted, flood))
            }
        }
    }
}

fn cut_error() -> io::Error {
    io::Error::new(
        io::ErrorKind::ConnectionAborted,
        "cut: the server shuts down, or needs the place",
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
        if self.handed_on < self.prefix.len() {
            let rest = &self.prefix[self.handed_on..];
            let count = rest.len().min(buffer.remaining());
            buffer.put_slice(&rest[..count]);
            self.handed_on += count;
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
    /// With the connection's place, for those who find that it is worth keeping.
    type ConnectInfo = (S::ConnectInfo, Arc<ConnectionState>);

    fn connect_info(&self) -> Self::ConnectInfo {
        (self.stream.connect_info(), Arc::clone(self.slot.guest()))
    }
}
