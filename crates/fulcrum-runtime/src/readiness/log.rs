//! A text in what a life says, as a probe.

use std::time::Duration;

use fulcrum_logs::{Capacity, Delivery, Hub, LogLine, LogQuery, Stream};

/// Returns when so many lines of this life have held the text; never, if that doesn't happen.
pub(crate) async fn wait_for_text(
    hub: &Hub,
    domain: &str,
    generation: u64,
    text: &str,
    times: u32,
) {
    let query = LogQuery {
        generation: Some(generation),
        ..LogQuery::domain(domain)
    };
    let mut follower = hub.subscribe(query.clone(), Capacity::default());
    let mut seen = 0;
    let mut found = 0;
    while let Some(delivery) = follower.next().await {
        match delivery {
            Delivery::Line(line) => found += count(&mut seen, &line, text),
            // A flood: what was missed may still be remembered.
            Delivery::Gap(_) => {
                let past = hub.tail(&query);
                found += past
                    .iter()
                    .map(|line| count(&mut seen, line, text))
                    .sum::<u32>();
            }
        }
        if found >= times {
            return;
        }
    }
    // The hub is closed, so the instance ends.
    std::future::pending::<()>().await;
}

/// Whether this line counts, each once.
fn count(seen: &mut u64, line: &LogLine, text: &str) -> u32 {
    if line.seq <= *seen {
        return 0;
    }
    *seen = line.seq;
    u32::from(line.stream != Stream::Fulcrum && line.text().contains(text))
}

/// How long a text is waited for until its absence is told.
pub(crate) const REPORT_AFTER: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use fulcrum_logs::{HubConfig, Source};
    use tokio::time::timeout;

    use super::*;
    use crate::context::now;

    /// Nothing here takes time: what doesn't come at the first look doesn't come.
    const AT_ONCE: Duration = Duration::ZERO;

    fn say(hub: &Hub, generation: u64, stream: Stream, text: &str) {
        let source = Source {
            domain: "users".into(),
            generation,
            pid: 1,
        };
        let message = text.as_bytes().to_vec().into();
        hub.publish(source, stream, None, message, false, now());
    }

    #[tokio::test]
    async fn only_lines_of_this_life_count_each_once() {
        let hub = Hub::new(HubConfig::default());
        say(&hub, 1, Stream::Stdout, "listening on 3000");
        say(&hub, 2, Stream::Fulcrum, "listening on 3000");
        say(&hub, 2, Stream::Stderr, "listening on 3000");
        let said = |times| wait_for_text(&hub, "users", 2, "listening", times);
        assert!(
            timeout(AT_ONCE, said(1)).await.is_ok(),
            "it was said before"
        );
        assert!(timeout(AT_ONCE, said(2)).await.is_err());
        let both =
            async { tokio::join!(said(2), async { say(&hub, 2, Stream::Stdout, "listening") }) };
        assert!(timeout(Duration::from_secs(30), both).await.is_ok());
    }

    #[tokio::test]
    async fn a_flood_does_not_hide_what_is_still_remembered() {
        let hub = Hub::new(HubConfig::default());
        let waiting = wait_for_text(&hub, "users", 1, "ready now", 1);
        tokio::pin!(waiting);
        assert!(timeout(AT_ONCE, &mut waiting).await.is_err());
        say(&hub, 1, Stream::Stdout, "ready now");
        for _ in 0..2_000 {
            say(&hub, 1, Stream::Stdout, &"x".repeat(1_000));
        }
        assert!(timeout(AT_ONCE, &mut waiting).await.is_ok());
    }
}
