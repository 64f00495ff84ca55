//! Waits until a domain writes a text.

use crate::follower::{Capacity, Delivery};
use crate::hub::Hub;
use crate::line::{LogLine, Stream};
use crate::query::LogQuery;

/// Returns once `times` lines of a generation contained `text`, lines that are still in memory
/// included. Fulcrum's own lines don't count. Never returns if that does not happen, nor after the
/// hub is closed.
pub async fn wait_for_text(hub: &Hub, domain: &str, generation: u64, text: &str, times: u32) {
    let query = LogQuery {
        generation: Some(generation),
        ..LogQuery::domain(domain)
    };
    let mut follower = hub.subscribe(query.clone(), Capacity::default());
    let mut matches = MatchCounter {
        text,
        last_seq: 0,
        count: 0,
    };
    while let Some(delivery) = follower.next().await {
        match delivery {
            Delivery::Line(line) => matches.add(&line),
            // Dropped lines may still be in memory.
            Delivery::Gap(_) => hub.tail(&query).iter().for_each(|line| matches.add(line)),
        }
        if matches.count >= times {
            return;
        }
    }
    std::future::pending::<()>().await;
}

/// Counts matching lines, each once.
struct MatchCounter<'a> {
    text: &'a str,
    last_seq: u64,
    count: u32,
}

impl MatchCounter<'_> {
    fn add(&mut self, line: &LogLine) {
        if line.seq <= self.last_seq {
            return;
        }
        self.last_seq = line.seq;
        let matches = line.stream != Stream::Fulcrum && line.text().contains(self.text);
        self.count = self.count.saturating_add(u32::from(matches));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;
    use crate::clock::wall_clock;
    use crate::hub::HubConfig;
    use crate::line::Source;

    /// Nothing here takes time: what is not there at the first poll does not come.
    const AT_ONCE: Duration = Duration::ZERO;

    fn publish(hub: &Hub, generation: u64, stream: Stream, text: &str) {
        let source = Source {
            domain: "users".into(),
            generation,
            pid: 1,
        };
        let message = text.as_bytes().to_vec().into();
        hub.publish(source, stream, None, message, false, wall_clock());
    }

    #[tokio::test]
    async fn only_lines_of_the_generation_count_each_once() {
        let hub = Hub::new(HubConfig::default());
        publish(&hub, 1, Stream::Stdout, "listening on 3000");
        publish(&hub, 2, Stream::Fulcrum, "listening on 3000");
        publish(&hub, 2, Stream::Stderr, "listening on 3000");
        let wait = |times| wait_for_text(&hub, "users", 2, "listening", times);
        assert!(
            timeout(AT_ONCE, wait(1)).await.is_ok(),
            "it was written before"
        );
        assert!(timeout(AT_ONCE, wait(2)).await.is_err());
        let both = async {
            tokio::join!(wait(2), async {
                publish(&hub, 2, Stream::Stdout, "listening")
            })
        };
        assert!(timeout(Duration::from_secs(30), both).await.is_ok());
    }

    #[tokio::test]
    async fn a_flood_does_not_hide_lines_that_are_still_in_memory() {
        let hub = Hub::new(HubConfig::default());
        let waiting = wait_for_text(&hub, "users", 1, "ready now", 1);
        tokio::pin!(waiting);
        assert!(timeout(AT_ONCE, &mut waiting).await.is_err());
        publish(&hub, 1, Stream::Stdout, "ready now");
        for _ in 0..2_000 {
            publish(&hub, 1, Stream::Stdout, &"x".repeat(1_000));
        }
        assert!(timeout(AT_ONCE, &mut waiting).await.is_ok());
    }
}
