//! The body of a domain's stream, filtered.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http_body::Frame;
use tokio_util::bytes::Bytes;
use tonic::Status;
use tonic::body::Body;

use super::filter::MessageFilter;

/// A body whose messages are filtered.
pub(super) struct InboundBody {
    inner: Body,
    filter: MessageFilter,
    output: VecDeque<Bytes>,
    /// Why the body ends after `output`.
    end: Option<Option<Status>>,
}

impl InboundBody {
    pub(super) fn new(inner: Body, filter: MessageFilter) -> Self {
        Self {
            inner,
            filter,
            output: VecDeque::new(),
            end: None,
        }
    }
}

impl http_body::Body for InboundBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        loop {
            if let Some(bytes) = this.output.pop_front() {
                return Poll::Ready(Some(Ok(Frame::data(bytes))));
            }
            if let Some(end) = &mut this.end {
                return Poll::Ready(end.take().map(Err));
            }
            match ready!(Pin::new(&mut this.inner).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => {
                        if let Err(status) = this.filter.push(data, &mut this.output) {
                            this.end = Some(Some(status));
                        }
                    }
                    Err(frame) => return Poll::Ready(Some(Ok(frame))),
                },
                Some(Err(status)) => this.end = Some(Some(status)),
                None => {
                    let cut = this.filter.is_inside_message();
                    this.end =
                        Some(cut.then(|| {
                            Status::invalid_argument("the stream ended inside of a message")
                        }));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;
    use prost::Message;
    use tokio_stream::StreamExt;
    use tonic::codec::{Codec, Streaming};
    use tonic_prost::ProstCodec;

    use super::super::collector::Encoding;
    use super::super::rejected::{Reason, RejectedMessage};
    use super::*;
    use crate::domain::message::REJECTED;
    use crate::framework::DomainMessage;

    const LIMIT: usize = 1000;

    fn message(id: &str, payload: &str) -> DomainMessage {
        DomainMessage {
            domain: "users".into(),
            r#type: "x_response".into(),
            payload: payload.into(),
            request_id: id.into(),
            more: false,
        }
    }

    fn framed(flag: u8, content: &[u8]) -> Vec<u8> {
        let length = u32::try_from(content.len()).expect("short").to_be_bytes();
        [&[flag][..], &length, content].concat()
    }

    fn plain(message: &DomainMessage) -> Vec<u8> {
        framed(0, &message.encode_to_vec())
    }

    /// What tonic decodes from these bytes, in pieces of `step`.
    fn receive(encoding: &str, bytes: &[u8], step: usize) -> Vec<Result<DomainMessage, Status>> {
        let chunks: Vec<_> = bytes.chunks(step).map(Bytes::copy_from_slice).collect();
        let inner = Body::new(Chunks(chunks.into()));
        let filter = MessageFilter::new(LIMIT, Encoding::parse(Some(encoding.as_bytes())));
        let body = InboundBody::new(inner, filter);
        let decoder = ProstCodec::<DomainMessage, DomainMessage>::default().decoder();
        let stream = Streaming::new_request(decoder, body, None, Some(LIMIT));
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime.expect("a runtime").block_on(stream.collect())
    }

    struct Chunks(VecDeque<Bytes>);

    impl http_body::Body for Chunks {
        type Data = Bytes;
        type Error = Status;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
            Poll::Ready(self.0.pop_front().map(|bytes| Ok(Frame::data(bytes))))
        }
    }

    #[track_caller]
    fn assert_rejected(
        received: &Result<DomainMessage, Status>,
        id: &str,
        reason: Reason,
    ) -> String {
        let message = received.as_ref().expect("a message");
        assert_eq!(
            (message.r#type.as_str(), message.request_id.as_str()),
            (REJECTED, id)
        );
        let rejected: RejectedMessage =
            serde_json::from_str(&message.payload).expect("a rejection");
        assert_eq!(rejected.reason, reason, "{rejected:?}");
        rejected.text
    }

    #[test]
    fn a_message_over_the_limit_is_replaced_and_the_next_ones_are_received() {
        let large = message("2", &"x".repeat(5000));
        let size = large.encoded_len().to_string();
        let bytes = [
            plain(&message("1", "a")),
            plain(&large),
            plain(&message("3", "b")),
        ]
        .concat();
        for step in [1, 3, 7, 100, 100_000] {
            let received = receive("identity", &bytes, step);
            assert_eq!(received.len(), 3, "in pieces of {step}");
            assert_eq!(received[0].as_ref().expect("received"), &message("1", "a"));
            let text = assert_rejected(&received[1], "2", Reason::TooLarge);
            assert!(text.contains(&size) && text.contains("1000"), "{text}");
            assert_eq!(received[2].as_ref().expect("received"), &message("3", "b"));
        }
    }

    #[test]
    fn a_message_that_is_not_utf8_or_not_protobuf_is_replaced() {
        let mut content = message("9", "PAYLOAD").encode_to_vec();
        let at = content.windows(7).position(|bytes| bytes == b"PAYLOAD");
        content[at.expect("it is there")] = 0xff;
        let bytes = [
            framed(0, &content),
            framed(0, b"\x0a\x7fx"),
            framed(0, b"\x0f"),
            plain(&message("3", "b")),
        ]
        .concat();
        for step in [1, 4, 100_000] {
            let received = receive("identity", &bytes, step);
            let text = assert_rejected(&received[0], "9", Reason::Invalid);
            assert!(text.contains("payload") && text.contains("UTF-8"), "{text}");
            assert_rejected(&received[1], "", Reason::Invalid);
            assert_rejected(&received[2], "", Reason::Invalid);
            assert_eq!(received[3].as_ref().expect("received"), &message("3", "b"));
        }
    }

    fn compressed(encoding: &str, message: &DomainMessage) -> Vec<u8> {
        let content = message.encode_to_vec();
        let content = match encoding {
            "gzip" => {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), Default::default());
                encoder.write_all(&content).expect("compressed");
                encoder.finish().expect("compressed")
            }
            "deflate" => {
                let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), Default::default());
                encoder.write_all(&content).expect("compressed");
                encoder.finish().expect("compressed")
            }
            _ => zstd::encode_all(&content[..], 3).expect("compressed"),
        };
        framed(1, &content)
    }

    #[test]
    fn compressed_messages_are_received_and_the_limit_is_that_of_their_content() {
        for encoding in ["gzip", "deflate", "zstd"] {
            let bytes = [
                compressed(encoding, &message("1", &"a".repeat(900))),
                compressed(encoding, &message("2", &"b".repeat(5000))),
                compressed(encoding, &message("3", &"c".repeat(1 << 20))),
                framed(1, b"nonsense"),
                plain(&message("4", "d")),
            ]
            .concat();
            for step in [1, 10, 100_000] {
                let received = receive(encoding, &bytes, step);
                assert_eq!(received.len(), 5, "{encoding} in pieces of {step}");
                assert_eq!(received[0].as_ref().expect("received").request_id, "1");
                assert_rejected(&received[1], "2", Reason::TooLarge);
                // Given up before its end, where the id is.
                assert_rejected(&received[2], "", Reason::TooLarge);
                assert_rejected(&received[3], "", Reason::Invalid);
                assert_eq!(received[4].as_ref().expect("received").request_id, "4");
            }
        }
    }

    #[test]
    fn a_message_in_an_unknown_encoding_is_replaced_and_named() {
        let bytes = [framed(1, b"1234"), plain(&message("2", "b"))].concat();
        for (encoding, expected) in [("snappy", "snappy"), ("identity", "grpc-encoding")] {
            let received = receive(encoding, &bytes, 3);
            let text = assert_rejected(&received[0], "", Reason::UnknownEncoding);
            assert!(text.contains(expected), "{text}");
            assert_eq!(received[1].as_ref().expect("received").request_id, "2");
        }
    }

    #[test]
    fn what_is_not_grpc_ends_the_stream() {
        let bytes = [plain(&message("1", "a")), b"\x07\0\0\0\0".to_vec()].concat();
        let received = receive("identity", &bytes, 100);
        let status = received[1].as_ref().expect_err("no flag");
        assert_eq!(status.code(), tonic::Code::InvalidArgument);
        let cut = &plain(&message("1", "a"))[..10];
        assert!(receive("identity", cut, 100)[0].is_err());
    }

    proptest! {
        #[test]
        fn valid_messages_are_received_as_they_are(
            payloads in prop::collection::vec("[a-zä€🦀]{0,100}", 0..12),
            step in 1..600_usize,
        ) {
            let sent: Vec<_> = payloads.iter().map(|payload| message("1", payload)).collect();
            let bytes: Vec<u8> = sent.iter().flat_map(plain).collect();
            let received: Vec<_> = receive("identity", &bytes, step).into_iter().map(|one| one.expect("received")).collect();
            prop_assert_eq!(received, sent);
        }

        #[test]
        fn any_bytes_are_filtered(bytes in prop::collection::vec(any::<u8>(), 0..300), step in 1..40_usize) {
            for encoding in ["identity", "gzip", "zstd", "deflate"] {
                receive(encoding, &bytes, step);
            }
        }
    }
}
