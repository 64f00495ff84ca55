//! One call over HTTP/2, with a hand-made encoding of the protocol's messages.

use std::future::poll_fn;
use std::io;

use bytes::{BufMut, Bytes, BytesMut};
use h2::client::{Builder, SendRequest};
use http::Request;
use tokio::net::TcpStream;

/// What came of a call.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Answered,
    Failed,
    /// The response is that to another call.
    Mixed,
}

/// A connection on which one kind of call is made. Clones share it.
#[derive(Clone)]
pub(crate) struct Client {
    requests: SendRequest<Bytes>,
    url: String,
    /// The message without its request id.
    message: Bytes,
}

impl Client {
    pub(crate) async fn connect(
        address: &str,
        domain: &str,
        type_: &str,
        payload: &str,
    ) -> io::Result<Self> {
        let socket = TcpStream::connect(address).await?;
        socket.set_nodelay(true)?;
        let handshake = Builder::new()
            .initial_window_size(4 << 20)
            .initial_connection_window_size(64 << 20)
            .handshake::<_, Bytes>(socket);
        let (requests, connection) = handshake.await.map_err(io::Error::other)?;
        tokio::spawn(connection);
        let mut message = BytesMut::new();
        for (field, text) in (1_u8..).zip([domain, type_, payload]) {
            put_text(field, text, &mut message);
        }
        Ok(Self {
            requests,
            url: format!("http://{address}/framework.FrameworkService/SendMessage"),
            message: message.freeze(),
        })
    }

    /// Makes a call with this request id.
    pub(crate) async fn call(&self, id: &str) -> Outcome {
        match self.try_call(id).await {
            Ok(message) if !message.contains_id(id) => Outcome::Mixed,
            Ok(message) if message.success => Outcome::Answered,
            _ => Outcome::Failed,
        }
    }

    async fn try_call(&self, id: &str) -> Result<Message, h2::Error> {
        let request = Request::post(&self.url)
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .body(());
        let request = request.expect("a valid request");
        let mut requests = self.requests.clone().ready().await?;
        let (response, mut sending) = requests.send_request(request, false)?;
        let mut data = self.frame(id);
        while !data.is_empty() {
            sending.reserve_capacity(data.len());
            let capacity = poll_fn(|context| sending.poll_capacity(context)).await;
            let Some(capacity) = capacity.transpose()? else {
                break;
            };
            let part = data.split_to(capacity.min(data.len()));
            sending.send_data(part, data.is_empty())?;
        }
        let mut body = response.await?.into_body();
        let mut received = BytesMut::new();
        while let Some(data) = body.data().await {
            let data = data?;
            body.flow_control().release_capacity(data.len())?;
            received.extend_from_slice(&data);
        }
        Ok(Message::decode(received.get(5..).unwrap_or_default()))
    }

    fn frame(&self, id: &str) -> Bytes {
        let mut tail = BytesMut::new();
        put_text(4, id, &mut tail);
        let length = self.message.len() + tail.len();
        let mut frame = BytesMut::with_capacity(5 + length);
        frame.put_u8(0);
        frame.put_u32(u32::try_from(length).expect("a message is short"));
        frame.put_slice(&self.message);
        frame.put_slice(&tail);
        frame.freeze()
    }
}

fn put_text(field: u8, text: &str, into: &mut BytesMut) {
    into.put_u8((field << 3) | 2);
    let mut number = text.len();
    while number > 127 {
        into.put_u8((number & 127) as u8 | 128);
        number >>= 7;
    }
    into.put_u8(number as u8);
    into.put_slice(text.as_bytes());
}

/// The fields of a response that are checked.
#[derive(Default)]
struct Message {
    id: Vec<u8>,
    success: bool,
}

impl Message {
    fn contains_id(&self, id: &str) -> bool {
        self.id == id.as_bytes()
    }

    fn decode(mut bytes: &[u8]) -> Self {
        let mut message = Self::default();
        while let Some(tag) = read_varint(&mut bytes) {
            let value = read_varint(&mut bytes).unwrap_or_default();
            if tag & 7 != 2 {
                message.success |= tag >> 3 == 4 && value == 1;
                continue;
            }
            let (text, rest) = bytes.split_at(value.min(bytes.len()));
            bytes = rest;
            if tag >> 3 == 3 {
                message.id = text.to_vec();
            }
        }
        message
    }
}

fn read_varint(bytes: &mut &[u8]) -> Option<usize> {
    let mut value = 0;
    for shift in (0..63).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= usize::from(byte & 127) << shift;
        if *byte < 128 {
            return Some(value);
        }
    }
    None
}
