//! The body of a call, which is one message.
//!
//! tonic refuses a message that is too large as soon as it has seen its length, and HTTP/2 then
//! resets the stream. Clients that are still sending, such as those of Node, lose the response by
//! that and never get one. So such a message is read and dropped before it is refused.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http_body::{Frame, SizeHint};
use tokio_util::bytes::Bytes;
use tonic::Status;
use tonic::body::Body;

use super::collector::PREFIX;

/// How much of a message that is too large is read before it is refused: as a multiple of the limit.
pub(crate) const MAX_READ: usize = 4;

/// A body that refuses a message over the limit at its end.
pub(super) struct CallBody {
    inner: Body,
    /// The most bytes of a message.
    limit: usize,
    /// The first bytes of the message, of which some are there.
    prefix: [u8; PREFIX],
    prefix_read: usize,
    /// The bytes that were dropped, once it is known that the message is too large.
    dropped: Option<usize>,
}

impl CallBody {
    pub(super) fn new(inner: Body, limit: usize) -> Self {
        Self {
            inner,
            limit,
            prefix: [0; PREFIX],
            prefix_read: 0,
            dropped: None,
        }
    }

    /// The length of the message, once it is known.
    fn length(&self) -> Option<usize> {
        let [_, length @ ..] = self.prefix;
        (self.prefix_read == PREFIX).then(|| u32::from_be_bytes(length) as usize)
    }

    /// Notes the next bytes. True if they are passed on.
    fn inspect(&mut self, bytes: &[u8]) -> bool {
        if let Some(dropped) = &mut self.dropped {
            *dropped += bytes.len();
            return false;
        }
        if self.prefix_read == PREFIX {
            return true;
        }
        let count = (PREFIX - self.prefix_read).min(bytes.len());
        self.prefix[self.prefix_read..self.prefix_read + count].copy_from_slice(&bytes[..count]);
        self.prefix_read += count;
        if self.length().is_some_and(|length| length > self.limit) {
            self.dropped = Some(bytes.len());
            return false;
        }
        true
    }

    /// The refusal, if enough was dropped or nothing more comes.
    fn refusal(&self, ended: bool) -> Option<Status> {
        let (dropped, limit) = (self.dropped?, self.limit);
        (ended || dropped > limit.saturating_mul(MAX_READ)).then(|| {
            Status::resource_exhausted(format!(
                "the message has {} bytes, and the limit is {limit} bytes (runtime.grpc.max_message)",
                self.length().unwrap_or(dropped)
            ))
        })
    }
}

impl http_body::Body for CallBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        loop {
            let frame = match ready!(Pin::new(&mut self.inner).poll_frame(context)) {
                Some(Ok(frame)) => frame,
                other => {
                    let refusal = self.refusal(true).map(Err);
                    return Poll::Ready(refusal.or(other));
                }
            };
            if frame.data_ref().is_none_or(|bytes| self.inspect(bytes)) {
                return Poll::Ready(Some(Ok(frame)));
            }
            if let Some(status) = self.refusal(false) {
                return Poll::Ready(Some(Err(status)));
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.dropped.is_none() && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::convert::Infallible;
    use std::future::poll_fn;

    use super::*;

    struct Chunks(VecDeque<Bytes>);

    impl http_body::Body for Chunks {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Ready(self.0.pop_front().map(|bytes| Ok(Frame::data(bytes))))
        }
    }

    /// What is passed on of a message of this length, in pieces of `step` bytes; and the refusal.
    async fn pass(length: usize, limit: usize, step: usize) -> (usize, Option<Status>) {
        let mut bytes = vec![0];
        bytes.extend_from_slice(&(length as u32).to_be_bytes());
        bytes.resize(PREFIX + length, b'x');
        let chunks = bytes.chunks(step).map(Bytes::copy_from_slice).collect();
        let mut body = CallBody::new(Body::new(Chunks(chunks)), limit);
        let mut passed = 0;
        loop {
            let next = poll_fn(|context| http_body::Body::poll_frame(Pin::new(&mut body), context));
            match next.await {
                Some(Ok(frame)) => passed += frame.data_ref().map_or(0, Bytes::len),
                Some(Err(status)) => return (passed, Some(status)),
                None => return (passed, None),
            }
        }
    }

    #[tokio::test]
    async fn a_message_within_the_limit_is_passed_on() {
        for step in [1, 3, 5, 1000] {
            let (passed, refusal) = pass(100, 100, step).await;
            assert_eq!(passed, PREFIX + 100);
            assert!(refusal.is_none(), "{refusal:?}");
        }
    }

    #[tokio::test]
    async fn a_message_over_the_limit_is_refused_with_its_size_at_its_end() {
        for (length, step) in [(101, 1), (101, 5), (200, 1000), (10_000, 10)] {
            let (passed, refusal) = pass(length, 100, step).await;
            assert!(passed < PREFIX, "{passed}");
            let refusal = refusal.expect("too large");
            assert_eq!(refusal.code(), tonic::Code::ResourceExhausted);
            let size = format!("{length} bytes");
            assert!(refusal.message().contains(&size), "{refusal}");
        }
    }
}
