//! Waits until a domain writes a text.

use std::collections::HashMap;

use crate::follower::{Capacity, Delivery};
use crate::hub::Hub;
use crate::line::{LogLine, Stream};
use crate::query::LogQuery;
use crate::sanitize::sanitize;

/// Returns once `times` lines of a generation contained `text`, lines that are still in memory
/// included. Colors don't count, neither in the lines nor in the text, nor do Fulcrum's own lines.
/// The parts of a line are one line. Never returns if that does not happen, nor after the hub is
/// closed.
pub async fn wait_for_text(hub: &Hub, domain: &str, generation: u64, text: &str, times: u32) {
    let query = LogQuery {
        generation: Some(generation),
        ..LogQuery::domain(domain)
    };
    let mut follower = hub.subscribe(query.clone(), Capacity::default());
    let mut matches = MatchCounter::new(text);
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
struct MatchCounter {
    text: String,
    last_seq: u64,
    count: u32,
    /// Lines that have not ended.
    open: HashMap<Stream, OpenLine>,
}

#[derive(Default)]
struct OpenLine {
    /// The end of its last part: the text may begin there.
    end: String,
    /// The line has been counted.
    counted: bool,
}

impl MatchCounter {
    fn new(text: &str) -> Self {
        Self {
            text: plain(text.as_bytes()),
            last_seq: 0,
            count: 0,
            open: HashMap::new(),
        }
    }

    fn add(&mut self, line: &LogLine) {
        if line.seq <= self.last_seq {
            return;
        }
        self.last_seq = line.seq;
        if line.stream == Stream::Fulcrum {
            return;
        }
        let before = self.open.remove(&line.stream).unwrap_or_default();
        let text = before.end + &plain(line.content());
        let matches = text.contains(&self.text);
        let count = u32::from(matches && !before.counted);
        self.count = self.count.saturating_add(count);
        if line.partial {
            // A text of that length at the end would have matched.
            let kept = text.len().saturating_sub(self.text.len().saturating_sub(1));
            let line_so_far = OpenLine {
                end: text[text.ceil_char_boundary(kept)..].to_owned(),
                counted: before.counted || matches,
            };
            self.open.insert(line.stream, line_so_far);
        }
    }
}

/// The text without colors.
fn plain(text: &[u8]) -> String {
    let mut out = Vec::new();
    sanitize(text, false, &mut out);
    String::from_utf8(out).unwrap_or_default()
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
        publish_part(hub, generation, stream, text, false);
    }

    fn publish_part(hub: &Hub, generation: u64, stream: Stream, text: &str, partial: bool) {
        let source = Source {
            domain: "users".into(),
            generation,
            pid: 1,
        };
        let message = text.as_bytes().to_vec().into();
        hub.publish(source, stream, None, message, partial, wall_clock());
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
    async fn colors_between_the_words_do_not_matter() {
        let hub = Hub::new(HubConfig::default());
        let line = "\u{1b}[32mlistening\u{1b}[0m on \u{1b}[1;36m4000\u{1b}[39m";
        publish(&hub, 1, Stream::Stdout, line);
        for text in ["listening on 4000", "listening on \u{1b}[1m4000"] {
            let wait = timeout(AT_ONCE, wait_for_text(&hub, "users", 1, text, 1));
            assert!(wait.await.is_ok(), "{text:?}");
        }
    }

    #[tokio::test]
    async fn the_parts_of_a_line_are_one_line() {
        let hub = Hub::new(HubConfig::default());
        let part = |stream, text| publish_part(&hub, 1, stream, text, true);
        part(Stream::Stdout, "listening o");
        part(Stream::Stderr, "warning: ");
        part(Stream::Stdout, "n 40");
        part(Stream::Stdout, "00 (q to quit) > ");
        publish(&hub, 1, Stream::Stdout, "listening on 4000");
        let wait = |times| wait_for_text(&hub, "users", 1, "listening on 4000", times);
        assert!(timeout(AT_ONCE, wait(1)).await.is_ok());
        assert!(timeout(AT_ONCE, wait(2)).await.is_err(), "counted twice");
        publish(&hub, 1, Stream::Stdout, "listening on 4000");
        assert!(timeout(AT_ONCE, wait(2)).await.is_ok());
        publish(&hub, 1, Stream::Stdout, "listening o");
        publish(&hub, 1, Stream::Stdout, "n 4000");
        assert!(timeout(AT_ONCE, wait(3)).await.is_err(), "of two lines");
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
