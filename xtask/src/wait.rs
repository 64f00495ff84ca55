//! Waiting for a condition, with a limit and a message.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::bail;

const INTERVAL: Duration = Duration::from_millis(20);

/// Asks until the answer is there.
///
/// # Errors
/// The first error of `ask`, or that it never held within the limit.
pub(crate) fn until<T>(
    what: &str,
    limit: Duration,
    mut ask: impl FnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    let begun = Instant::now();
    loop {
        if let Some(answer) = ask()? {
            return Ok(answer);
        }
        if begun.elapsed() >= limit {
            bail!("waited {} s in vain until {what}", limit.as_secs_f64());
        }
        thread::sleep(INTERVAL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_asks_again_until_there_is_an_answer() {
        let mut asked = 0;
        let answer = until("the third time", Duration::from_secs(10), || {
            asked += 1;
            Ok((asked == 3).then_some(asked))
        });
        assert_eq!(answer.unwrap(), 3);
    }

    #[test]
    fn the_limit_and_an_error_end_it() {
        let never = until("never", Duration::ZERO, || Ok(None::<()>)).unwrap_err();
        assert_eq!(never.to_string(), "waited 0 s in vain until never");
        let broken = until("never", Duration::MAX, || -> anyhow::Result<Option<()>> {
            bail!("broken")
        });
        assert_eq!(broken.unwrap_err().to_string(), "broken");
    }
}
