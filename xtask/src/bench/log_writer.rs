//! A program that writes lines as fast as it can.

use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Bytes of a line, its end included.
pub(super) const LINE_BYTES: usize = 100;

/// Bytes of one write, as of a program with a buffer.
const BLOCK: usize = 64 * 1024 / LINE_BYTES * LINE_BYTES;

/// Writes that many bytes of lines; the first line is the time, in microseconds since 1970.
///
/// # Errors
/// A closed standard output.
pub(crate) fn write(bytes: u64, start_file: Option<&Path>) -> anyhow::Result<()> {
    while start_file.is_some_and(|start_file| !start_file.exists()) {
        std::thread::sleep(Duration::from_millis(1));
    }
    let line = format!(
        "{:<width$}\n",
        "the quick brown domain jumps over the lazy supervisor",
        width = LINE_BYTES - 1
    );
    let block = line.repeat(BLOCK / LINE_BYTES);
    let mut out = io::stdout().lock();
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros();
    out.write_all(format!("{now:<width$}\n", width = LINE_BYTES - 1).as_bytes())?;
    let mut left = bytes.saturating_sub(LINE_BYTES as u64);
    while left > 0 {
        let now = usize::try_from(left).map_or(BLOCK, |left| left.min(BLOCK));
        out.write_all(&block.as_bytes()[..now])?;
        left -= now as u64;
    }
    Ok(())
}
