//! What stands at the other end of a stream.

use std::ffi::OsString;
use std::io::IsTerminal;
use std::os::fd::AsFd;

/// A stream, as far as showing things depends on it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct StreamInfo {
    /// Whether it is a terminal.
    pub(crate) terminal: bool,
    /// Whether colors are welcome.
    pub(crate) color: bool,
    /// The terminal's columns.
    pub(crate) width: Option<u16>,
}

impl StreamInfo {
    /// Looks at a stream; `plain` forbids colors.
    pub(crate) fn of(stream: &(impl IsTerminal + AsFd), plain: bool) -> Self {
        let terminal = stream.is_terminal();
        let width = terminal
            .then(|| rustix::termios::tcgetwinsize(stream).ok())
            .flatten()
            .map(|size| size.ws_col)
            // Some pseudo-terminals don't know their size.
            .filter(|columns| *columns > 0);
        Self {
            terminal,
            color: terminal && !plain,
            width,
        }
    }
}

/// Whether the environment asks for no colors.
pub(crate) fn color_disabled_by_env(variable: impl Fn(&str) -> Option<OsString>) -> bool {
    let is_set = |name| variable(name).is_some_and(|value| !value.is_empty());
    is_set("NO_COLOR") || is_set("CI") || variable("TERM").is_some_and(|term| term == "dumb")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_decides() {
        for (name, value, plain) in [
            ("NO_COLOR", "1", true),
            ("NO_COLOR", "", false),
            ("CI", "true", true),
            ("TERM", "dumb", true),
            ("TERM", "xterm", false),
        ] {
            let of = |asked: &str| (asked == name).then(|| value.into());
            assert_eq!(color_disabled_by_env(of), plain, "{name}={value}");
        }
    }

    #[test]
    fn a_file_is_no_terminal_and_has_no_colour() {
        let file = tempfile::tempfile().expect("temporary file");
        assert_eq!(StreamInfo::of(&file, false), StreamInfo::default());
    }
}
