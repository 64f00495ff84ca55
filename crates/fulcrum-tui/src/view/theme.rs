//! Colors by meaning.

use fulcrum_logs::Level;
use fulcrum_rpc::control::Domain;
use ratatui::style::{Color, Modifier, Style};

use crate::term::ColorDepth;

/// The looks of what has a meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    /// Its name.
    pub name: &'static str,
    /// Whether colors of log lines are shown.
    pub colors: bool,
    /// Ordinary text.
    pub text: Style,
    /// What matters less.
    pub dim: Style,
    /// The first row.
    pub title: Style,
    /// Titles of columns, and lines between parts.
    pub header: Style,
    /// The selected row.
    pub selected: Style,
    /// Keys, and what is chosen.
    pub accent: Style,
    /// Success.
    pub good: Style,
    /// In progress, or a warning.
    pub busy: Style,
    /// Failure.
    pub bad: Style,
    /// What a search has found.
    pub found: Style,
    /// Colors of names.
    names: [Color; 6],
}

/// Names of all themes, the default first.
pub const THEME_NAMES: [&str; 4] = ["terminal", "dark", "light", "mono"];

impl Theme {
    /// The theme with this number that a terminal can show.
    pub fn new(number: usize, depth: ColorDepth) -> Self {
        let usable: &[fn() -> Self] = match depth {
            ColorDepth::None => &[Self::mono],
            ColorDepth::Ansi => &[Self::terminal, Self::mono],
            ColorDepth::Indexed => &[Self::terminal, Self::dark, Self::light, Self::mono],
        };
        usable[number % usable.len()]()
    }

    /// The number of a theme by its name, on a terminal with this depth.
    pub fn number(name: &str, depth: ColorDepth) -> Option<usize> {
        THEME_NAMES.iter().find(|known| **known == name)?;
        let count = THEME_NAMES.len();
        // A theme that the terminal cannot show is the default.
        Some(
            (0..count)
                .find(|number| Self::new(*number, depth).name == name)
                .unwrap_or(0),
        )
    }

    /// The 16 colors, whose looks the terminal decides.
    fn terminal() -> Self {
        let of = |color| Style::new().fg(color);
        Self {
            name: "terminal",
            colors: true,
            text: Style::new(),
            dim: of(Color::DarkGray),
            title: Style::new().add_modifier(Modifier::BOLD),
            header: of(Color::Cyan),
            // One bar, whatever the colors of its texts.
            selected: Style::new()
                .fg(Color::Reset)
                .add_modifier(Modifier::REVERSED),
            accent: of(Color::Cyan).add_modifier(Modifier::BOLD),
            good: of(Color::Green),
            busy: of(Color::Yellow),
            bad: of(Color::Red).add_modifier(Modifier::BOLD),
            found: Style::new().fg(Color::Black).bg(Color::Yellow),
            names: [
                Color::Cyan,
                Color::Magenta,
                Color::Blue,
                Color::Green,
                Color::Yellow,
                Color::LightBlue,
            ],
        }
    }

    fn dark() -> Self {
        let of = |color| Style::new().fg(Color::Indexed(color));
        Self {
            name: "dark",
            text: of(252),
            dim: of(244),
            title: of(255).bg(Color::Indexed(237)).add_modifier(Modifier::BOLD),
            header: of(110),
            selected: of(255).bg(Color::Indexed(24)),
            accent: of(117).add_modifier(Modifier::BOLD),
            good: of(114),
            busy: of(179),
            bad: of(203).add_modifier(Modifier::BOLD),
            found: of(16).bg(Color::Indexed(220)),
            names: [73, 140, 110, 108, 179, 174].map(Color::Indexed),
            ..Self::terminal()
        }
    }

    fn light() -> Self {
        let of = |color| Style::new().fg(Color::Indexed(color));
        Self {
            name: "light",
            text: of(235),
            dim: of(243),
            title: of(235).bg(Color::Indexed(253)).add_modifier(Modifier::BOLD),
            header: of(25),
            selected: of(16).bg(Color::Indexed(153)),
            accent: of(26).add_modifier(Modifier::BOLD),
            good: of(28),
            busy: of(130),
            bad: of(160).add_modifier(Modifier::BOLD),
            found: of(16).bg(Color::Indexed(221)),
            names: [30, 90, 25, 64, 130, 125].map(Color::Indexed),
            ..Self::terminal()
        }
    }

    /// Weight and inversion only.
    fn mono() -> Self {
        let plain = Style::new();
        let bold = plain.add_modifier(Modifier::BOLD);
        Self {
            name: "mono",
            colors: false,
            text: plain,
            dim: plain,
            title: bold,
            header: plain.add_modifier(Modifier::UNDERLINED),
            selected: plain.add_modifier(Modifier::REVERSED),
            accent: bold,
            good: plain,
            busy: plain,
            bad: bold,
            found: plain.add_modifier(Modifier::REVERSED),
            names: [Color::Reset; 6],
        }
    }

    /// The color of a domain's phase. The text says the same.
    pub fn phase(&self, domain: &Domain) -> Style {
        match domain.phase.as_str() {
            "completed" => self.good,
            "running" if domain.ready => self.good,
            "failed" | "stuck" => self.bad,
            "stopped" => self.dim,
            _ => self.busy,
        }
    }

    /// The color of an event.
    pub fn event(&self, kind: &str) -> Style {
        match kind {
            "ready" | "reconnected" | "completed" => self.good,
            "exited" | "hung" | "unhealthy" | "start-timeout" | "time-limit" | "refused"
            | "failed" | "stuck" => self.bad,
            "backoff" | "unready" | "late" | "unresponsive" | "recycled" | "reloading" => self.busy,
            _ => self.dim,
        }
    }

    /// The color of a line that has no colors of its own.
    pub fn level(&self, level: Option<Level>) -> Style {
        match level {
            Some(Level::Error | Level::Fatal) => self.bad,
            Some(Level::Warn) => self.busy,
            Some(Level::Debug | Level::Trace) => self.dim,
            Some(Level::Info) | None => self.text,
        }
    }

    /// The color of a name, the same every time.
    pub fn name_color(&self, name: &str) -> Style {
        let sum = name.bytes().fold(0_usize, |sum, byte| {
            sum.wrapping_mul(31).wrapping_add(usize::from(byte))
        });
        self.text.fg(self.names[sum % self.names.len()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_shows_the_themes_that_it_can() {
        let names = |depth| {
            let mut names: Vec<_> = (0..4)
                .map(|number| Theme::new(number, depth).name)
                .collect();
            names.dedup();
            names
        };
        assert_eq!(names(ColorDepth::Indexed), THEME_NAMES);
        assert_eq!(names(ColorDepth::None), ["mono"]);
        assert_eq!(Theme::number("light", ColorDepth::Indexed), Some(2));
        assert_eq!(Theme::number("light", ColorDepth::Ansi), Some(0));
        assert_eq!(Theme::number("mono", ColorDepth::Ansi), Some(1));
        assert_eq!(Theme::number("sepia", ColorDepth::Indexed), None);
    }

    #[test]
    fn without_colors_there_are_none() {
        let theme = Theme::new(0, ColorDepth::None);
        for style in [
            theme.text,
            theme.bad,
            theme.selected,
            theme.found,
            theme.name_color("users"),
        ] {
            let is_plain = |color: Option<Color>| color.is_none_or(|color| color == Color::Reset);
            assert!(is_plain(style.fg) && is_plain(style.bg), "{style:?}");
        }
    }
}
