//! Hot reload: files change, and what that means is done.
//!
//! One task holds the watcher of files, and with it what decides when to act: the coalescer, the
//! guard against loops. What a change *means* is a pure function ([`meaning`]), what is watched
//! another ([`wanted`]). Acting goes the ways that clients have, too: settings are read anew as a
//! whole ([`reload::apply`](crate::reload::request::apply)), a domain whose code has changed is renewed
//! ([`reload::restart_for`](crate::reload::request::restart_for)), each in a task of its own, so that the
//! next save is heard meanwhile.
//!
//! Before a life is given up its successor's changed files are parsed ([`checking`]): what is no
//! code leaves the running one as it is. A later save overtakes an earlier one: its reload is given
//! up where it is, and what wasn't started from yet is part of the next.

use std::time::Duration;

use fulcrum_config::{AppWatchSettings, Mode};

/// How files are watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileWatchOptions {
    /// Look at files this often instead of being told by the system.
    pub poll: Option<Duration>,
}

impl FileWatchOptions {
    /// How often files are looked at when nobody says it.
    pub const POLL: Duration = Duration::from_millis(500);

    /// Whether and how files are watched: as the command line says, else the configuration, else
    /// the mode; `dev` does.
    pub fn resolve(
        flag: Option<bool>,
        poll: Option<Duration>,
        settings: &AppWatchSettings,
        mode: Mode,
    ) -> Option<Self> {
        let enabled = flag.or(settings.enabled).unwrap_or(mode == Mode::Dev);
        enabled.then(|| Self {
            poll: poll.or(settings.poll),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_goes_before_the_settings_and_those_before_the_mode() {
        let settings = |enabled| AppWatchSettings {
            enabled,
            poll: None,
            ignore: Vec::new(),
        };
        for (flag, enabled, mode, watches) in [
            (None, None, Mode::Dev, true),
            (None, None, Mode::Serve, false),
            (None, Some(true), Mode::Serve, true),
            (None, Some(false), Mode::Dev, false),
            (Some(true), Some(false), Mode::Dev, true),
            (Some(false), Some(true), Mode::Dev, false),
        ] {
            let decided = FileWatchOptions::resolve(flag, None, &settings(enabled), mode);
            assert_eq!(decided.is_some(), watches, "{flag:?} {enabled:?} {mode:?}");
        }
        let slow = AppWatchSettings {
            poll: Some(Duration::from_secs(2)),
            ..settings(None)
        };
        let poll =
            |flag| FileWatchOptions::resolve(None, flag, &slow, Mode::Dev).and_then(|how| how.poll);
        assert_eq!(poll(None), Some(Duration::from_secs(2)));
        assert_eq!(
            poll(Some(FileWatchOptions::POLL)),
            Some(FileWatchOptions::POLL)
        );
    }
}
