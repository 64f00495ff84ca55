//! A program that says a lot, as fast as it can.

use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Bytes of a line, its end included.
pub(super) const LINE: usize = 100;

/// So much is written at once, as a program with a buffer does.
const BLOCK: usize = 64 * 1024 / LINE * LINE;

/// Writes so many bytes of lines; the first line is the time, in microseconds since 1970.
///
/// # Errors
/// Nobody reads them.
pub(crate) fn write(bytes: u64, gate: Option<&Path>) -> anyhow::Result<()> {
    while gate.is_some_and(|gate| !gate.exists()) {
        std::thread::sleep(Duration::from_millis(1));
    }
    let line = format!(
        "{:<width$}\n",
        "the quick brown domain jumps over the lazy supervisor",
        width = LINE - 1
    );
    let block = line.repeat(BLOCK / LINE);
    let mut out = io::stdout().lock();
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros();
    out.write_all(format!("{now:<width$}\n", width = LINE - 1).as_bytes())?;
    let mut left = bytes.saturating_sub(LINE as u64);
    while left > 0 {
        let now = usize::try_from(left).map_or(BLOCK, |left| left.min(BLOCK));
        out.write_all(&block.as_bytes()[..now])?;
        left -= now as u64;
    }
    Ok(())
}
