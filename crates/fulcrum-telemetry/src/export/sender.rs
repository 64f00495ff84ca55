//! The task that sends what waits, one request after the other, until the collector takes or rejects
//! it.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::client::OtlpClient;
use super::config::ExportConfig;
use super::forwarder::{Forwarder, Outgoing, QueueState};
use super::outage::Outage;
use super::request::Answer;

impl Forwarder {
    /// Starts the task that sends. It ends after `stop`, when it has tried to send what waits once.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[must_use]
    pub fn start(config: ExportConfig, stop: CancellationToken) -> (Self, JoinHandle<()>) {
        let (forwarder, queue, state) = Self::new();
        let sender = Sender {
            outage: Outage::new(&config.endpoint),
            endpoint: config.endpoint.clone(),
            client: OtlpClient::new(config),
            state,
            stop,
        };
        (forwarder, tokio::spawn(sender.run(queue)))
    }
}

struct Sender {
    endpoint: String,
    client: OtlpClient,
    state: Arc<QueueState>,
    stop: CancellationToken,
    outage: Outage,
}

impl Sender {
    async fn run(mut self, mut queue: mpsc::Receiver<Outgoing>) {
        loop {
            let outgoing = tokio::select! {
                outgoing = queue.recv() => match outgoing {
                    Some(outgoing) => outgoing,
                    None => return,
                },
                () = self.stop.cancelled() => break,
            };
            self.state.release(outgoing.body.len());
            if !self.deliver(&outgoing).await {
                // The shutdown has begun, and the collector does not take this.
                self.give_up(&mut queue);
                return;
            }
        }
        queue.close();
        while let Some(outgoing) = queue.recv().await {
            if self.client.attempt(&outgoing).await != Answer::Accepted {
                self.give_up(&mut queue);
            }
        }
    }

    /// Sends a request until the collector takes or rejects it; false if the shutdown begins before.
    async fn deliver(&mut self, outgoing: &Outgoing) -> bool {
        loop {
            let reason = match self.client.attempt(outgoing).await {
                Answer::Accepted => {
                    if let Some(text) = self.outage.on_success(self.state.dropped()) {
                        tracing::info!("{text}");
                    }
                    return true;
                }
                Answer::Rejected(reason) => {
                    self.state.add_dropped();
                    self.report(&reason);
                    return true;
                }
                Answer::Later(reason) => reason,
            };
            self.report(&reason);
            if self.stop.is_cancelled() {
                return false;
            }
            let delay = self.outage.next_delay();
            tokio::select! {
                () = sleep(delay) => {}
                () = self.stop.cancelled() => return false,
            }
        }
    }

    fn report(&mut self, reason: &str) {
        let dropped = self.state.dropped();
        if let Some(text) = self.outage.on_failure(reason, dropped, Instant::now()) {
            tracing::warn!("{text}");
        }
    }

    /// Drops the present request and what waits.
    fn give_up(&self, queue: &mut mpsc::Receiver<Outgoing>) {
        self.state.add_dropped();
        while queue.try_recv().is_ok() {
            self.state.add_dropped();
        }
        let (endpoint, dropped) = (&self.endpoint, self.state.dropped());
        tracing::warn!(
            "export of telemetry to {endpoint} incomplete: the collector has not taken the last requests ({dropped} dropped since the start)"
        );
    }
}
