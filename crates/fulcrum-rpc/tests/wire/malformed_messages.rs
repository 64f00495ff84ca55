//! Messages that cannot be decoded.

use http::uri::PathAndQuery;
use tokio_stream::StreamExt;
use tokio_util::bytes::BufMut;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::{Code, Request, Status};

use crate::harness::{Server, soon};

/// Sends bytes unchanged and ignores responses.
#[derive(Default)]
struct Raw;

impl Codec for Raw {
    type Encode = &'static [u8];
    type Decode = ();
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = &'static [u8];
    type Error = Status;

    fn encode(&mut self, bytes: Self::Item, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put_slice(bytes);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = ();
    type Error = Status;

    fn decode(&mut self, _: &mut DecodeBuf<'_>) -> Result<Option<()>, Status> {
        Ok(None)
    }
}

async fn status_of(server: &Server, method: &str, message: &'static [u8]) -> Status {
    let mut client = tonic::client::Grpc::new(server.channel().await);
    client.ready().await.expect("connected");
    let path = format!("/framework.FrameworkService/{method}");
    let path = PathAndQuery::try_from(path).expect("a path");
    let messages = tokio_stream::once(message).chain(tokio_stream::pending());
    let call = async {
        if method == "SendMessage" {
            let request = Request::new(message);
            return client.unary(request, path, Raw).await.map(|_| ());
        }
        let request = Request::new(messages);
        let mut responses = client.streaming(request, path, Raw).await?.into_inner();
        responses.message().await.map(|_| ())
    };
    soon("a status", call)
        .await
        .expect_err("it cannot be decoded")
}

#[tokio::test]
async fn a_message_that_cannot_be_decoded_is_an_invalid_argument() {
    let server = Server::start().await;
    let mut users = server.join("users", Some("token-1")).await;
    for method in ["SendMessage", "DomainCommunication"] {
        for message in [
            // Not UTF-8, shorter than its length, unknown wire type, a number instead of a text.
            &b"\x0a\x02\xff\xfe"[..],
            b"\x0a\x7fx",
            b"\x0f",
            b"\x08\x01",
        ] {
            let status = status_of(&server, method, message).await;
            assert_eq!(
                status.code(),
                Code::InvalidArgument,
                "{method} of {message:?}: {status}"
            );
        }
    }
    users.send("users", "db_find", "{}", "7");
    assert_eq!(users.recv().await.expect("a response").request_id, "7");
    server.stop().await;
}
