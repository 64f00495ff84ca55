//! The end comes, whatever the clients do.

use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::Instant;
use tonic::Code;

use crate::harness::{Server, message, soon};

#[tokio::test]
async fn open_streams_idle_connections_and_waiting_calls_do_not_hold_the_end_up() {
    let server = Server::start().await;
    let mut users = server.join("users", Some("token-1")).await;
    let mut silent = server.open(None).await;
    let idle = TcpStream::connect(&server.address)
        .await
        .expect("connected");
    let mut caller = server.client().await;
    let asked = tokio::spawn(async move {
        caller
            .send_message(message("users", "user_index_request", "{}", "1"))
            .await
    });
    users.hear().await.expect("a request that it never answers");

    let (address, start) = (server.address.clone(), Instant::now());
    server.stop().await;
    assert!(
        start.elapsed() < Duration::from_secs(3),
        "{:?}",
        start.elapsed()
    );

    assert_eq!(
        users.hear().await.expect_err("ended").code(),
        Code::Unavailable
    );
    let answer = soon("the answer", asked)
        .await
        .expect("no panic")
        .expect("an answer");
    assert!(answer.into_inner().error.contains("shuts down"));
    silent.hear().await.expect_err("cut");
    TcpStream::connect(&address)
        .await
        .expect_err("nobody listens any more");
    drop(idle);
}

#[tokio::test]
async fn dropping_the_server_closes_port_and_connections() {
    let server = Server::start().await;
    let mut users = server.join("users", Some("token-1")).await;
    server.task.abort();
    users.hear().await.expect_err("cut");
    let refused = async {
        while TcpStream::connect(&server.address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    soon("the port's release", refused).await;
}
