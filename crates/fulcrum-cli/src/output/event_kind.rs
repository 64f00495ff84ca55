//! Colors of event kinds.

use super::color::Color;

/// The color of an event kind. The text has the same information.
pub(crate) fn kind_color(kind: &str) -> Color {
    match kind {
        "ready" | "reconnected" | "completed" => Color::Green,
        "exited" | "hung" | "unhealthy" | "start-timeout" | "time-limit" | "refused" | "failed"
        | "stuck" => Color::Red,
        "backoff" | "unready" | "late" | "unresponsive" | "recycled" | "reloading" => Color::Yellow,
        _ => Color::Dim,
    }
}
