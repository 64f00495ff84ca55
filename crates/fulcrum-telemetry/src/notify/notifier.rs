//! Passes notifications to the task of each receiver.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;

use super::message::Notification;
use super::webhook::{Results, Webhook};
use super::worker::{Job, WebhookReport, Worker};
use crate::metrics::Metrics;

/// The notifications that wait for one receiver. Beyond them, new ones are dropped.
const QUEUE: usize = 100;

/// The receivers with a task. More than any configuration has; they change with reloads only.
const MAX_RECEIVERS: usize = 64;

/// The queue of one receiver.
#[derive(Debug)]
struct Receiver {
    jobs: mpsc::Sender<Job>,
    dropped: Arc<AtomicU64>,
}

/// Sends notifications. Dropping it ends the tasks once they have tried what is queued.
#[derive(Debug)]
pub struct Notifier {
    receivers: Mutex<HashMap<String, Receiver>>,
    reports: mpsc::UnboundedSender<WebhookReport>,
    results: Results,
}

impl Notifier {
    /// A notifier, and what it reports of receivers that fail or work again.
    #[must_use]
    pub fn new(metrics: Option<Metrics>) -> (Self, mpsc::UnboundedReceiver<WebhookReport>) {
        let (reports, receiver) = mpsc::unbounded_channel();
        let notifier = Self {
            receivers: Mutex::default(),
            reports,
            results: Results::new(metrics),
        };
        (notifier, receiver)
    }

    /// Queues a notification for a receiver, without waiting. Must be called within a tokio runtime.
    pub fn send(&self, webhook: &Arc<Webhook>, notification: &Arc<Notification>) {
        let receivers = self.receivers.lock();
        let mut receivers = receivers.unwrap_or_else(PoisonError::into_inner);
        if receivers.len() >= MAX_RECEIVERS && !receivers.contains_key(&webhook.url) {
            // Those of earlier configurations end with their queue.
            receivers.clear();
        }
        let receiver = receivers
            .entry(webhook.url.clone())
            .or_insert_with(|| self.start());
        let job = (Arc::clone(webhook), Arc::clone(notification));
        if receiver.jobs.try_send(job).is_err() {
            receiver.dropped.fetch_add(1, Ordering::Relaxed);
            self.results.add("dropped");
        }
    }

    fn start(&self) -> Receiver {
        let (jobs, queue) = mpsc::channel(QUEUE);
        let dropped = Arc::<AtomicU64>::default();
        let worker = Worker {
            jobs: queue,
            dropped: Arc::clone(&dropped),
            reports: self.reports.clone(),
            results: self.results.clone(),
            missed: 0,
        };
        tokio::spawn(worker.run());
        Receiver { jobs, dropped }
    }
}
