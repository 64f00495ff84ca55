//! What it says: much, for ever, without an end, or byte for byte what a file holds.

use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::ending;
use crate::flags::Flags;
use crate::ledger::Ledger;

/// As much is written at once, where nothing else is asked for.
const AT_ONCE: usize = 64 * 1024;

/// Says what the flags ask for, on a thread of its own: whoever waits for a pipe goes on beating.
pub(crate) fn say(flags: &Flags, ledger: &Ledger) {
    if let Some(each) = flags.tick {
        std::thread::spawn(move || tick(each));
    }
    if flags.lines == 0 && flags.long_line == 0 && flags.write.is_none() {
        return;
    }
    let (flags, ledger) = (flags.clone(), ledger.clone());
    std::thread::spawn(move || {
        if flags.at_gate {
            gate();
        }
        ledger.note("speaks");
        // Nobody listens any more: there is nothing left to say.
        if all(&flags).is_ok() {
            ledger.note("said");
        }
        if flags.end_said {
            ending::end(flags.end);
        }
    });
}

/// Returns when the test has opened its gate.
fn gate() {
    let gate = std::env::var_os("TEST_GATE").unwrap_or_default();
    while !Path::new(&gate).exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn all(flags: &Flags) -> io::Result<()> {
    if let Some(file) = &flags.write {
        write(&std::fs::read(file)?)?;
    }
    if flags.both {
        alternately(flags)?;
    } else {
        numbered(flags)?;
    }
    let part = vec![b'x'; AT_ONCE];
    let mut left = flags.long_line;
    while left > 0 {
        let length = left.min(part.len());
        write(&part[..length])?;
        left -= length;
    }
    Ok(())
}

/// The process and the line's number, both as wide in every line, filled up to its length.
fn line(number: u64, flags: &Flags, out: &mut Vec<u8>) {
    let begin = out.len();
    let _ = write!(out, "{:010} {number:010}", std::process::id());
    if flags.line_length > 22 {
        out.push(b' ');
        out.resize(begin + flags.line_length - 1, b'x');
    }
    out.push(b'\n');
}

fn numbered(flags: &Flags) -> io::Result<()> {
    let mut text = Vec::with_capacity(AT_ONCE + flags.line_length + 32);
    for number in 1..=flags.lines {
        line(number, flags, &mut text);
        if text.len() >= AT_ONCE || number == flags.lines {
            write(&text)?;
            text.clear();
        }
    }
    Ok(())
}

/// Odd numbers to standard output, even ones to standard error, each with a write of its own.
fn alternately(flags: &Flags) -> io::Result<()> {
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

/// The time in microseconds since 1970, again and again, until nobody listens.
fn tick(each: Duration) {
    loop {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let text = format!("tick {}\n", now.unwrap_or_default().as_micros());
        if write(text.as_bytes()).is_err() {
            return;
        }
        std::thread::sleep(each);
    }
}

/// Past the buffer of Rust's standard output, which would cut what is said at its line ends.
fn write(mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let written =
            rustix::io::retry_on_intr(|| rustix::io::write(rustix::stdio::stdout(), bytes))?;
        bytes = &bytes[written..];
    }
    Ok(())
}
