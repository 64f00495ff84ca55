//! Those who connect and don't speak the protocol.

use std::time::Duration;

use fulcrum_rpc::framework::framework_service_client::FrameworkServiceClient;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{Server, message, soon};

async fn dial(server: &Server) -> TcpStream {
    TcpStream::connect(&server.address)
        .await
        .expect("connected")
}

/// Reads until the other side closes.
async fn read_to_end(mut stream: TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    // A reset is an end too.
    let _ = soon("the end of the connection", stream.read_to_end(&mut bytes)).await;
    bytes
}

#[tokio::test]
async fn garbage_is_closed_at_once_and_domains_go_on() {
    let server = Server::start().await;
    let mut users = server.join("users", Some("token-1")).await;
    let start = tokio::time::Instant::now();
    for bytes in [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".as_slice(),
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\x00\xff\x7f\x13",
        b"PRI * HTTP/2.0\r\n\r\nXX",
    ] {
        let mut stream = dial(&server).await;
        stream.write_all(bytes).await.expect("written");
        assert!(read_to_end(stream).await.is_empty());
    }
    assert!(
        start.elapsed() < Duration::from_secs(3),
        "{:?}",
        start.elapsed()
    );
    // The preface and then nonsense: HTTP/2's own error, for that connection alone.
    let mut stream = dial(&server).await;
    stream
        .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        .await
        .expect("written");
    stream.write_all(&[0xff; 64]).await.expect("written");
    read_to_end(stream).await;

    users.say("users", "db_find", "{}", "7");
    assert_eq!(users.hear().await.expect("alive").request_id, "7");
    server.stop().await;
}

#[tokio::test]
async fn idle_connections_do_not_keep_a_domain_out() {
    let server = Server::start().await;
    let mut idle = Vec::new();
    // More than may be unproven at once; each is two descriptors of this process.
    for _ in 0..400 {
        match TcpStream::connect(&server.address).await {
            Ok(stream) => idle.push(stream),
            Err(_) => break,
        }
    }
    let mut users = server.join("users", Some("token-1")).await;
    users.say("users", "db_find", "{}", "7");
    assert_eq!(users.hear().await.expect("alive").request_id, "7");
    drop(idle);
    server.stop().await;
}

#[tokio::test]
async fn a_claimed_length_of_two_gigabytes_is_refused_before_it_is_believed() {
    use tonic::body::Body;
    use tower::{Service, ServiceExt};

    let server = Server::start().await;
    let mut channel = server.channel().await;
    // A frame's head without its body: not compressed, 0x7f7f7f7f bytes to come.
    let head = String::from_utf8(vec![0, 0x7f, 0x7f, 0x7f, 0x7f]).expect("ASCII");
    let request = http::Request::post("/framework.FrameworkService/SendMessage")
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(Body::new(head))
        .expect("a request");
    let asking = async { channel.ready().await?.call(request).await };
    let response = soon("a status", asking).await.expect("a response");
    let status = response
        .headers()
        .get("grpc-status")
        .expect("an error at once");
    assert_eq!(status, "8", "RESOURCE_EXHAUSTED");

    let mut client = FrameworkServiceClient::new(channel);
    let asking = client.send_message(message("users", "x_request", "", "2"));
    let answer = soon("an answer", asking)
        .await
        .expect("the connection goes on");
    assert_eq!(answer.into_inner().request_id, "2");
    server.stop().await;
}
