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

use super::complaints::Complaints;
use super::guests::{Guest, Seat};
use super::meter::Meter;

/// A stream with the bytes already read from it put back, the place it takes among all
/// connections, by which it is cut, and a meter of what its peer has for nothing.
pub(crate) struct Guarded<S> {
    stream: S,
    /// What was read to see what the peer speaks, and how much of it was handed on.
    prefix: Vec<u8>,
    handed_on: usize,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
    seat: Seat,
    meter: Meter,
    complaints: Complaints,
}

impl<S> Guarded<S> {
    pub(crate) fn new(stream: S, prefix: Vec<u8>, seat: Seat, complaints: Complaints) -> Self {
        let cut = seat.guest().cut().clone();
        Self {
            stream,
            prefix,
            handed_on: 0,
            cut: Box::pin(cut.cancelled_owned()),
            seat,
            meter: Meter::new(Instant::now()),
            complaints,
        }
    }

    fn is_cut(&mut self, context: &mut Context<'_>) -> bool {
        self.cut.as_mut().poll(context).is_ready()
    }

    /// Takes note of bytes that went.
    fn went(&mut self, count: usize) {
        self.meter.sent(count);
        self.seat.guest().release(count);
    }

    /// Takes note of bytes that came.
    fn look(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self.meter.look(bytes, Instant::now()) {
            Ok(seen) => {
                if seen.asked {
                    self.seat.asks();
                }
                let guest = self.seat.guest();
                if seen.begun > 0 && !guest.is_registered() {
                    guest.hold(seen.begun);
                }
                if seen.finished > 0 {
                    guest.release(seen.finished);
                }
                Ok(())
            }
            Err(flood) => {
                self.complaints.complain(&flood);
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

impl<S: AsyncRead + Unpin> AsyncRead for Guarded<S> {
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
            self.look(&buffer.filled()[before..])?;
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
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
            self.went(count);
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
            self.went(count);
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

impl<S: Connected> Connected for Guarded<S> {
    /// With the connection's place, for those who find that it is worth keeping.
    type ConnectInfo = (S::ConnectInfo, Arc<Guest>);

    fn connect_info(&self) -> Self::ConnectInfo {
        (self.stream.connect_info(), Arc::clone(self.seat.guest()))
    }
}
