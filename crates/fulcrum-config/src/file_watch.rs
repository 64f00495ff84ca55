//! Whether and how an instance watches files.

use std::time::Duration;

use crate::mode::Mode;
use crate::runtime::AppWatchSettings;

/// How files are watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileWatchOptions {
    /// The interval of polling, instead of the system's notifications.
    pub poll: Option<Duration>,
}

impl FileWatchOptions {
    /// The interval of polling that is used by default.
    pub const POLL: Duration = Duration::from_millis(500);

    /// The options to watch with, or none if files are not watched. A flag takes precedence over
    /// the setting, and the setting over the mode: [`Mode::Dev`] watches.
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
    fn flags_take_precedence_over_settings_and_settings_over_the_mode() {
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
            let resolved = FileWatchOptions::resolve(flag, None, &settings(enabled), mode);
            assert_eq!(resolved.is_some(), watches, "{flag:?} {enabled:?} {mode:?}");
        }
        let with_poll = AppWatchSettings {
            poll: Some(Duration::from_secs(2)),
            ..settings(None)
        };
        let poll = |flag| {
            FileWatchOptions::resolve(None, flag, &with_poll, Mode::Dev)
                .and_then(|options| options.poll)
        };
        assert_eq!(poll(None), Some(Duration::from_secs(2)));
        assert_eq!(
            poll(Some(FileWatchOptions::POLL)),
            Some(FileWatchOptions::POLL)
        );
    }
}
