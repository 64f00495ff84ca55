//! Sends what is said to a receiver of OTLP logs, if the app names one.
//!
//! One bounded follower of the hub and one task. Whoever writes never waits for it: what a dead or
//! slow receiver doesn't take in time is dropped by the follower, counted here and told by
//! [`Outage`], at most once a minute. A batch is sent until it is taken or refused, so lines keep
//! their order; one that the receiver took without our hearing of it is sent again.

use std::time::Duration;

use fulcrum_config::App;
use fulcrum_logs::{Capacity, Delivery, Follower, Hub, Level, LogQuery};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::context::log;
use crate::otlp::outage::ExportErrorState;
use crate::otlp::sender::{ExportBatch, ExportError, Sender};

/// What may wait for the receiver, some twenty thousand lines of ordinary length.
const QUEUE_BYTES: usize = 4 * 1024 * 1024;

/// How long the first line of a batch waits for others.
const GATHER: Duration = Duration::from_millis(200);

/// How long the last lines may take to be sent.
const LAST_LINES: Duration = Duration::from_secs(2);

/// How long after a second Ctrl-C.
const FAST_SHUTDOWN_TIMEOUT: Duration = Duration::from_millis(200);

/// The task that forwards, where there is one.
pub struct OtlpExport {
    task: Option<JoinHandle<()>>,
    ending: CancellationToken,
    hub: Hub,
    to: String,
}

/// Starts it, if the app names a receiver. One that can't be used is told of, and nothing else
/// suffers.
pub fn start(hub: &Hub, app: &App) -> OtlpExport {
    let mut forward = OtlpExport {
        task: None,
        ending: CancellationToken::new(),
        hub: hub.clone(),
        to: String::new(),
    };
    let Some(settings) = &app.runtime.logs.forward else {
        return forward;
    };
    forward.to.clone_from(&settings.otlp);
    let sender = match Sender::new(settings) {
        Ok(sender) => sender,
        Err(why) => {
            let text = format!("logs aren't forwarded to {}: {why}", settings.otlp);
            log(hub, Level::Warn, text);
            return forward;
        }
    };
    let query = LogQuery {
        level: settings.level.as_deref().and_then(|word| word.parse().ok()),
        ..LogQuery::default()
    };
    let courier = ExportTask {
        follower: hub.subscribe(query, Capacity { bytes: QUEUE_BYTES }),
        sender,
        hub: hub.clone(),
        ending: forward.ending.clone(),
        outage: ExportErrorState::new(settings.otlp.clone()),
        own_lines: Vec::new(),
        load: ExportBatch::default(),
    };
    forward.task = Some(tokio::spawn(courier.run()));
    forward
}

impl OtlpExport {
    /// Sends what is left, for at most two seconds, and says if that wasn't enough. The hub isn't
    /// closed yet; what is said from now on isn't forwarded.
    pub async fn end(self, in_a_hurry: bool) {
        let Some(mut task) = self.task else {
            return;
        };
        self.ending.cancel();
        let limit = if in_a_hurry {
            FAST_SHUTDOWN_TIMEOUT
        } else {
            LAST_LINES
        };
        if timeout(limit, &mut task).await.is_err() {
            task.abort();
            let text = format!(
                "the last lines weren't all forwarded: {} didn't take them in time",
                self.to
            );
            log(&self.hub, Level::Warn, text);
        }
    }
}

struct ExportTask {
    follower: Follower,
    sender: Sender,
    hub: Hub,
    ending: CancellationToken,
    outage: ExportErrorState,
    /// The numbers of this courier's own words, which aren't sent: while a receiver is slow, each
    /// would cause the next.
    own_lines: Vec<u64>,
    load: ExportBatch,
}

impl ExportTask {
    async fn run(mut self) {
        while !self.ending.is_cancelled() {
            tokio::select! {
                delivery = self.follower.next() => match delivery {
                    Some(delivery) => self.push(delivery),
                    None => break,
                },
                () = self.ending.cancelled() => break,
            }
            self.collect_batch().await;
            self.export().await;
        }
        self.finish().await;
    }

    /// Takes what comes within a moment, up to a full load.
    async fn collect_batch(&mut self) {
        let until = Instant::now() + GATHER;
        while !self.load.is_full() && !self.ending.is_cancelled() {
            tokio::select! {
                delivery = timeout_at(until, self.follower.next()) => match delivery {
                    Ok(Some(delivery)) => self.push(delivery),
                    Ok(None) | Err(_) => return,
                },
                () = self.ending.cancelled() => return,
            }
        }
    }

    /// Takes what is there, up to a full load.
    fn drain_queue(&mut self) {
        while !self.load.is_full()
            && let Some(delivery) = self.follower.try_next()
        {
            self.push(delivery);
        }
    }

    fn push(&mut self, delivery: Delivery) {
        match delivery {
            Delivery::Gap(gap) => {
                self.outage.missed(gap.missed);
                self.tell_missed();
            }
            Delivery::Line(line) => {
                let is_own = self.own_lines.contains(&line.seq);
                self.own_lines.retain(|seq| *seq > line.seq);
                if !is_own {
                    self.load.add(line);
                }
            }
        }
    }

    /// Sends the load, as often as it takes, until the end begins.
    async fn export(&mut self) {
        while !self.load.is_empty() {
            match self.sender.send(&mut self.load).await {
                Ok(()) => {
                    if self.outage.is_reported() {
                        // What was missed meanwhile stands before what is waiting.
                        self.drain_queue();
                    }
                    self.succeeded();
                }
                Err(ExportError::Rejected { lines, why }) => {
                    self.outage.missed(lines);
                    self.failed(&why);
                }
                Err(ExportError::Unreachable { why }) => {
                    let pause = self.outage.pause();
                    self.failed(&why);
                    if self.ending.is_cancelled() {
                        return;
                    }
                    tokio::select! {
                        () = sleep(pause) => {}
                        () = self.ending.cancelled() => return,
                    }
                }
            }
        }
        self.tell_missed();
    }

    /// The last attempt: everything that is there, until the receiver fails once more.
    async fn finish(&mut self) {
        let mut why = None;
        loop {
            self.drain_queue();
            if self.load.is_empty() {
                break;
            }
            match self.sender.send(&mut self.load).await {
                Ok(()) => {}
                Err(ExportError::Rejected { lines, why: text }) => {
                    self.outage.missed(lines);
                    why = Some(text);
                }
                Err(ExportError::Unreachable { why: text }) => {
                    why = Some(text);
                    self.outage.missed(self.load.discard());
                    while let Some(delivery) = self.follower.try_next() {
                        self.push(delivery);
                        self.outage.missed(self.load.discard());
                    }
                    break;
                }
            }
        }
        if let Some(text) = self.outage.ended(why.as_deref()) {
            self.tell(Level::Warn, text);
        }
    }

    fn succeeded(&mut self) {
        if let Some(text) = self.outage.succeeded() {
            self.tell(Level::Info, text);
        }
    }

    fn failed(&mut self, why: &str) {
        if let Some(text) = self.outage.failed(why, Instant::now()) {
            self.tell(Level::Warn, text);
        }
    }

    fn tell_missed(&mut self) {
        if let Some(text) = self.outage.lagging(Instant::now()) {
            self.tell(Level::Warn, text);
        }
    }

    fn tell(&mut self, level: Level, text: String) {
        self.own_lines.push(log(&self.hub, level, text));
    }
}
