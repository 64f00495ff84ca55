//! Properties of an output stream: terminal, color, width.

use std::ffi::OsString;
use std::io::IsTerminal;
use std::os::fd::AsFd;

/// The properties of a stream that output depends on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct StreamInfo {
    /// Whether it is a terminal.
    pub(crate) terminal: bool,
    /// Whether colors are used.
    pub(crate) color: bool,
    /// The terminal's width in columns.
    pub(crate) width: Option<u16>,
}

impl StreamInfo {
    /// Inspects a stream; `no_color` disables colors.
    pub(crate) fn inspect(stream: &(impl IsTerminal + AsFd), no_color: bool) -> Self {
        let terminal = stream.is_terminal();
        let width = terminal
            .then(|| rustix::termios::tcgetwinsize(stream).ok())
            .flatten()
            .map(|size| size.ws_col)
            // Some pseudo-terminals report no size.
            .filter(|columns| *columns > 0);
        Self {
            terminal,
            color: terminal && !no_color,
            width,
        }
    }
}

/// Whether the environment disables colors.
pub(crate) fn color_disabled_by_env(variable: impl Fn(&str) -> Option<OsString>) -> bool {
    let is_set = |name| variable(name).is_some_and(|value| !value.is_empty());
    is_set("NO_COLOR") || is_set("CI") || variable("TERM").is_some_and(|term| term == "dumb")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_disables_colors() {
        for (name, value, disabled) in [
            ("NO_COLOR", "1", true),
            ("NO_COLOR", "", false),
            ("CI", "true", true),
            ("TERM", "dumb", true),
            ("TERM", "xterm", false),
        ] {
            let variable = |other: &str| (other == name).then(|| value.into());
            assert_eq!(color_disabled_by_env(variable), disabled, "{name}={value}");
        }
    }

    #[test]
    fn a_file_is_not_a_terminal_and_has_no_color() {
        let file = tempfile::tempfile().expect("a temporary file");
        assert_eq!(StreamInfo::inspect(&file, false), StreamInfo::default());
    }
}
