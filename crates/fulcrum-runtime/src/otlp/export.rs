//! Sends what is said to a receiver of OTLP logs, if the app names one.
//!
//! One bounded follower of the hub and one task. Whoever writes never waits for it: what a dead or
//! slow receiver doesn't take in time is dropped by the follower, counted here and told by
//! [`Outage`], at most once a minute. A batch is sent until it is taken or refused, so lines keep
//! their order; one that the receiver took without our hearing of it is sent again.

use std::time::Duration;

use fulcrum_config::App;
use fulcrum_logs::{Capacity, Delivery, Follower, Hub, Level, Query};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::context::say;
use crate::otlp::outage::Outage;
use crate::otlp::sender::{Failure, Load, Sender};

/// What may wait for the receiver, some twenty thousand lines of ordinary length.
const BEHIND: usize = 4 * 1024 * 1024;

/// How long the first line of a batch waits for others.
const GATHER: Duration = Duration::from_millis(200);

/// How long the last lines may take to be sent.
const LAST_LINES: Duration = Duration::from_secs(2);

/// How long after a second Ctrl-C.
const HURRY: Duration = Duration::from_millis(200);

/// The task that forwards, where there is one.
pub struct Forward {
    task: Option<JoinHandle<()>>,
    ending: CancellationToken,
    hub: Hub,
    to: String,
}

/// Starts it, if the app names a receiver. One that can't be used is told of, and nothing else
/// suffers.
pub fn start(hub: &Hub, app: &App) -> Forward {
    let mut forward = Forward {
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
            say(hub, Level::Warn, text);
            return forward;
        }
    };
    let query = Query {
        level: settings.level.as_deref().and_then(|word| word.parse().ok()),
        ..Query::default()
    };
    let courier = Courier {
        follower: hub.subscribe(query, Capacity { bytes: BEHIND }),
        sender,
        hub: hub.clone(),
        ending: forward.ending.clone(),
        outage: Outage::new(settings.otlp.clone()),
        own: Vec::new(),
        load: Load::default(),
    };
    forward.task = Some(tokio::spawn(courier.run()));
    forward
}

impl Forward {
    /// Sends what is left, for at most two seconds, and says if that wasn't enough. The hub isn't
    /// closed yet; what is said from now on isn't forwarded.
    pub async fn end(self, in_a_hurry: bool) {
        let Some(mut task) = self.task else {
            return;
        };
        self.ending.cancel();
        let limit = if in_a_hurry { HURRY } else { LAST_LINES };
        if timeout(limit, &mut task).await.is_err() {
            task.abort();
            let text = format!(
                "the last lines weren't all forwarded: {} didn't take them in time",
                self.to
            );
            say(&self.hub, Level::Warn, text);
        }
    }
}

struct Courier {
    follower: Follower,
    sender: Sender,
    hub: Hub,
    ending: CancellationToken,
    outage: Outage,
    /// The numbers of this courier's own words, which aren't sent: while a receiver is slow, each
    /// would cause the next.
    own: Vec<u64>,
    load: Load,
}

impl Courier {
    async fn run(mut self) {
        while !self.ending.is_cancelled() {
            tokio::select! {
                delivery = self.follower.next() => match delivery {
                    Some(delivery) => self.take(delivery),
                    None => break,
                },
                () = self.ending.cancelled() => break,
            }
            self.gather().await;
            self.deliver().await;
        }
        self.finish().await;
    }

    /// Takes what comes within a moment, up to a full load.
    async fn gather(&mut self) {
        let until = Instant::now() + GATHER;
        while !self.load.is_full() && !self.ending.is_cancelled() {
            tokio::select! {
                delivery = timeout_at(until, self.follower.next()) => match delivery {
                    Ok(Some(delivery)) => self.take(delivery),
                    Ok(None) | Err(_) => return,
                },
                () = self.ending.cancelled() => return,
            }
        }
    }

    /// Takes what is there, up to a full load.
    fn fill(&mut self) {
        while !self.load.is_full()
            && let Some(delivery) = self.follower.try_next()
        {
            self.take(delivery);
        }
    }

    fn take(&mut self, delivery: Delivery) {
        match delivery {
            Delivery::Gap(gap) => {
                self.outage.missed(gap.missed);
                self.tell_missed();
            }
            Delivery::Line(line) => {
                let is_own = self.own.contains(&line.seq);
                self.own.retain(|seq| *seq > line.seq);
                if !is_own {
                    self.load.add(line);
                }
            }
        }
    }

    /// Sends the load, as often as it takes, until the end begins.
    async fn deliver(&mut self) {
        while !self.load.is_empty() {
            match self.sender.send(&mut self.load).await {
                Ok(()) => {
                    if self.outage.is_told() {
                        // What was missed meanwhile stands before what is waiting.
                        self.fill();
                    }
                    self.succeeded();
                }
                Err(Failure::Refused { lines, why }) => {
                    self.outage.missed(lines);
                    self.failed(&why);
                }
                Err(Failure::Unheard { why }) => {
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
            self.fill();
            if self.load.is_empty() {
                break;
            }
            match self.sender.send(&mut self.load).await {
                Ok(()) => {}
                Err(Failure::Refused { lines, why: text }) => {
                    self.outage.missed(lines);
                    why = Some(text);
                }
                Err(Failure::Unheard { why: text }) => {
                    why = Some(text);
                    self.outage.missed(self.load.give_up());
                    while let Some(delivery) = self.follower.try_next() {
                        self.take(delivery);
                        self.outage.missed(self.load.give_up());
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
        if let Some(text) = self.outage.behind(Instant::now()) {
            self.tell(Level::Warn, text);
        }
    }

    fn tell(&mut self, level: Level, text: String) {
        self.own.push(say(&self.hub, level, text));
    }
}
