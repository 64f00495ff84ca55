//! The task that delivers the notifications of one receiver, one after the other.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::sync::mpsc;
use tokio::time::sleep;

use super::client::{Delivery, post};
use super::message::Notification;
use super::retry::{Next, Retries};
use super::signature::signature;
use super::webhook::{Results, Webhook};

/// What became of the notifications of a receiver, for people. Its `Display` names the receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookReport {
    /// The receiver, without secrets.
    pub receiver: String,
    /// Notifications that it did not get.
    pub missed: u64,
    /// Why, or none if it works again.
    pub failure: Option<String>,
}

impl fmt::Display for WebhookReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            receiver, missed, ..
        } = self;
        let lost = match missed {
            1 => "1 notification was lost".to_owned(),
            missed => format!("{missed} notifications were lost"),
        };
        match &self.failure {
            Some(reason) => write!(
                f,
                "webhook {receiver} failed: {reason}; {lost}; this is logged again once it works"
            ),
            None => write!(f, "webhook {receiver} works again; {lost}"),
        }
    }
}

/// A notification for a receiver, as it is configured now.
pub(super) type Job = (Arc<Webhook>, Arc<Notification>);

/// The receiver's state between two notifications.
pub(super) struct Worker {
    pub(super) jobs: mpsc::Receiver<Job>,
    /// Notifications for which there was no room in the queue.
    pub(super) dropped: Arc<AtomicU64>,
    pub(super) reports: mpsc::UnboundedSender<WebhookReport>,
    pub(super) results: Results,
    /// Notifications that were given up since the receiver last worked.
    pub(super) missed: u64,
}

impl Worker {
    /// Delivers until there are no more jobs.
    pub(super) async fn run(mut self) {
        while let Some((webhook, notification)) = self.jobs.recv().await {
            let given_up = deliver(&webhook, &notification, self.missed > 0).await;
            let dropped = self.dropped.swap(0, Ordering::Relaxed);
            self.record(&webhook, given_up, dropped);
        }
    }

    fn record(&mut self, webhook: &Webhook, given_up: Option<String>, dropped: u64) {
        let was_failing = self.missed > 0;
        self.missed += dropped;
        let report = |missed, failure| WebhookReport {
            receiver: webhook.shown.clone(),
            missed,
            failure,
        };
        // During shutdown, nobody reads them.
        match given_up {
            Some(reason) => {
                self.missed += 1;
                self.results.add("failed");
                if !was_failing {
                    let _ = self.reports.send(report(self.missed, Some(reason)));
                }
            }
            None => {
                self.results.add("delivered");
                if self.missed > 0 {
                    let missed = std::mem::take(&mut self.missed);
                    let _ = self.reports.send(report(missed, None));
                }
            }
        }
    }
}

/// Delivers one notification. Returns why it was given up.
async fn deliver(
    webhook: &Webhook,
    notification: &Notification,
    is_failing: bool,
) -> Option<String> {
    let body = notification.body(webhook.format);
    let mut retries = Retries::new(is_failing);
    loop {
        // Receivers reject a signature that is too old, so each attempt has its own.
        let timestamp = unix_time();
        let id = notification.id.as_str();
        let secret = webhook.secret.as_deref();
        let delivery = Delivery {
            id,
            timestamp,
            signature: secret.map(|secret| signature(secret, id, timestamp, &body)),
            body: body.clone(),
        };
        match retries.next(post(&webhook.url, delivery).await) {
            Next::Delivered => return None,
            Next::GiveUp(reason) => return Some(reason),
            Next::Retry(pause) => sleep(pause).await,
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the worker is a driver: the time is part of the signature"
)]
fn unix_time() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_secs()
}
