//! What the libraries say of themselves, brought to where all is said.

use std::fmt::{self, Write};

use fulcrum_logs::{Hub, Level};
use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use crate::context::log;

/// From now on the libraries' words go to the hub, as Fulcrum's own.
pub fn install(hub: &Hub) {
    // A second instance within one process, as in a test, keeps the first one's place.
    let _ = tracing_subscriber::registry()
        .with(HubLayer(hub.clone()))
        .try_init();
}

struct HubLayer(Hub);

impl<S: Subscriber> Layer<S> for HubLayer {
    /// Our own crates, and nothing below info: what hyper and h2 notice is no news to people.
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
        let mut text = EventText(String::new());
        event.record(&mut text);
        log(&self.0, level, text.0);
    }
}

/// An event as one line: its message, then its fields.
struct EventText(String);

impl Visit for EventText {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a String can't fail.
        let _ = if field.name() == "message" {
            write!(self.0, "{value:?}")
        } else {
            write!(self.0, " {}={value:?}", field.name())
        };
    }
}
