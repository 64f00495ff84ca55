//! Reads the lines of some domains and delivers them in batches.

use std::time::Duration;

use fulcrum_rpc::control::{LogRecord, LogsRequest, log_record};
use fulcrum_rpc::{ControlClient, ControlError, ControlStream};
use tokio::sync::mpsc::Sender;
use tokio::time::{Instant, sleep, timeout_at};

use super::pace::{FloodDetector, SAMPLE_INTERVAL, SAMPLE_LINES, Sampler};
use crate::model::{Input, LogItem};

/// How many earlier lines are read.
const TAIL: u64 = 1_000;

/// Lines that come within this time are delivered together.
const BATCH_TIME: Duration = Duration::from_millis(40);

/// As many at most.
const BATCH_LINES: usize = 1_000;

/// While a user moves through the table, nothing is read.
const SETTLE_TIME: Duration = Duration::from_millis(60);

/// The lines of some domains.
pub(super) struct LogFeed {
    pub(super) client: ControlClient,
    pub(super) feed: u64,
    pub(super) domains: Vec<String>,
    pub(super) inputs: Sender<Input>,
    pub(super) started: Instant,
}

impl LogFeed {
    /// Delivers lines until the connection or the receiver is gone.
    pub(super) async fn run(self) {
        sleep(SETTLE_TIME).await;
        // The end of the connection is noticed by the stream of events.
        while let Ok(Some(last_seq)) = self.stream().await {
            if self.sample(last_seq).await.is_err() {
                return;
            }
        }
    }

    /// Reads line by line. The number of the last line at the begin of a flood; `None` at the end.
    async fn stream(&self) -> Result<Option<u64>, ControlError> {
        let mut stream = self.client.logs(self.request(true, TAIL)).await?;
        let mut detector = FloodDetector::default();
        let mut last_seq = 0;
        let mut is_new = false;
        loop {
            let batch = next_batch(&mut stream).await?;
            if batch.records.is_empty() {
                return Ok(None);
            }
            let has_seam =
                |record: &LogRecord| matches!(record.record, Some(log_record::Record::Seam(_)));
            if batch.records.iter().any(has_seam) {
                is_new = true;
                detector.restart(self.started.elapsed());
            }
            let count = batch.records.len();
            let items: Vec<LogItem> = batch.records.into_iter().filter_map(item).collect();
            last_seq = last_line(&items).unwrap_or(last_seq);
            if !self.deliver(items).await {
                return Ok(None);
            }
            if is_new && detector.on_lines(count, self.started.elapsed()) {
                return Ok(Some(last_seq));
            }
        }
    }

    /// Reads the newest lines now and then, until the flood is over.
    async fn sample(&self, last_seq: u64) -> Result<(), ControlError> {
        let mut sampler = Sampler::new(last_seq);
        loop {
            sleep(SAMPLE_INTERVAL).await;
            let mut stream = self.client.logs(self.request(false, SAMPLE_LINES)).await?;
            let mut items = Vec::new();
            while let Some(record) = stream.next().await {
                items.extend(item(record?));
            }
            let before = sampler.last_seq();
            let first = items.iter().find_map(seq);
            let sample = sampler.on_read(first.zip(last_line(&items)));
            items.retain(|item| seq(item).is_some_and(|seq| seq > before));
            if sample.missed {
                items.insert(0, LogItem::Missed(None));
            }
            if !self.deliver(items).await {
                return Ok(());
            }
            if sample.is_over {
                return Ok(());
            }
        }
    }

    fn request(&self, follow: bool, tail: u64) -> LogsRequest {
        LogsRequest {
            domains: self.domains.clone(),
            follow,
            tail: Some(tail),
            ..LogsRequest::default()
        }
    }

    async fn deliver(&self, items: Vec<LogItem>) -> bool {
        let feed = self.feed;
        items.is_empty() || self.inputs.send(Input::Lines { feed, items }).await.is_ok()
    }
}

struct Batch {
    records: Vec<LogRecord>,
}

/// Waits for a record, and takes those that follow soon.
async fn next_batch(stream: &mut ControlStream<LogRecord>) -> Result<Batch, ControlError> {
    let mut records = Vec::new();
    if let Some(first) = stream.next().await {
        records.push(first?);
        let deadline = Instant::now() + BATCH_TIME;
        while records.len() < BATCH_LINES {
            match timeout_at(deadline, stream.next()).await {
                Ok(Some(record)) => records.push(record?),
                Ok(None) | Err(_) => break,
            }
        }
    }
    Ok(Batch { records })
}

fn item(record: LogRecord) -> Option<LogItem> {
    match record.record? {
        log_record::Record::Line(line) => Some(LogItem::Line(line)),
        log_record::Record::Missed(count) => Some(LogItem::Missed(Some(count))),
        log_record::Record::Seam(_) => None,
    }
}

fn seq(item: &LogItem) -> Option<u64> {
    match item {
        LogItem::Line(line) => Some(line.seq),
        LogItem::Missed(_) => None,
    }
}

fn last_line(items: &[LogItem]) -> Option<u64> {
    items.iter().rev().find_map(seq)
}
