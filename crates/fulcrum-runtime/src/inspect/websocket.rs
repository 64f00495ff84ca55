//! As much of the WebSocket protocol (RFC 6455) as Node's inspector speaks, over the loopback.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// The longest message that is read. A Node report has some hundred kilobytes.
const LONGEST: u64 = 8 * 1024 * 1024;

/// The longest answer to the upgrade, in bytes.
const LONGEST_HEAD: usize = 4 * 1024;

const TEXT: u8 = 1;
const CLOSE: u8 = 8;
const FINAL: u8 = 0x80;
const MASKED: u8 = 0x80;

/// A connection on which texts are exchanged.
#[derive(Debug)]
pub(crate) struct WebSocket {
    stream: BufReader<TcpStream>,
}

impl WebSocket {
    /// Connects to a URL such as `ws://127.0.0.1:9229/4b0d…`.
    ///
    /// The URL was printed by a program, so it may be anything: only this machine is dialled.
    ///
    /// # Errors
    /// It is no such URL, or nobody speaks the protocol there.
    pub(crate) async fn connect(url: &str) -> io::Result<Self> {
        let (address, path) = parse(url).ok_or_else(|| odd("no address on this machine"))?;
        let stream = TcpStream::connect(address).await?;
        let mut stream = BufReader::new(stream);
        // The key only proves that the server knows the protocol, which its frames do too.
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        );
        stream.get_mut().write_all(request.as_bytes()).await?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            if head.len() == LONGEST_HEAD {
                return Err(odd("an endless answer"));
            }
            head.push(stream.read_u8().await?);
        }
        if !head.starts_with(b"HTTP/1.1 101 ") {
            return Err(odd("no WebSocket"));
        }
        Ok(Self { stream })
    }

    /// Sends a text.
    pub(crate) async fn send(&mut self, text: &str) -> io::Result<()> {
        self.stream.get_mut().write_all(&frame(text)).await
    }

    /// The next text; an error where the other side has ended it.
    pub(crate) async fn receive(&mut self) -> io::Result<String> {
        let mut text = Vec::new();
        loop {
            let [first, second] = [self.stream.read_u8().await?, self.stream.read_u8().await?];
            let length = match second & !MASKED {
                126 => u64::from(self.stream.read_u16().await?),
                127 => self.stream.read_u64().await?,
                short => u64::from(short),
            };
            if length + text.len() as u64 > LONGEST || second & MASKED != 0 {
                return Err(odd("a frame that no server sends"));
            }
            let opcode = first & 0x0f;
            let before = text.len();
            (&mut self.stream)
                .take(length)
                .read_to_end(&mut text)
                .await?;
            if opcode == CLOSE || ((text.len() - before) as u64) < length {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            // Pings and pongs come between the parts of a message, and mean nothing here.
            if opcode > CLOSE {
                text.truncate(before);
            } else if first & FINAL != 0 {
                return String::from_utf8(text).map_err(|_| odd("a text that is none"));
            }
        }
    }
}

/// One text as a client's frame. The mask that clients have to use is there against proxies; over
/// the loopback it may be zero, which changes nothing.
fn frame(text: &str) -> Vec<u8> {
    let mut bytes = vec![FINAL | TEXT];
    match text.len() {
        short @ 0..=125 => bytes.push(MASKED | u8::try_from(short).unwrap_or_default()),
        medium @ 126..=0xffff => {
            bytes.push(MASKED | 126);
            bytes.extend(u16::try_from(medium).unwrap_or_default().to_be_bytes());
        }
        long => {
            bytes.push(MASKED | 127);
            bytes.extend((long as u64).to_be_bytes());
        }
    }
    bytes.extend([0; 4]);
    bytes.extend(text.as_bytes());
    bytes
}

fn parse(url: &str) -> Option<(SocketAddr, &str)> {
    let rest = url.strip_prefix("ws://")?;
    let at = rest.find('/')?;
    let address: SocketAddr = rest[..at].parse().ok()?;
    let path = &rest[at..];
    let plain = path.bytes().all(|byte| byte.is_ascii_graphic());
    (plain && address.ip().is_loopback()).then_some((address, path))
}

fn odd(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[test]
    fn only_this_machine_is_dialled() {
        let good = parse("ws://127.0.0.1:9229/ab-c");
        assert_eq!(good, Some((([127, 0, 0, 1], 9229).into(), "/ab-c")));
        assert!(parse("ws://[::1]:9229/x").is_some());
        for odd in [
            "ws://192.0.2.1:9229/x",
            "ws://localhost:9229/x",
            "http://127.0.0.1:9229/x",
            "ws://127.0.0.1:9229",
            "ws://127.0.0.1:9229/x\r\nEvil: 1",
            "",
        ] {
            assert_eq!(parse(odd), None, "{odd:?}");
        }
    }

    #[test]
    fn a_text_is_framed_by_its_length() {
        assert_eq!(frame("hi"), [0x81, 0x82, 0, 0, 0, 0, b'h', b'i']);
        assert_eq!(frame(&"x".repeat(200))[1..4], [0xfe, 0, 200]);
        assert_eq!(
            frame(&"x".repeat(70_000))[1..10],
            [0xff, 0, 0, 0, 0, 0, 1, 17, 112]
        );
    }

    #[tokio::test]
    async fn parts_pings_and_the_end_are_understood() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let url = format!("ws://{}/x", listener.local_addr().expect("an address"));
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("accepted");
            let mut request = [0; 1024];
            let length = stream.read(&mut request).await.expect("read");
            assert!(request[..length].starts_with(b"GET /x HTTP/1.1\r\n"));
            let head = b"HTTP/1.1 101 Switching Protocols\r\n\r\n";
            let frames: [&[u8]; 5] = [
                head,
                &[0x01, 2, b'h', b'e'],
                &[0x89, 1, b'?'],
                &[0x80, 3, b'l', b'l', b'o'],
                &[0x88, 0],
            ];
            stream.write_all(&frames.concat()).await.expect("written");
        });
        let mut socket = WebSocket::connect(&url).await.expect("connected");
        assert_eq!(socket.receive().await.expect("a text"), "hello");
        assert!(socket.receive().await.is_err());
        server.await.expect("served");
    }
}
