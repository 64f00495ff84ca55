//! A notifier and receivers that work, refuse, or do neither.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::client::Delivery;
use super::retry::Attempt;
use super::signature::signature;
use super::*;
use crate::metrics::Metrics;

const LIMIT: Duration = Duration::from_secs(20);

/// What a receiver got.
type Received = (HeaderMap, String);

/// A receiver that answers with these statuses in turn, and the last one from then on.
async fn receiver(statuses: &'static [u16]) -> (String, mpsc::UnboundedReceiver<Received>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("a free port");
    let address = listener.local_addr().expect("its address");
    let (sender, received) = mpsc::unbounded_channel();
    let count = Arc::new(AtomicUsize::new(0));
    let handle = move |headers: HeaderMap, body: Bytes| async move {
        let body = String::from_utf8_lossy(&body).into_owned();
        let _ = sender.send((headers, body));
        let index = count.fetch_add(1, Ordering::Relaxed);
        let status = statuses.get(index).or(statuses.last()).copied();
        StatusCode::from_u16(status.unwrap_or(200)).expect("a status")
    };
    let router = Router::new().route("/hook", post(handle));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (format!("http://{address}/hook"), received)
}

fn webhook(url: &str, secret: Option<&str>) -> Arc<Webhook> {
    Arc::new(Webhook {
        url: url.to_owned(),
        shown: "http://127.0.0.1/***".to_owned(),
        format: BodyFormat::Json,
        secret: secret.map(str::to_owned),
    })
}

fn notification(id: &str) -> Arc<Notification> {
    Arc::new(Notification {
        id: id.to_owned(),
        event: "failed",
        domain: "users".to_owned(),
        generation: 1,
        reason: "exit 1".to_owned(),
        phase: "failed",
        app: "/srv/shop".to_owned(),
        host: "web-1".to_owned(),
        time: SystemTime::UNIX_EPOCH,
    })
}

async fn next<T>(receiver: &mut mpsc::UnboundedReceiver<T>) -> T {
    let received = timeout(LIMIT, receiver.recv()).await;
    received.expect("in time").expect("the sender is there")
}

#[tokio::test]
async fn a_body_is_signed_with_its_id_and_time() {
    let (url, mut received) = receiver(&[204]).await;
    let (notifier, _reports) = Notifier::new(None);
    notifier.send(&webhook(&url, Some("hunter2")), &notification("msg_7"));
    let (headers, body) = next(&mut received).await;
    let header = |name: &str| headers[name].to_str().expect("text").to_owned();
    assert_eq!(header("webhook-id"), "msg_7");
    let timestamp = header("webhook-timestamp").parse().expect("a time");
    let expected = signature("hunter2", "msg_7", timestamp, &body);
    assert_eq!(header("webhook-signature"), expected);
    assert_eq!(header("content-type"), "application/json");
}

#[tokio::test]
async fn a_failed_delivery_is_repeated_with_the_same_id() {
    let (url, mut received) = receiver(&[503, 200]).await;
    let (notifier, mut reports) = Notifier::new(None);
    notifier.send(&webhook(&url, None), &notification("msg_1"));
    let first = next(&mut received).await;
    let second = next(&mut received).await;
    assert_eq!(first.0["webhook-id"], second.0["webhook-id"]);
    assert_eq!(first.1, second.1);
    assert!(!first.0.contains_key("webhook-signature"));
    drop(notifier);
    assert_eq!(reports.recv().await, None, "it was delivered in the end");
}

#[tokio::test]
async fn a_receiver_that_fails_is_reported_once_until_it_works() {
    let (url, mut received) = receiver(&[404, 404, 404, 200]).await;
    let metrics = Metrics::default();
    let (notifier, mut reports) = Notifier::new(Some(metrics.clone()));
    for n in 0..4 {
        notifier.send(&webhook(&url, None), &notification(&format!("msg_{n}")));
        next(&mut received).await;
    }
    let failing = next(&mut reports).await;
    let text = failing.to_string();
    assert!(
        text.contains("failed: HTTP 404; 1 notification was lost"),
        "{text}"
    );
    assert!(!text.contains("/hook"), "{text}");
    let again = next(&mut reports).await;
    assert_eq!((again.missed, again.failure), (3, None));
    drop(notifier);
    assert_eq!(reports.recv().await, None);
}

#[tokio::test]
async fn a_receiver_that_never_answers_delays_no_other_and_loses_a_bounded_number() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let silent = silent.expect("a free port");
    let address = silent.local_addr().expect("its address");
    let (url, mut received) = receiver(&[200]).await;
    let (notifier, _reports) = Notifier::new(None);
    let stuck = webhook(&format!("http://{address}/hook"), None);
    for n in 0..1000 {
        notifier.send(&stuck, &notification(&format!("msg_{n}")));
    }
    notifier.send(&webhook(&url, None), &notification("msg_other"));
    assert_eq!(next(&mut received).await.0["webhook-id"], "msg_other");
    drop(silent);
}

#[tokio::test]
async fn https_needs_a_receiver_with_tls() {
    let (url, _received) = receiver(&[200]).await;
    let delivery = Delivery {
        id: "msg_1",
        timestamp: 1,
        signature: None,
        body: String::new(),
    };
    let attempt = client::post(&url.replace("http://", "https://"), delivery).await;
    let Attempt::Temporary { reason, .. } = attempt else {
        panic!("{attempt:?}");
    };
    assert!(reason.starts_with("TLS: "), "{reason}");
}
