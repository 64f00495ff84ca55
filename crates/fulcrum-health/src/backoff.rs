//! When to try again: ever later, never at the same moment as everybody else.

use std::fmt;
use std::time::Duration;

use crate::SplitMix64;

/// A longer delay than this is taken for a mistake in the unit.
const MAX_DELAY: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// How delays grow.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BackoffConfig {
    /// The first delay.
    pub initial: Duration,
    /// Delays stop growing here (jitter may go beyond by its share).
    pub max: Duration,
    /// Each delay is so many times the one before; at least 1.
    pub factor: f64,
    /// Each delay is spread evenly by up to this share of it, up and down; 0 to 1.
    pub jitter: f64,
}

impl Default for BackoffConfig {
    /// 200 ms, doubled up to 30 s, spread by a fifth.
    fn default() -> Self {
        Self {
            initial: Duration::from_millis(200),
            max: Duration::from_secs(30),
            factor: 2.0,
            jitter: 0.2,
        }
    }
}

/// A [`BackoffConfig`] that makes no sense. Its text names the key and what it may be.
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
    /// `jitter` isn't between 0 and 1.
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
                "backoff.max ({} s) is longer than a year; is its unit right?",
                max.as_secs()
            ),
            Self::Factor(factor) => write!(
                f,
                "backoff.factor is {factor}, which would not make delays grow; use 1 or more"
            ),
            Self::Jitter(jitter) => {
                write!(f, "backoff.jitter is {jitter}; use a share from 0 to 1")
            }
        }
    }
}

impl std::error::Error for BackoffError {}

/// Gives one delay after the other.
#[derive(Debug, Clone)]
pub struct Backoff {
    config: BackoffConfig,
    /// Delays given since the last reset.
    step: u32,
}

impl Backoff {
    /// A backoff at its first delay.
    ///
    /// # Errors
    /// When the figures contradict each other or would not make a delay.
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

    /// The next delay, spread with a number from `random`; the one after will be longer.
    pub fn next_delay(&mut self, random: &mut SplitMix64) -> Duration {
        let spread = self.config.jitter * (2.0 * random.next_unit() - 1.0);
        let delay = self.peek().mul_f64(1.0 + spread);
        self.step = self.step.saturating_add(1);
        delay
    }

    /// The next delay before it is spread.
    #[must_use]
    pub fn peek(&self) -> Duration {
        let step = i32::try_from(self.step).unwrap_or(i32::MAX);
        let grown = self.config.initial.as_secs_f64() * self.config.factor.powi(step);
        // Beyond what a Duration holds (or 0 times infinity) it is certainly not below the cap,
        // unless there is nothing to grow from.
        if self.config.initial.is_zero() {
            Duration::ZERO
        } else {
            Duration::try_from_secs_f64(grown).map_or(self.config.max, |grown| {
                grown.clamp(self.config.initial, self.config.max)
            })
        }
    }

    /// Begin again with the first delay.
    pub fn reset(&mut self) {
        self.step = 0;
    }
}
