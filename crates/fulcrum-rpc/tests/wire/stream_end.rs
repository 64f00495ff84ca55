//! The cause of a stream's end, which HTTP/2 alone does not determine.

use std::time::Duration;

use fulcrum_rpc::{DomainEvent, ServerConfig, StreamEnd};
use tokio::runtime::{Builder, Runtime};

use crate::harness::{Domain, Server};

/// A domain in a tokio runtime of its own, which can stop running its tasks, or be dropped with its
/// sockets.
fn join_separately(server: &Server, token: &str) -> (Runtime, Domain) {
    let client = Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let domain = client.block_on(server.join("users", Some(token)));
    (client, domain)
}

async fn next_end(server: &mut Server) -> (StreamEnd, String) {
    loop {
        if let DomainEvent::Disconnected { end, cause, .. } = server.event().await {
            return (end, cause);
        }
    }
}

#[test]
fn each_end_of_a_stream_has_its_cause() {
    let runtime = Runtime::new().expect("a runtime");
    let config = ServerConfig {
        keepalive_interval: Duration::from_millis(200),
        keepalive_timeout: Duration::from_millis(300),
        ..ServerConfig::default()
    };
    let mut server = runtime.block_on(Server::start_with(config));

    // The runtime no longer runs any task, so pings are not answered.
    let (silent, domain) = join_separately(&server, "token-1");
    let (end, cause) = runtime.block_on(next_end(&mut server));
    assert_eq!(end, StreamEnd::KeepaliveTimeout, "{cause}");
    assert!(cause.contains("keep-alive"), "{cause}");
    drop((silent, domain));

    // All sockets are closed at once, as when a process exits.
    let (client, domain) = join_separately(&server, "token-2");
    drop(client);
    drop(domain);
    let (end, cause) = runtime.block_on(next_end(&mut server));
    assert_eq!(end, StreamEnd::Closed, "{cause}");

    // The client ends its half of the stream, and the connection stays open.
    let (client, Domain { sender, receiver }) = join_separately(&server, "token-3");
    drop(sender);
    client.block_on(async {
        let (end, cause) = next_end(&mut server).await;
        assert_eq!(end, StreamEnd::ByClient, "{cause}");
    });
    drop(receiver);

    // A later process of the domain replaces it.
    let (old, _old) = join_separately(&server, "token-4");
    let (_new, _domain) = join_separately(&server, "token-5");
    let (end, cause) = runtime.block_on(next_end(&mut server));
    assert_eq!(end, StreamEnd::Replaced, "{cause}");
    drop(old);

    let limit = std::time::Duration::from_millis(200);
    runtime.block_on(server.registry.disconnect("users", 5, limit));
    let (end, cause) = runtime.block_on(next_end(&mut server));
    assert_eq!(end, StreamEnd::ByServer, "{cause}");
    runtime.block_on(server.stop());
}
