//! Connections with another protocol, or without any data.

use std::time::Duration;

use fulcrum_rpc::framework::framework_service_client::FrameworkServiceClient;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{Server, message, soon};

async fn connect(server: &Server) -> TcpStream {
    TcpStream::connect(&server.address)
        .await
        .expect("connected")
}

/// Reads until the server closes the connection.
async fn read_to_end(mut stream: TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    // A reset is an end, too.
    let _ = soon("the end of the connection", stream.read_to_end(&mut bytes)).await;
    bytes
}

#[tokio::test]
async fn connections_with_another_protocol_are_closed_at_once_without_effect_on_domains() {
    let server = Server::start().await;
    let mut users = server.join("users", Some("token-1")).await;
    let start = tokio::time::Instant::now();
    for bytes in [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".as_slice(),
        b"\x00\xff\x7f\x13",
        b"PRI * HTTP/2.0\r\n\r\nXX",
    ] {
        let mut stream = connect(&server).await;
        stream.write_all(bytes).await.expect("written");
        assert!(read_to_end(stream).await.is_empty());
    }
    assert!(
        start.elapsed() < Duration::from_secs(3),
        "{:?}",
        start.elapsed()
    );
    let mut stream = connect(&server).await;
    let request = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    stream.write_all(request).await.expect("written");
    let response = String::from_utf8(read_to_end(stream).await).expect("text");
    assert!(response.starts_with("HTTP/1.1 426 "), "{response}");
    assert!(response.contains("Upgrade: h2c\r\n"), "{response}");
    // Malformed frames after the preface are an HTTP/2 error of that connection alone.
    let mut stream = connect(&server).await;
    stream
        .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        .await
        .expect("written");
    stream.write_all(&[0xff; 64]).await.expect("written");
    read_to_end(stream).await;

    users.send("users", "db_find", "{}", "7");
    assert_eq!(users.recv().await.expect("a response").request_id, "7");
    server.stop().await;
}

#[tokio::test]
async fn idle_connections_do_not_prevent_a_registration() {
    let server = Server::start().await;
    let mut idle = Vec::new();
    // More than the limit before the preface. Each takes two descriptors of this process.
    for _ in 0..400 {
        match TcpStream::connect(&server.address).await {
            Ok(stream) => idle.push(stream),
            Err(_) => break,
        }
    }
    let mut users = server.join("users", Some("token-1")).await;
    users.send("users", "db_find", "{}", "7");
    assert_eq!(users.recv().await.expect("a response").request_id, "7");
    drop(idle);
    server.stop().await;
}

#[tokio::test]
async fn a_declared_length_of_two_gigabytes_is_rejected_at_once() {
    use tonic::body::Body;
    use tower::{Service, ServiceExt};

    let server = Server::start().await;
    let mut channel = server.channel().await;
    // The header of a message without its body: not compressed, 0x7f7f7f7f bytes long.
    let head = String::from_utf8(vec![0, 0x7f, 0x7f, 0x7f, 0x7f]).expect("ASCII");
    let request = http::Request::post("/framework.FrameworkService/SendMessage")
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(Body::new(head))
        .expect("a request");
    let call = async { channel.ready().await?.call(request).await };
    let response = soon("a status", call).await.expect("a response");
    let status = response
        .headers()
        .get("grpc-status")
        .expect("an error at once");
    assert_eq!(status, "8", "RESOURCE_EXHAUSTED");

    let mut client = FrameworkServiceClient::new(channel);
    let call = client.send_message(message("users", "x_request", "", "2"));
    let response = soon("a response", call)
        .await
        .expect("the connection is still open");
    assert_eq!(response.into_inner().request_id, "2");
    server.stop().await;
}
