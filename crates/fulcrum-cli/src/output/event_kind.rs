//! Colors of event kinds.

use super::color::Color;

/// The color of an event kind. It only repeats what the text says.
pub(crate) fn kind_color(kind: &str) -> Color {
    match kind {
        "ready" | "reconnected" => Color::Green,
        "exited" | "hung" | "unhealthy" | "start-timeout" | "refused" | "failed" | "stuck" => {
            Color::Red
        }
        "backoff" | "unready" | "late" | "unresponsive" | "recycled" | "reloading" => Color::Yellow,
        _ => Color::Dim,
    }
}
