//! Waiting for a condition, with a limit and a message.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::bail;

const INTERVAL: Duration = Duration::from_millis(20);

/// Calls `check` until it returns a value; 20 ms between the calls.
///
/// # Errors
/// The first error of `check`, or that it returned nothing within `limit`.
pub(crate) fn until<T>(
    what: &str,
    limit: Duration,
    mut check: impl FnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    let started = Instant::now();
    loop {
        if let Some(value) = check()? {
            return Ok(value);
        }
        if started.elapsed() >= limit {
            bail!(
                "timed out after {} s waiting until {what}",
                limit.as_secs_f64()
            );
        }
        thread::sleep(INTERVAL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_is_repeated_until_it_returns_a_value() {
        let mut calls = 0;
        let answer = until("the third time", Duration::from_secs(10), || {
            calls += 1;
            Ok((calls == 3).then_some(calls))
        });
        assert_eq!(answer.unwrap(), 3);
    }

    #[test]
    fn the_limit_or_an_error_stops_it() {
        let never = until("never", Duration::ZERO, || Ok(None::<()>)).unwrap_err();
        assert_eq!(never.to_string(), "timed out after 0 s waiting until never");
        let broken = until("never", Duration::MAX, || -> anyhow::Result<Option<()>> {
            bail!("broken")
        });
        assert_eq!(broken.unwrap_err().to_string(), "broken");
    }
}
