//! Whether lines are read one by one, or only the newest of them now and then. Pure.
//!
//! Nobody reads ten thousand lines a second. Above a limit, reading all of them would cost more than
//! everything else, so that only as many are read as a screen shows.

use std::time::Duration;

/// How long lines are counted.
const WINDOW: Duration = Duration::from_millis(250);

/// More lines than this in a window are a flood: 2,000 a second.
const FLOOD: usize = 500;

/// How many quiet reads end a flood: one second.
const QUIET_READS: u32 = 4;

/// How often the newest lines are read in a flood.
pub(crate) const SAMPLE_INTERVAL: Duration = WINDOW;

/// How many of them.
pub(crate) const SAMPLE_LINES: u64 = 100;

/// Counts lines as they arrive.
#[derive(Debug, Default)]
pub(crate) struct FloodDetector {
    window_end: Duration,
    lines: usize,
}

impl FloodDetector {
    /// Takes a number of lines; true if there is a flood.
    pub(crate) fn on_lines(&mut self, lines: usize, now: Duration) -> bool {
        if now >= self.window_end {
            self.window_end = now + WINDOW;
            self.lines = 0;
        }
        self.lines += lines;
        self.lines > FLOOD
    }

    /// The lines that were there before are no flood.
    pub(crate) fn restart(&mut self, now: Duration) {
        self.window_end = now + WINDOW;
        self.lines = 0;
    }
}

/// The reads of the newest lines during a flood.
#[derive(Debug)]
pub(crate) struct Sampler {
    last_seq: u64,
    quiet: u32,
}

/// What a read of the newest lines has shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sample {
    /// Lines between this read and the one before were not read.
    pub(crate) missed: bool,
    /// Lines come slowly enough to be read one by one again.
    pub(crate) is_over: bool,
}

impl Sampler {
    /// Begins after the line with this number.
    pub(crate) fn new(last_seq: u64) -> Self {
        Self { last_seq, quiet: 0 }
    }

    /// The number of the last line that was read.
    pub(crate) fn last_seq(&self) -> u64 {
        self.last_seq
    }

    /// Takes the numbers of the first and the last line of a read, if it had any.
    pub(crate) fn on_read(&mut self, lines: Option<(u64, u64)>) -> Sample {
        // All lines since the last read are among these if the last one is.
        let missed = lines.is_some_and(|(first, _)| first > self.last_seq);
        self.quiet = if missed { 0 } else { self.quiet + 1 };
        if let Some((_, last)) = lines {
            self.last_seq = self.last_seq.max(last);
        }
        Sample {
            missed,
            is_over: self.quiet >= QUIET_READS,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn a_flood_is_more_than_two_thousand_lines_a_second() {
        let mut detector = FloodDetector::default();
        for step in 0..40 {
            assert!(!detector.on_lines(100, at(step * 100)), "1000 a second");
        }
        let floods = (40..50).any(|step| detector.on_lines(300, at(step * 100)));
        assert!(floods, "3000 a second");
        detector.restart(at(10_000));
        assert!(!detector.on_lines(400, at(10_000)));
    }

    #[test]
    fn a_flood_ends_when_reads_meet_for_a_second() {
        let mut sampler = Sampler::new(100);
        let flood = Sample {
            missed: true,
            is_over: false,
        };
        assert_eq!(sampler.on_read(Some((1_000, 1_100))), flood);
        for read in 0..3 {
            let sample = sampler.on_read(Some((1_050 + read, 1_150)));
            assert!(!sample.missed && !sample.is_over);
        }
        assert!(sampler.on_read(None).is_over);
        assert_eq!(sampler.last_seq(), 1_150);
        assert_eq!(sampler.on_read(Some((2_000, 2_100))), flood);
    }
}
