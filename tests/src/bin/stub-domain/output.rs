//! Output: many lines, endless ticks, an unterminated line, or the bytes of a file.

use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::activity_log::ActivityLog;
use crate::exit;
use crate::flags::Flags;

/// The size of one write, unless a flag asks for another.
const CHUNK_BYTES: usize = 64 * 1024;

/// Writes what the flags ask for on a thread of its own, so that a full pipe does not block
/// heartbeats.
pub(crate) fn write_output(flags: &Flags, activity_log: &ActivityLog) {
    if let Some(interval) = flags.tick {
        std::thread::spawn(move || write_ticks(interval));
    }
    if flags.lines == 0 && flags.long_line == 0 && flags.write.is_none() {
        return;
    }
    let (flags, activity_log) = (flags.clone(), activity_log.clone());
    std::thread::spawn(move || {
        if flags.wait_for_gate {
            wait_for_gate();
        }
        activity_log.record("writing");
        // It fails when the pipe is closed.
        if write_requested(&flags).is_ok() {
            activity_log.record("written");
        }
        if flags.exit_when_written {
            exit::exit_as(flags.exit_mode);
        }
    });
}

/// Returns when the test has created the gate file.
fn wait_for_gate() {
    let gate = std::env::var_os("TEST_GATE").unwrap_or_default();
    while !Path::new(&gate).exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn write_requested(flags: &Flags) -> io::Result<()> {
    if let Some(file) = &flags.write {
        write(&std::fs::read(file)?)?;
    }
    if flags.both_streams {
        write_interleaved(flags)?;
    } else {
        write_numbered(flags)?;
    }
    let part = vec![b'x'; CHUNK_BYTES];
    let mut remaining = flags.long_line;
    while remaining > 0 {
        let length = remaining.min(part.len());
        write(&part[..length])?;
        remaining -= length;
    }
    Ok(())
}

/// The pid and the number of the line, with fixed width, padded to the line length.
fn line(number: u64, flags: &Flags, out: &mut Vec<u8>) {
    let start = out.len();
    let _ = write!(out, "{:010} {number:010}", std::process::id());
    if flags.line_length > 22 {
        out.push(b' ');
        out.resize(start + flags.line_length - 1, b'x');
    }
    out.push(b'\n');
}

fn write_numbered(flags: &Flags) -> io::Result<()> {
    let mut text = Vec::with_capacity(CHUNK_BYTES + flags.line_length + 32);
    for number in 1..=flags.lines {
        line(number, flags, &mut text);
        if text.len() >= CHUNK_BYTES || number == flags.lines {
            write(&text)?;
            text.clear();
        }
    }
    Ok(())
}

/// Odd numbers to standard output, even ones to standard error, each with one write.
fn write_interleaved(flags: &Flags) -> io::Result<()> {
    let mut text = Vec::new();
    for number in 1..=flags.lines {
        text.clear();
        line(number, flags, &mut text);
        if number % 2 == 1 {
            write(&text)?;
        } else {
            io::stderr().write_all(&text)?;
        }
    }
    Ok(())
}

/// Writes the time in microseconds since 1970 at every interval, until the pipe is closed.
fn write_ticks(interval: Duration) {
    loop {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let text = format!("tick {}\n", now.unwrap_or_default().as_micros());
        if write(text.as_bytes()).is_err() {
            return;
        }
        std::thread::sleep(interval);
    }
}

/// Bypasses the buffer of Rust's standard output, which would split writes at line ends.
fn write(mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let written =
            rustix::io::retry_on_intr(|| rustix::io::write(rustix::stdio::stdout(), bytes))?;
        bytes = &bytes[written..];
    }
    Ok(())
}
