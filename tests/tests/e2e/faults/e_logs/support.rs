//! Helpers of these tests: numbered lines of stubs, and memory growth.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use fulcrum_e2e::{App, LIMIT, Process, wait_until};

/// The numbers of a stub's lines (`--lines`), as they are read: contiguous in each generation, or
/// what is wrong with them.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    /// The increment from one line to the next.
    pub(super) step: u64,
    /// For each generation the pid and the numbers of its first and last line.
    pub(super) generations: Vec<(u32, u64, u64)>,
    /// Lines without a number, such as the end of a torn one.
    pub(super) others: Vec<String>,
    /// Numbers that do not follow the previous one.
    pub(super) wrong: Vec<String>,
}

impl Numbers {
    pub(super) fn by(step: u64) -> Self {
        Self {
            step,
            ..Self::default()
        }
    }

    pub(super) fn add(&mut self, line: &[u8]) {
        let Some((pid, number)) = numbered(line) else {
            self.others.push(String::from_utf8_lossy(line).into_owned());
            return;
        };
        match self.generations.last_mut() {
            Some((generation_pid, _, last)) if *generation_pid == pid => {
                if number != *last + self.step {
                    self.wrong.push(format!("{pid}: {number} after {last}"));
                }
                *last = number;
            }
            _ => self.generations.push((pid, number, number)),
        }
    }

    /// Asserts one generation with all numbers of a range.
    #[track_caller]
    pub(super) fn assert_range(&self, first: u64, last: u64) {
        assert!(self.wrong.is_empty() && self.others.is_empty(), "{self:?}");
        let [(_, from, to)] = self.generations[..] else {
            panic!("not one generation: {self:?}");
        };
        assert_eq!((from, to), (first, last));
    }
}

/// The pid and the number of a stub's line.
pub(super) fn numbered(line: &[u8]) -> Option<(u32, u64)> {
    let text = std::str::from_utf8(line.get(..21)?).ok()?;
    let (pid, number) = text.split_once(' ')?;
    let rest = &line[21..];
    (pid.len() == 10 && rest.iter().all(|byte| matches!(byte, b' ' | b'x')))
        .then_some(())
        .and_then(|()| Some((pid.parse().ok()?, number.parse().ok()?)))
}

/// The numbers of the stored lines of one stream of a domain.
#[track_caller]
pub(super) fn stored_numbers(app: &App, name: &str, stream: &str, step: u64) -> Numbers {
    let mut numbers = Numbers::by(step);
    let args = ["logs", name, "--stream", stream, "--raw"];
    app.fulcrum(&args).lines(|line| numbers.add(line));
    numbers
}

/// Waits until the last line that a domain has written to a stream has been read: until then it is
/// in the pipe.
#[track_caller]
pub(super) fn wait_for_line(app: &App, name: &str, stream: &str, number: u64) {
    let wanted = format!(" {number:010}");
    let args = ["logs", name, "--stream", stream, "--raw", "-n", "1"];
    wait_until("the last line has arrived", LIMIT, || {
        let last = app.run(&args).exits(0).stdout;
        last.contains(&wanted).then_some(())
    });
}

/// Runs `during`. Returns its result and the maximum growth of a process's resident memory, in
/// bytes.
pub(super) fn growth<T>(process: &Process, during: impl FnOnce() -> T) -> (T, u64) {
    let resident = || process.usage().map_or(0, |usage| usage.rss);
    let finished = AtomicBool::new(false);
    let before = resident();
    thread::scope(|scope| {
        let watching = scope.spawn(|| {
            let mut most = before;
            while !finished.load(Ordering::Relaxed) {
                most = most.max(resident());
                thread::sleep(Duration::from_millis(10));
            }
            most
        });
        let _over = SetOnDrop(&finished);
        let outcome = during();
        finished.store(true, Ordering::Relaxed);
        let most = watching.join().expect("the watch saw to its end");
        (outcome, most.saturating_sub(before))
    })
}

/// Stops the observer when the observed code panics too.
pub(super) struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Bytes as MiB, for measurements.
pub(super) fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
