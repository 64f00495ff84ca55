//! The task that exports lines.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use super::batch::ExportBatch;
use super::config::OtlpConfig;
use super::outage::ExportErrorState;
use super::sender::{ExportError, Sender};
use super::transport::OtlpTransport;
use crate::follower::{Capacity, Delivery, Follower};
use crate::hub::Hub;
use crate::line::Level;
use crate::message::MESSAGE_WINDOW;
use crate::query::LogQuery;

/// Bytes of lines that may wait for the receiver, about twenty thousand lines.
const QUEUE_BYTES: usize = 4 * 1024 * 1024;

/// How long the first line of a batch waits for others.
const COALESCE_DELAY: Duration = Duration::from_millis(200);

/// How long after that the last message of a batch may still be continued, at most.
const MAX_MESSAGE_DELAY: Duration = Duration::from_secs(1);

/// A task that exports the lines of a hub.
///
/// It follows the hub through one bounded queue, so publishing never waits for the receiver. Lines
/// that a slow or unreachable receiver does not accept in time are dropped and counted; the hub gets
/// a warning with their number, at most once a minute. A batch is sent again until the receiver
/// accepts or rejects it, so lines stay in order. A batch that was accepted without the response
/// arriving is sent twice.
#[derive(Debug)]
pub struct OtlpExport {
    task: JoinHandle<()>,
    stopping: CancellationToken,
    hub: Hub,
    endpoint: String,
}

impl OtlpExport {
    /// Starts the task.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[must_use]
    pub fn start(hub: &Hub, config: OtlpConfig, transport: impl OtlpTransport) -> Self {
        let query = LogQuery {
            level: config.level,
            ..LogQuery::default()
        };
        let stopping = CancellationToken::new();
        let task = ExportTask {
            follower: hub.subscribe(query, Capacity { bytes: QUEUE_BYTES }),
            sender: Sender::new(transport, config.resource),
            hub: hub.clone(),
            stopping: stopping.clone(),
            errors: ExportErrorState::new(config.endpoint.clone()),
            own_lines: Vec::new(),
            batch: ExportBatch::default(),
        };
        Self {
            task: tokio::spawn(task.run()),
            stopping,
            hub: hub.clone(),
            endpoint: config.endpoint,
        }
    }

    /// Sends the remaining lines for at most `limit`; the hub gets a warning if that was not
    /// enough. Call it before the hub is closed. Lines that are published from now on are not
    /// exported.
    pub async fn shutdown(self, limit: Duration) {
        let mut task = self.task;
        self.stopping.cancel();
        if timeout(limit, &mut task).await.is_err() {
            task.abort();
            let text = format!(
                "OTLP export to {} incomplete: receiver did not accept the last lines in time",
                self.endpoint
            );
            self.hub.log(Level::Warn, text);
        }
    }
}

struct ExportTask {
    follower: Follower,
    sender: Sender,
    hub: Hub,
    stopping: CancellationToken,
    errors: ExportErrorState,
    /// Sequence numbers of this task's own warnings. They are not exported: with a slow receiver,
    /// each would cause the next.
    own_lines: Vec<u64>,
    batch: ExportBatch,
}

impl ExportTask {
    async fn run(mut self) {
        while !self.stopping.is_cancelled() {
            tokio::select! {
                delivery = self.follower.next() => match delivery {
                    Some(delivery) => self.push(delivery),
                    None => break,
                },
                () = self.stopping.cancelled() => break,
            }
            self.collect_batch().await;
            self.export().await;
        }
        self.finish().await;
    }

    /// Adds lines that arrive shortly, up to a full batch. A message that arrived just before the end
    /// is waited for: its next lines belong into the same record.
    async fn collect_batch(&mut self) {
        let until = Instant::now() + COALESCE_DELAY;
        let latest = until + MAX_MESSAGE_DELAY;
        let mut last_line = Instant::now();
        while !self.batch.is_full() && !self.stopping.is_cancelled() {
            let until = (last_line + MESSAGE_WINDOW).clamp(until, latest);
            tokio::select! {
                delivery = timeout_at(until, self.follower.next()) => match delivery {
                    Ok(Some(delivery)) => self.push(delivery),
                    Ok(None) | Err(_) => return,
                },
                () = self.stopping.cancelled() => return,
            }
            last_line = Instant::now();
        }
    }

    /// Adds lines that are queued, up to a full batch.
    fn drain_queue(&mut self) {
        while !self.batch.is_full()
            && let Some(delivery) = self.follower.try_next()
        {
            self.push(delivery);
        }
    }

    fn push(&mut self, delivery: Delivery) {
        match delivery {
            Delivery::Gap(gap) => {
                self.errors.add_dropped(gap.missed);
                self.report_dropped();
            }
            Delivery::Line(line) => {
                let is_own = self.own_lines.contains(&line.seq);
                self.own_lines.retain(|seq| *seq > line.seq);
                if !is_own {
                    self.batch.add(line);
                }
            }
        }
    }

    /// Sends the batch, with retries, until the shutdown begins.
    async fn export(&mut self) {
        while !self.batch.is_empty() {
            match self.sender.send(&mut self.batch).await {
                Ok(()) => {
                    if self.errors.is_reported() {
                        // Lines dropped meanwhile come before the queued ones.
                        self.drain_queue();
                    }
                    self.on_success();
                }
                Err(ExportError::Rejected { lines, reason }) => {
                    self.errors.add_dropped(lines);
                    self.on_failure(&reason);
                }
                Err(ExportError::Unreachable { reason }) => {
                    let delay = self.errors.retry_delay();
                    self.on_failure(&reason);
                    if self.stopping.is_cancelled() {
                        return;
                    }
                    tokio::select! {
                        () = sleep(delay) => {}
                        () = self.stopping.cancelled() => return,
                    }
                }
            }
        }
        self.report_dropped();
    }

    /// The last attempt: sends all queued lines until the receiver fails once more.
    async fn finish(&mut self) {
        let mut last_reason = None;
        loop {
            self.drain_queue();
            if self.batch.is_empty() {
                break;
            }
            match self.sender.send(&mut self.batch).await {
                Ok(()) => {}
                Err(ExportError::Rejected { lines, reason }) => {
                    self.errors.add_dropped(lines);
                    last_reason = Some(reason);
                }
                Err(ExportError::Unreachable { reason }) => {
                    last_reason = Some(reason);
                    self.errors.add_dropped(self.batch.discard());
                    while let Some(delivery) = self.follower.try_next() {
                        self.push(delivery);
                        self.errors.add_dropped(self.batch.discard());
                    }
                    break;
                }
            }
        }
        if let Some(text) = self.errors.on_shutdown(last_reason.as_deref()) {
            self.log(Level::Warn, text);
        }
    }

    fn on_success(&mut self) {
        if let Some(text) = self.errors.on_success() {
            self.log(Level::Info, text);
        }
    }

    fn on_failure(&mut self, reason: &str) {
        if let Some(text) = self.errors.on_failure(reason, Instant::now()) {
            self.log(Level::Warn, text);
        }
    }

    fn report_dropped(&mut self) {
        if let Some(text) = self.errors.on_lag(Instant::now()) {
            self.log(Level::Warn, text);
        }
    }

    fn log(&mut self, level: Level, text: String) {
        self.own_lines.push(self.hub.log(level, text));
    }
}
