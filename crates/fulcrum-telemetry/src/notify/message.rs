//! A notification, and its body.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;
use serde_json::json;

/// The longest reason in a notification, in characters. An error may come with a long stack.
const MAX_REASON: usize = 1500;

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// Unique among the notifications of an instance, and the same for each attempt to deliver it.
    pub id: String,
    /// The kind in one word, such as `failed`.
    pub event: &'static str,
    /// The domain.
    pub domain: String,
    /// The generation that it is about.
    pub generation: u64,
    /// Why, for people.
    pub reason: String,
    /// The phase of the domain.
    pub phase: &'static str,
    /// The directory of the app.
    pub app: String,
    /// The name of the machine.
    pub host: String,
    /// When it happened.
    pub time: SystemTime,
}

/// The form of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyFormat {
    /// A JSON object with a field for each fact.
    Json,
    /// `{"text": …}`, as Slack's incoming webhooks take it.
    Slack,
}

/// The body of [`BodyFormat::Json`].
#[derive(Serialize)]
struct Body<'a> {
    id: &'a str,
    event: &'a str,
    domain: &'a str,
    generation: u64,
    phase: &'a str,
    reason: &'a str,
    app: &'a str,
    host: &'a str,
    /// Seconds since the epoch.
    time: f64,
}

impl Notification {
    /// The body in a form.
    #[must_use]
    pub fn body(&self, format: BodyFormat) -> String {
        let reason = shorten(&self.reason);
        match format {
            BodyFormat::Json => {
                let since = self.time.duration_since(UNIX_EPOCH).unwrap_or_default();
                let body = Body {
                    id: &self.id,
                    event: self.event,
                    domain: &self.domain,
                    generation: self.generation,
                    phase: self.phase,
                    reason: &reason,
                    app: &self.app,
                    host: &self.host,
                    time: since.as_secs_f64(),
                };
                // Plain texts and numbers.
                serde_json::to_string(&body).unwrap_or_default()
            }
            BodyFormat::Slack => json!({ "text": self.slack_text(&reason) }).to_string(),
        }
    }

    /// `*users* failed (generation 3) on host: reason`, in Slack's markup.
    fn slack_text(&self, reason: &str) -> String {
        let verb = match self.event {
            "hung" => "is hung",
            "memory" => "exceeded its memory limit",
            "crash_loop" => "is in a crash loop",
            _ => "failed",
        };
        format!(
            "*{}* {verb} (generation {}, {})\n>{}\n_{} on {}_",
            escape(&self.domain),
            self.generation,
            self.phase,
            escape(reason).replace('\n', "\n>"),
            escape(&self.app),
            escape(&self.host),
        )
    }
}

/// The three characters that are markup everywhere in Slack's texts.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

fn shorten(reason: &str) -> String {
    let mut chars = reason.chars();
    let mut short: String = chars.by_ref().take(MAX_REASON).collect();
    if chars.next().is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::Value;

    use super::*;

    fn notification(event: &'static str, reason: &str) -> Notification {
        Notification {
            id: "msg_1".to_owned(),
            event,
            domain: "users".to_owned(),
            generation: 3,
            reason: reason.to_owned(),
            phase: "failed",
            app: "/srv/shop".to_owned(),
            host: "web-1".to_owned(),
            time: UNIX_EPOCH + Duration::from_millis(1500),
        }
    }

    #[test]
    fn the_json_body_has_a_field_for_each_fact() {
        let body = notification("failed", "exit 1: boom").body(BodyFormat::Json);
        let body: Value = serde_json::from_str(&body).expect("JSON");
        let expected = json!({
            "id": "msg_1", "event": "failed", "domain": "users", "generation": 3, "phase": "failed",
            "reason": "exit 1: boom", "app": "/srv/shop", "host": "web-1", "time": 1.5,
        });
        assert_eq!(body, expected);
    }

    #[test]
    fn texts_cannot_add_markup_to_a_slack_message() {
        let reason = "exit 1: <!channel> & more\nat a.js:1";
        let body = notification("crash_loop", reason).body(BodyFormat::Slack);
        let body: Value = serde_json::from_str(&body).expect("JSON");
        assert_eq!(
            body["text"],
            "*users* is in a crash loop (generation 3, failed)\n\
             >exit 1: &lt;!channel&gt; &amp; more\n>at a.js:1\n_/srv/shop on web-1_"
        );
    }

    #[test]
    fn a_long_reason_is_shortened() {
        let body = notification("failed", &"ä".repeat(9000)).body(BodyFormat::Json);
        assert!(body.len() < 2 * MAX_REASON + 300, "{}", body.len());
    }
}
