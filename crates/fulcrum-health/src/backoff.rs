//! Exponentially growing delays with jitter.

use std::fmt;
use std::time::Duration;

use crate::random::SplitMix64;

/// Longer delays are rejected as a mistake in the unit.
const MAX_DELAY: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// How delays grow.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BackoffConfig {
    /// The first delay.
    pub initial: Duration,
    /// The longest delay before jitter.
    pub max: Duration,
    /// The factor between two delays; at least 1.
    pub factor: f64,
    /// The largest relative deviation, up and down, evenly distributed; 0 to 1.
    pub jitter: f64,
}

impl Default for BackoffConfig {
    /// 200 ms, doubled up to 30 s, ±20 %.
    fn default() -> Self {
        Self {
            initial: Duration::from_millis(200),
            max: Duration::from_secs(30),
            factor: 2.0,
            jitter: 0.2,
        }
    }
}

/// An invalid [`BackoffConfig`]. Its `Display` names the value and what is allowed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum BackoffError {
    /// `max` is less than `initial`.
    MaxBelowInitial {
        /// The configured first delay.
        initial: Duration,
        /// The configured longest delay.
        max: Duration,
    },
    /// `max` is longer than a year.
    MaxTooLong(Duration),
    /// `factor` is less than 1 or not a number.
    Factor(f64),
    /// `jitter` is not between 0 and 1.
    Jitter(f64),
}

impl fmt::Display for BackoffError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MaxBelowInitial { initial, max } => write!(
                f,
                "backoff.max ({max:?}) is less than backoff.initial ({initial:?}); \
                 raise max or lower initial"
            ),
            Self::MaxTooLong(max) => write!(
                f,
                "backoff.max ({} s) is longer than a year; check its unit",
                max.as_secs()
            ),
            Self::Factor(factor) => write!(
                f,
                "backoff.factor is {factor}, which would not make delays grow; use 1 or more"
            ),
            Self::Jitter(jitter) => {
                write!(f, "backoff.jitter is {jitter}; use a number from 0 to 1")
            }
        }
    }
}

impl std::error::Error for BackoffError {}

/// A sequence of delays.
#[derive(Debug, Clone)]
pub struct Backoff {
    config: BackoffConfig,
    /// Delays returned since the last reset.
    step: u32,
}

impl Backoff {
    /// Creates a backoff that starts with the first delay.
    ///
    /// # Errors
    /// [`BackoffError`] if the values contradict each other or make no delay.
    pub fn new(config: BackoffConfig) -> Result<Self, BackoffError> {
        let BackoffConfig {
            initial,
            max,
            factor,
            jitter,
        } = config;
        if max > MAX_DELAY {
            Err(BackoffError::MaxTooLong(max))
        } else if max < initial {
            Err(BackoffError::MaxBelowInitial { initial, max })
        } else if !(factor >= 1.0 && factor.is_finite()) {
            Err(BackoffError::Factor(factor))
        } else if !(0.0..=1.0).contains(&jitter) {
            Err(BackoffError::Jitter(jitter))
        } else {
            Ok(Self { config, step: 0 })
        }
    }

    /// Returns the next delay, with jitter from `random`, and advances.
    pub fn next_delay(&mut self, random: &mut SplitMix64) -> Duration {
        let deviation = self.config.jitter * (2.0 * random.next_unit() - 1.0);
        let delay = self.peek().mul_f64(1.0 + deviation);
        self.step = self.step.saturating_add(1);
        delay
    }

    /// The next delay, without jitter.
    #[must_use]
    pub fn peek(&self) -> Duration {
        let step = i32::try_from(self.step).unwrap_or(i32::MAX);
        let grown = self.config.initial.as_secs_f64() * self.config.factor.powi(step);
        // A product that a Duration cannot hold is above the cap, unless it grew from zero.
        if self.config.initial.is_zero() {
            Duration::ZERO
        } else {
            Duration::try_from_secs_f64(grown).map_or(self.config.max, |grown| {
                grown.clamp(self.config.initial, self.config.max)
            })
        }
    }

    /// Starts over with the first delay.
    pub fn reset(&mut self) {
        self.step = 0;
    }
}
