//! Why a stream ended: told apart by what the socket saw, since HTTP/2 doesn't say.

use std::time::Duration;

use fulcrum_rpc::{DomainEvent, ServerConfig, StreamEnd};
use tokio::runtime::{Builder, Runtime};

use crate::harness::{Domain, Server};

/// A domain in a runtime of its own, so that it can be let go silent, or closed with all it has.
fn apart(server: &Server, token: &str) -> (Runtime, Domain) {
    let client = Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let domain = client.block_on(server.join("users", Some(token)));
    (client, domain)
}

async fn end(server: &mut Server) -> (StreamEnd, String) {
    loop {
        if let DomainEvent::Disconnected { end, cause, .. } = server.event().await {
            return (end, cause);
        }
    }
}

#[test]
fn the_ends_of_a_stream_are_told_apart() {
    let runtime = Runtime::new().expect("a runtime");
    let settings = ServerConfig {
        keepalive_interval: Duration::from_millis(200),
        keepalive_timeout: Duration::from_millis(300),
        ..ServerConfig::default()
    };
    let mut server = runtime.block_on(Server::start_with(settings));

    // Its thread runs nothing any more: pings are not answered.
    let (silent, domain) = apart(&server, "token-1");
    let (how, cause) = runtime.block_on(end(&mut server));
    assert_eq!(how, StreamEnd::KeepaliveTimeout, "{cause}");
    assert!(cause.contains("keep-alive"), "{cause}");
    drop((silent, domain));

    // All of it goes at once, as when its process ends.
    let (client, domain) = apart(&server, "token-2");
    drop(client);
    drop(domain);
    let (how, cause) = runtime.block_on(end(&mut server));
    assert_eq!(how, StreamEnd::Closed, "{cause}");

    // It ends its half, and the connection stays for a while.
    let (client, Domain { say, hear }) = apart(&server, "token-3");
    drop(say);
    client.block_on(async {
        let (how, cause) = end(&mut server).await;
        assert_eq!(how, StreamEnd::ByClient, "{cause}");
    });
    drop(hear);

    // Another process of the domain, started later, takes its place.
    let (old, _old) = apart(&server, "token-4");
    let (_new, _domain) = apart(&server, "token-5");
    let (how, cause) = runtime.block_on(end(&mut server));
    assert_eq!(how, StreamEnd::Replaced, "{cause}");
    drop(old);

    server.registry.disconnect("users", 5);
    let (how, cause) = runtime.block_on(end(&mut server));
    assert_eq!(how, StreamEnd::ByServer, "{cause}");
    runtime.block_on(server.stop());
}
