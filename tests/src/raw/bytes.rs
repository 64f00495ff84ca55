//! Bytes that are not HTTP/2.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Connects and sends these bytes. Returns what is received until the peer closes the connection,
/// or sends nothing for two seconds.
///
/// # Panics
/// When the connection is refused.
pub fn send(address: &str, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).expect("the gRPC port is open");
    stream
        .set_read_timeout(Some(Duration::from_secs(2)))
        .expect("a timeout can be set");
    // The peer may close the connection midway.
    let _ = stream.write_all(bytes);
    let mut response = Vec::new();
    let _ = stream.read_to_end(&mut response);
    response
}

/// `count` pseudo-random bytes, the same in every run.
pub fn pseudo_random(count: u32) -> Vec<u8> {
    (0..count)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect()
}

/// `count` bytes from the system's source of randomness.
pub fn random(count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    let source = std::fs::File::open("/dev/urandom");
    source
        .and_then(|mut source| source.read_exact(&mut bytes))
        .expect("randomness");
    bytes
}

/// The first message of a TLS handshake.
pub fn tls_hello() -> Vec<u8> {
    let mut hello = vec![0x03, 0x03];
    hello.extend([0x5a; 32]);
    hello.extend([0, 0, 2, 0x13, 0x01, 1, 0]);
    let mut handshake = vec![1, 0];
    handshake.extend(
        u16::try_from(hello.len())
            .expect("it is short")
            .to_be_bytes(),
    );
    handshake.extend(hello);
    let mut record = vec![0x16, 0x03, 0x01];
    record.extend(
        u16::try_from(handshake.len())
            .expect("it is short")
            .to_be_bytes(),
    );
    record.extend(handshake);
    record
}
