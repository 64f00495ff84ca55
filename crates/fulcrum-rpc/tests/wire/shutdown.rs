//! The server ends in bounded time, whatever its clients do.

use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::Instant;
use tonic::Code;

use crate::harness::{Server, message, soon};

#[tokio::test]
async fn open_streams_idle_connections_and_pending_calls_do_not_delay_the_end() {
    let server = Server::start().await;
    let mut users = server.join("users", Some("token-1")).await;
    let mut silent = server.open(None).await;
    let idle = TcpStream::connect(&server.address)
        .await
        .expect("connected");
    let mut caller = server.client().await;
    let call = tokio::spawn(async move {
        caller
            .send_message(message("users", "user_index_request", "{}", "1"))
            .await
    });
    users
        .recv()
        .await
        .expect("a request, which gets no response");

    let (address, start) = (server.address.clone(), Instant::now());
    server.stop().await;
    assert!(
        start.elapsed() < Duration::from_secs(3),
        "{:?}",
        start.elapsed()
    );

    assert_eq!(
        users.recv().await.expect_err("ended").code(),
        Code::Unavailable
    );
    let response = soon("the response", call)
        .await
        .expect("no panic")
        .expect("a response");
    assert!(response.into_inner().error.contains("shutting down"));
    silent.recv().await.expect_err("cut");
    TcpStream::connect(&address)
        .await
        .expect_err("no listener any more");
    drop(idle);
}

#[tokio::test]
async fn dropping_the_server_closes_port_and_connections() {
    let server = Server::start().await;
    let mut users = server.join("users", Some("token-1")).await;
    server.task.abort();
    users.recv().await.expect_err("cut");
    let released = async {
        while TcpStream::connect(&server.address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    soon("the release of the port", released).await;
}
