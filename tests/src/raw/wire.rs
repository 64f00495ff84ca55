//! Hand-made HTTP/2: frames that no library would send.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The types of frames (RFC 9113, section 6).
pub mod kind {
    #![expect(missing_docs, reason = "the names are those of the RFC")]
    pub const DATA: u8 = 0;
    pub const HEADERS: u8 = 1;
    pub const RST_STREAM: u8 = 3;
    pub const SETTINGS: u8 = 4;
    pub const PING: u8 = 6;
    pub const GOAWAY: u8 = 7;
    pub const WINDOW_UPDATE: u8 = 8;
    pub const CONTINUATION: u8 = 9;
}

const ACK: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// One received frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// See [`kind`].
    pub kind: u8,
    /// Its flags.
    pub flags: u8,
    /// Its stream; 0 is the connection.
    pub stream: u32,
    /// Its payload.
    pub payload: Vec<u8>,
}

/// How the peer ended a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionEnd {
    /// With a GOAWAY frame, with this code (RFC 9113, section 7).
    GoAway(u32),
    /// Without one.
    Closed,
}

/// A connection that sends arbitrary frames.
#[derive(Debug)]
pub struct Wire {
    socket: TcpStream,
    next_stream: u32,
    /// Flow-control windows of the peer: of the connection, and the initial one of a stream.
    window: i64,
    stream_window: i64,
    /// Frames received while waiting for a window update.
    pending: VecDeque<Frame>,
}

impl Wire {
    /// Connects and sends preface and settings as a client should.
    ///
    /// # Errors
    /// The connection is refused, or closed at once.
    pub fn connect(address: &str) -> io::Result<Self> {
        Self::handshake(address, &[])
    }

    /// Connects with an initial window of 0: the peer cannot send data on any stream.
    ///
    /// # Errors
    /// As [`Wire::connect`].
    pub fn without_window(address: &str) -> io::Result<Self> {
        // SETTINGS_INITIAL_WINDOW_SIZE = 0
        Self::handshake(address, &[0, 4, 0, 0, 0, 0])
    }

    fn handshake(address: &str, settings: &[u8]) -> io::Result<Self> {
        let mut socket = TcpStream::connect(address)?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(Duration::from_secs(10)))?;
        socket.set_write_timeout(Some(Duration::from_secs(10)))?;
        let hello = [PREFACE, &frame(kind::SETTINGS, 0, 0, settings)].concat();
        socket.write_all(&hello)?;
        Ok(Self {
            socket,
            next_stream: 1,
            window: 65_535,
            stream_window: 65_535,
            pending: VecDeque::new(),
        })
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// The peer closed the connection, or received nothing for ten seconds.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.socket.write_all(bytes)
    }

    /// The number of the next stream, and the frame that opens it: a gRPC request without messages.
    pub fn request(&mut self, path: &str, token: Option<&str>) -> (u32, Vec<u8>) {
        let stream = self.next_stream;
        self.next_stream += 2;
        let mut block = Vec::new();
        for (name, value) in [
            (":method", "POST"),
            (":scheme", "http"),
            (":path", path),
            (":authority", "localhost"),
            ("content-type", "application/grpc"),
            ("te", "trailers"),
        ] {
            block.extend(header(name, value));
        }
        if let Some(token) = token {
            block.extend(header("x-fulcrum-token", token));
        }
        (stream, frame(kind::HEADERS, END_HEADERS, stream, &block))
    }

    /// Opens a stream and sends one message on it, within the flow-control window.
    ///
    /// # Errors
    /// As [`Wire::send`].
    pub fn send_request(
        &mut self,
        path: &str,
        token: Option<&str>,
        message: &[u8],
    ) -> io::Result<u32> {
        let body = [&grpc_head(message.len())[..], message].concat();
        let last = if path.ends_with("DomainCommunication") {
            0
        } else {
            END_STREAM
        };
        self.open(path, token, &body, last)
    }

    /// Opens a stream and sends `body` on it, without ending it.
    ///
    /// # Errors
    /// As [`Wire::send`].
    pub fn start_request(
        &mut self,
        path: &str,
        token: Option<&str>,
        body: &[u8],
    ) -> io::Result<u32> {
        self.open(path, token, body, 0)
    }

    fn open(&mut self, path: &str, token: Option<&str>, body: &[u8], last: u8) -> io::Result<u32> {
        let (stream, mut bytes) = self.request(path, token);
        // Every peer accepts frames of 16 KiB.
        let mut chunks = body.chunks(16_384).peekable();
        let mut granted = 0;
        let mut sent = 0;
        while let Some(chunk) = chunks.next() {
            let flags = if chunks.peek().is_none() { last } else { 0 };
            let size = i64::try_from(chunk.len()).unwrap_or(i64::MAX);
            while self.window < size || self.stream_window + granted - sent < size {
                self.send(&std::mem::take(&mut bytes))?;
                let frame = self.read_frame()?;
                // The peer's settings apply once they are acknowledged.
                self.answer_control_frame(&frame);
                if frame.kind == kind::WINDOW_UPDATE && frame.stream == stream {
                    granted += increment(&frame);
                }
                self.pending.push_back(frame);
            }
            self.window -= size;
            sent += size;
            bytes.extend(frame(kind::DATA, flags, stream, chunk));
        }
        self.send(&bytes)?;
        Ok(stream)
    }

    /// Registers as a domain, and returns the text of the response.
    ///
    /// # Errors
    /// As [`Wire::read`], or the stream was closed.
    pub fn register(&mut self, name: &str, token: Option<&str>) -> io::Result<String> {
        let payload = format!(r#"{{"domain":"{name}","capabilities":["heartbeat"]}}"#);
        let register = message(name, "domain_register", &payload, "1");
        let path = "/framework.FrameworkService/DomainCommunication";
        let stream = self.send_request(path, token, &register)?;
        loop {
            let frame = self.read()?;
            let wait_end = frame.kind == kind::HEADERS && frame.flags & END_STREAM != 0;
            if frame.stream == stream && (wait_end || frame.kind == kind::RST_STREAM) {
                return Err(io::Error::from(io::ErrorKind::PermissionDenied));
            }
            if frame.stream == stream && frame.kind == kind::DATA {
                return Ok(String::from_utf8_lossy(&frame.payload).into_owned());
            }
        }
    }

    /// Reads one frame, without responding to it.
    ///
    /// # Errors
    /// The peer closed the connection, or sent nothing for ten seconds.
    pub fn read(&mut self) -> io::Result<Frame> {
        match self.pending.pop_front() {
            Some(frame) => Ok(frame),
            None => self.read_frame(),
        }
    }

    fn read_frame(&mut self) -> io::Result<Frame> {
        let mut head = [0; 9];
        self.socket.read_exact(&mut head)?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; length as usize];
        self.socket.read_exact(&mut payload)?;
        let frame = Frame {
            kind: head[3],
            flags: head[4],
            stream: u32::from_be_bytes([head[5], head[6], head[7], head[8]]) & 0x7fff_ffff,
            payload,
        };
        if frame.kind == kind::WINDOW_UPDATE && frame.stream == 0 {
            self.window += increment(&frame);
        }
        if frame.kind == kind::SETTINGS {
            // SETTINGS_INITIAL_WINDOW_SIZE
            let setting = frame
                .payload
                .chunks_exact(6)
                .find(|setting| setting[..2] == [0, 4]);
            let value = setting.and_then(|setting| setting[2..].try_into().ok());
            self.stream_window =
                value.map_or(self.stream_window, |value| u32::from_be_bytes(value).into());
        }
        Ok(frame)
    }

    /// Reads and acknowledges control frames, as a client should, until the peer ends the connection.
    ///
    /// # Errors
    /// The peer sent nothing for ten seconds.
    pub fn wait_end(&mut self) -> io::Result<ConnectionEnd> {
        let mut end = ConnectionEnd::Closed;
        loop {
            match self.read() {
                Ok(frame) if frame.kind == kind::GOAWAY => end = goaway(&frame),
                Ok(frame) => self.answer_control_frame(&frame),
                Err(error) if is_timeout(&error) => return Err(error),
                Err(_) => return Ok(end),
            }
        }
    }

    /// Reads without responding until the peer ends the connection.
    ///
    /// # Errors
    /// As [`Wire::wait_end`].
    pub fn drain_until_end(&mut self) -> io::Result<ConnectionEnd> {
        let mut end = ConnectionEnd::Closed;
        loop {
            match self.read() {
                Ok(frame) if frame.kind == kind::GOAWAY => end = goaway(&frame),
                Ok(_) => {}
                Err(error) if is_timeout(&error) => return Err(error),
                Err(_) => return Ok(end),
            }
        }
    }

    /// Closes both directions, for a cloned handle too.
    pub fn close(&self) {
        // It may be closed already.
        let _ = self.socket.shutdown(std::net::Shutdown::Both);
    }

    /// Acknowledges a ping or settings. Errors are ignored: the next read has them.
    pub fn answer_control_frame(&mut self, frame: &Frame) {
        if frame.flags & ACK == 0 && [kind::PING, kind::SETTINGS].contains(&frame.kind) {
            let payload = if frame.kind == kind::PING {
                &frame.payload[..]
            } else {
                &[]
            };
            let _ = self.send(&self::frame(frame.kind, ACK, 0, payload));
        }
    }

    /// Gives the connection back the room that the data of a frame has taken, without which the peer
    /// sends no more after 64 KiB. Errors are ignored: the next read has them.
    pub fn give_back_room(&mut self, frame: &Frame) {
        let taken = u32::try_from(frame.payload.len()).unwrap_or(0);
        if frame.kind == kind::DATA && taken > 0 {
            let _ = self.send(&self::frame(
                kind::WINDOW_UPDATE,
                0,
                0,
                &taken.to_be_bytes(),
            ));
        }
    }

    /// Another handle to the same connection, to read while the first one writes.
    ///
    /// # Errors
    /// No file descriptor is left.
    pub fn try_clone(&self) -> io::Result<Self> {
        let socket = self.socket.try_clone()?;
        Ok(Self {
            socket,
            pending: VecDeque::new(),
            ..*self
        })
    }
}

fn increment(frame: &Frame) -> i64 {
    let value = frame.payload[..].try_into();
    value.map_or(0, |value| u32::from_be_bytes(value).into())
}

fn goaway(frame: &Frame) -> ConnectionEnd {
    let code = frame
        .payload
        .get(4..8)
        .and_then(|code| code.try_into().ok());
    ConnectionEnd::GoAway(code.map_or(0, u32::from_be_bytes))
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
    )
}

/// A frame.
///
/// # Panics
/// When the payload is longer than a frame can be.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a frame's length has 24 bits");
    assert!(length < 1 << 24, "a frame's length has 24 bits");
    let mut frame = length.to_be_bytes()[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// The prefix of a gRPC message of this length.
pub fn grpc_head(length: usize) -> [u8; 5] {
    let [a, b, c, d] = u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
    [0, a, b, c, d]
}

/// A `DomainMessage`.
pub fn message(domain: &str, type_: &str, payload: &str, request_id: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (number, text) in [(1, domain), (2, type_), (3, payload), (4, request_id)] {
        bytes.push(number << 3 | 2);
        let mut length = text.len();
        while length > 127 {
            bytes.push((length & 127) as u8 | 128);
            length >>= 7;
        }
        bytes.push(length as u8);
        bytes.extend(text.as_bytes());
    }
    bytes
}

/// A header as a literal without indexing (RFC 7541, section 6.2.2).
fn header(name: &str, value: &str) -> Vec<u8> {
    let mut bytes = vec![0];
    for text in [name, value] {
        let length = u8::try_from(text.len()).ok().filter(|length| *length < 127);
        bytes.push(length.expect("headers of these tests are short"));
        bytes.extend(text.as_bytes());
    }
    bytes
}
