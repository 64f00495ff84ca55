//! Requests over a real connection.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;
use crate::metrics::{MetricSource, Metrics, Snapshot};

struct Fixed(Health);

impl HealthSource for Fixed {
    fn health(&self) -> Health {
        self.0.clone()
    }
}

impl MetricSource for Fixed {
    fn snapshot(&self) -> Pin<Box<dyn Future<Output = Snapshot> + Send + '_>> {
        Box::pin(async { Snapshot::default() })
    }
}

fn domain(name: &str, ready: bool, required: bool) -> DomainHealth {
    let (phase, reason) = match ready {
        true => ("running", "registered"),
        false => ("backoff", "exit 1: Error: boom"),
    };
    DomainHealth {
        domain: name.to_owned(),
        ready,
        required,
        phase,
        reason: reason.to_owned(),
    }
}

fn health(domains: Vec<DomainHealth>) -> Health {
    Health {
        version: "1.2.3",
        shutting_down: false,
        domains,
    }
}

/// A running listener.
struct Served {
    address: SocketAddr,
    open: Arc<std::sync::atomic::AtomicU64>,
}

fn serve(health: Health) -> Served {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let listener = HttpListener::new(socket).expect("a loopback listener");
    let (address, open) = (listener.address(), listener.connections());
    let router = router(Arc::new(Fixed(health)), Metrics::default());
    tokio::spawn(listener.serve(router));
    Served { address, open }
}

impl Served {
    /// Sends lines of a request, and returns the status, the head and the body.
    async fn request(&self, lines: &[&str]) -> (u16, String, String) {
        let mut stream = TcpStream::connect(self.address).await.expect("it listens");
        let request = format!("{}\r\nConnection: close\r\n\r\n", lines.join("\r\n"));
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut text = String::new();
        stream.read_to_string(&mut text).await.expect("a response");
        let (head, body) = text.split_once("\r\n\r\n").expect("a head");
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        (status.expect("a status"), head.to_owned(), body.to_owned())
    }

    async fn get(&self, path: &str) -> (u16, String) {
        let line = format!("GET {path} HTTP/1.1");
        let (status, _, body) = self.request(&[&line, "Host: localhost"]).await;
        (status, body)
    }

    async fn json(&self, path: &str) -> (u16, Value) {
        let (status, body) = self.get(path).await;
        (status, serde_json::from_str(&body).expect("JSON"))
    }
}

#[tokio::test]
async fn readiness_names_who_is_not_ready_and_why() {
    let served = serve(health(vec![
        domain("catalog", true, true),
        domain("users", false, true),
        domain("reports", false, false),
    ]));
    let (status, body) = served.json("/readyz").await;
    assert_eq!((status, &body["ready"]), (503, &Value::Bool(false)));
    let missing = body["not_ready"].as_array().expect("a list");
    assert_eq!(missing.len(), 1, "reports is not required: {body}");
    assert_eq!(missing[0]["domain"], "users");
    assert_eq!(missing[0]["phase"], "backoff");
    assert_eq!(missing[0]["reason"], "exit 1: Error: boom");
    assert_eq!(served.json("/livez").await.0, 200);
    assert_eq!(served.json("/readyz/catalog").await.0, 200);
    assert_eq!(served.json("/readyz/reports").await.0, 503);
    let (status, body) = served.json("/readyz/nobody").await;
    assert_eq!(status, 404);
    assert_eq!(body["domains"][0], "catalog");
}

#[tokio::test]
async fn an_instance_that_shuts_down_lives_and_is_not_ready() {
    let mut closing = health(vec![domain("catalog", true, true)]);
    assert!(closing.is_ready());
    closing.shutting_down = true;
    let served = serve(closing);
    assert_eq!(served.json("/readyz").await.0, 503);
    assert_eq!(served.json("/livez").await.0, 200);
}

#[tokio::test]
async fn a_host_that_is_not_this_machine_is_refused() {
    let served = serve(health(Vec::new()));
    for lines in [
        ["GET /metrics HTTP/1.1", "Host: evil.example"].as_slice(),
        &[
            "GET /metrics HTTP/1.1",
            "Host: evil.example:80",
            "Origin: http://evil.example",
        ],
        &[
            "GET http://evil.example/metrics HTTP/1.1",
            "Host: evil.example",
        ],
        &["GET /metrics HTTP/1.0"],
    ] {
        let (status, _, body) = served.request(lines).await;
        assert_eq!(status, 421, "{lines:?}: {body}");
    }
    assert_eq!(served.get("/metrics").await.0, 200);
}

#[tokio::test]
async fn the_format_of_metrics_is_what_the_request_accepts() {
    let served = serve(health(Vec::new()));
    let line = "GET /metrics HTTP/1.1";
    let (_, head, _) = served.request(&[line, "Host: localhost"]).await;
    assert!(
        head.contains("content-type: text/plain; version=0.0.4"),
        "{head}"
    );
    let accept = "Accept: application/openmetrics-text;version=1.0.0";
    let (_, head, body) = served.request(&[line, "Host: localhost", accept]).await;
    assert!(head.contains("application/openmetrics-text"), "{head}");
    assert!(body.contains("# EOF"), "{body}");
}

#[tokio::test]
async fn other_requests_are_refused_and_connections_are_counted() {
    let served = serve(health(Vec::new()));
    assert_eq!(served.get("/nothing").await.0, 404);
    let post = [
        "POST /metrics HTTP/1.1",
        "Host: localhost",
        "Content-Length: 0",
    ];
    assert_eq!(served.request(&post).await.0, 405);
    let head = ["HEAD /readyz HTTP/1.1", "Host: localhost"];
    let (status, _, body) = served.request(&head).await;
    assert_eq!((status, body.as_str()), (200, ""));
    let idle = TcpStream::connect(served.address)
        .await
        .expect("it listens");
    while served.open.load(Ordering::Relaxed) == 0 {
        tokio::task::yield_now().await;
    }
    drop(idle);
    while served.open.load(Ordering::Relaxed) > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn only_loopback_sockets_are_served() {
    let socket = std::net::TcpListener::bind("0.0.0.0:0").expect("a free port");
    assert!(HttpListener::new(socket).is_err());
}
