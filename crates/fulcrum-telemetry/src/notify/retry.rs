//! When a notification is tried again. No I/O.

use std::time::Duration;

/// The pauses between attempts.
const PAUSES: [Duration; 3] = [
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(15),
];

/// The longest pause that a receiver may ask for.
const MAX_PAUSE: Duration = Duration::from_secs(30);

/// What an attempt came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Attempt {
    /// The receiver accepted it.
    Delivered,
    /// It may be accepted later, at the earliest after this time if the receiver says so.
    Temporary {
        reason: String,
        after: Option<Duration>,
    },
    /// It will not be accepted.
    Permanent(String),
}

/// What follows from an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing.
    Delivered,
    /// Another attempt after this time.
    Retry(Duration),
    /// It is given up.
    GiveUp(String),
}

/// The attempts to deliver one notification.
#[derive(Debug)]
pub(super) struct Retries {
    /// The pauses that are left.
    pauses: std::slice::Iter<'static, Duration>,
}

impl Retries {
    /// `is_failing` is whether the receiver accepted none of the last notification's attempts: then
    /// one attempt is enough to find that it still fails.
    pub(super) fn new(is_failing: bool) -> Self {
        let pauses = if is_failing { &PAUSES[..0] } else { &PAUSES };
        Self {
            pauses: pauses.iter(),
        }
    }

    pub(super) fn next(&mut self, attempt: Attempt) -> Next {
        match attempt {
            Attempt::Delivered => Next::Delivered,
            Attempt::Permanent(reason) => Next::GiveUp(reason),
            Attempt::Temporary { reason, after } => match self.pauses.next() {
                Some(pause) => Next::Retry(after.unwrap_or_default().max(*pause).min(MAX_PAUSE)),
                None => Next::GiveUp(reason),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn temporary(after: Option<u64>) -> Attempt {
        Attempt::Temporary {
            reason: "HTTP 503".to_owned(),
            after: after.map(Duration::from_secs),
        }
    }

    #[test]
    fn a_notification_is_tried_four_times() {
        let mut retries = Retries::new(false);
        for pause in PAUSES {
            assert_eq!(retries.next(temporary(None)), Next::Retry(pause));
        }
        let given_up = Next::GiveUp("HTTP 503".to_owned());
        assert_eq!(retries.next(temporary(None)), given_up);
    }

    #[test]
    fn a_receiver_may_ask_for_a_longer_pause_within_bounds() {
        let mut retries = Retries::new(false);
        let long = retries.next(temporary(Some(8)));
        assert_eq!(long, Next::Retry(Duration::from_secs(8)));
        let endless = retries.next(temporary(Some(86_400)));
        assert_eq!(endless, Next::Retry(MAX_PAUSE));
    }

    #[test]
    fn a_receiver_that_fails_or_refuses_gets_one_attempt() {
        let reason = "HTTP 410".to_owned();
        let refused = Retries::new(false).next(Attempt::Permanent(reason.clone()));
        assert_eq!(refused, Next::GiveUp(reason));
        let failing = Retries::new(true).next(temporary(None));
        assert_eq!(failing, Next::GiveUp("HTTP 503".to_owned()));
        assert_eq!(Retries::new(true).next(Attempt::Delivered), Next::Delivered);
    }
}
