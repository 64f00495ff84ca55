//! A `tracing` subscriber that publishes events to a hub.

use std::fmt::{self, Write};

use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use crate::error_code::with_code;
use crate::hub::Hub;
use crate::line::Level;

/// Publishes all later events of `fulcrum…` targets, `info` and above, as Fulcrum's own lines.
///
/// It is the process's global subscriber. Where there is one already, as with a second instance in
/// one process, that one stays.
pub fn install(hub: &Hub) {
    let _ = tracing_subscriber::registry()
        .with(HubLayer(hub.clone()))
        .try_init();
}

struct HubLayer(Hub);

impl<S: Subscriber> Layer<S> for HubLayer {
    /// Events of hyper and h2 are of no use to users.
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        metadata.target().starts_with("fulcrum") && *metadata.level() <= tracing::Level::INFO
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let level = match *event.metadata().level() {
            tracing::Level::ERROR => Level::Error,
            tracing::Level::WARN => Level::Warn,
            tracing::Level::INFO => Level::Info,
            tracing::Level::DEBUG => Level::Debug,
            tracing::Level::TRACE => Level::Trace,
        };
        let mut text = EventText::default();
        event.record(&mut text);
        let EventText { text, code } = text;
        match code {
            Some(code) => self.0.log(level, with_code(&text, code)),
            None => self.0.log(level, text),
        };
    }
}

/// An event as one line: its message, then its fields. The field `code` is an error code.
#[derive(Default)]
struct EventText {
    text: String,
    code: Option<String>,
}

impl Visit for EventText {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a String cannot fail.
        let _ = match field.name() {
            "message" => write!(self.text, "{value:?}"),
            "code" => {
                self.code = Some(format!("{value:?}"));
                Ok(())
            }
            name => write!(self.text, " {name}={value:?}"),
        };
    }
}
