//! Which lines `fulcrum dev` shows.

use fulcrum_logs::{FULCRUM_SOURCE, Level, LogLine, strip_colors};
use fulcrum_rpc::control;

use crate::text::Search;

/// Which lines are shown. The default lets all through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LineFilter {
    /// Only of these domains; of all if there is none.
    pub domains: Vec<String>,
    /// Only with this text.
    pub search: Option<Search>,
    /// Only errors.
    pub errors_only: bool,
}

impl LineFilter {
    /// Whether it lets all lines through.
    pub fn is_all(&self) -> bool {
        *self == Self::default()
    }

    /// Whether it lets a line through. What Fulcrum says of itself is never hidden by names.
    pub fn matches(&self, line: &LogLine) -> bool {
        self.matches_parts(&line.source.domain, line.level, line.content())
    }

    /// The same for a line of the control API.
    pub fn matches_message(&self, line: &control::LogLine) -> bool {
        let level = line.level.as_deref().map(str::as_bytes);
        self.matches_parts(
            &line.domain,
            level.and_then(Level::from_name),
            &line.message,
        )
    }

    fn matches_parts(&self, domain: &str, level: Option<Level>, text: &[u8]) -> bool {
        let is_chosen = self.domains.is_empty()
            || domain == FULCRUM_SOURCE
            || self.domains.iter().any(|name| name == domain);
        is_chosen
            && (!self.errors_only || level >= Some(Level::Error))
            && self
                .search
                .as_ref()
                .is_none_or(|search| search.is_in(&String::from_utf8_lossy(&strip_colors(text))))
    }

    /// What is shown, for people: `users · errors · /text`.
    pub fn describe(&self) -> String {
        let mut parts = Vec::new();
        if !self.domains.is_empty() {
            parts.push(self.domains.join(", "));
        }
        if self.errors_only {
            parts.push("errors".to_owned());
        }
        parts.extend(
            self.search
                .as_ref()
                .map(|search| format!("/{}", search.text())),
        );
        parts.join(" · ")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::SystemTime;

    use fulcrum_logs::{Hub, HubConfig, LogQuery, PumpCounters, Source, Stream, pump};

    use super::*;

    async fn lines() -> Vec<LogLine> {
        let hub = Hub::new(HubConfig::default());
        for (domain, text) in [
            ("users", &b"{\"level\":50,\"msg\":\"bad\"}\n"[..]),
            ("users", b"fine \x1b[31mred\x1b[0m\n"),
            ("orders", b"other\n"),
        ] {
            let source = Source {
                domain: Arc::from(domain),
                generation: 1,
                pid: 1,
            };
            pump(text, &hub, source, Stream::Stdout, &PumpCounters::default())
                .await
                .expect("read");
        }
        assert!(SystemTime::UNIX_EPOCH < hub.tail(&LogQuery::default())[0].time);
        hub.tail(&LogQuery::default())
    }

    #[tokio::test]
    async fn lines_are_chosen_by_domain_text_and_level() {
        let lines = lines().await;
        let shown = |filter: LineFilter| {
            lines
                .iter()
                .map(|line| filter.matches(line))
                .collect::<Vec<_>>()
        };
        assert!(LineFilter::default().is_all());
        assert_eq!(shown(LineFilter::default()), [true, true, true]);
        let users = LineFilter {
            domains: vec!["users".into()],
            ..LineFilter::default()
        };
        assert_eq!(shown(users.clone()), [true, true, false]);
        let errors = LineFilter {
            errors_only: true,
            ..LineFilter::default()
        };
        assert_eq!(shown(errors), [true, false, false]);
        let red = LineFilter {
            search: Search::new("red"),
            ..users
        };
        assert_eq!(shown(red.clone()), [false, true, false]);
        assert_eq!(red.describe(), "users · /red");
    }
}
