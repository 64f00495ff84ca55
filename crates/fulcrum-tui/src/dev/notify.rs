//! Telling a user who looks elsewhere that a domain has failed. Pure.

use fulcrum_rpc::control::Event;

/// How a failure is told while the terminal has no focus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Notify {
    /// Not at all.
    #[default]
    Off,
    /// By the terminal's bell.
    Bell,
    /// By a notification of iTerm2, kitty, WezTerm, Windows Terminal (OSC 9).
    Osc9,
    /// By a notification of urxvt, foot, VTE, Ghostty (OSC 777).
    Osc777,
}

impl Notify {
    /// What is written for an event; none if it is no failure, or nobody wants to know.
    pub fn sequence(self, app: &str, event: &Event) -> Option<String> {
        if !matches!(event.to.as_str(), "failed" | "stuck") {
            return None;
        }
        let safe = |text: &str| -> String {
            text.chars()
                .filter(|char| !char.is_control() && *char != ';')
                .take(120)
                .collect()
        };
        let title = safe(&format!("{app}: {} failed", event.domain));
        let reason = safe(event.reason.lines().next().unwrap_or_default());
        match self {
            Self::Off => None,
            Self::Bell => Some("\x07".to_owned()),
            Self::Osc9 => Some(format!("\x1b]9;{title}: {reason}\x07")),
            Self::Osc777 => Some(format!("\x1b]777;notify;{title};{reason}\x07")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_failures_are_told() {
        let event = |to: &str| Event {
            domain: "users".into(),
            to: to.into(),
            reason: "exit; code \x1b[31m1\nmore".into(),
            ..Event::default()
        };
        let failed = event("failed");
        assert_eq!(Notify::Off.sequence("shop", &failed), None);
        assert_eq!(
            Notify::Bell.sequence("shop", &failed).as_deref(),
            Some("\x07")
        );
        assert_eq!(
            Notify::Osc9.sequence("shop", &failed).as_deref(),
            Some("\x1b]9;shop: users failed: exit code [31m1\x07")
        );
        assert_eq!(
            Notify::Osc777.sequence("shop", &failed).as_deref(),
            Some("\x1b]777;notify;shop: users failed;exit code [31m1\x07")
        );
        assert_eq!(Notify::Bell.sequence("shop", &event("running")), None);
    }
}
