//! Counts what a peer can have for nothing.
//!
//! A PING, SETTINGS, WINDOW_UPDATE or RST_STREAM costs its sender nine bytes and us an
//! answer or a look; HTTP/2 sets no limit to them. Here each such frame takes from an
//! allowance that fills up with time, and with honest traffic: whoever asks for something,
//! sends data or is sent some may have as many of them as that brings with it.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

/// Frames that are free at first, and that an idle connection can save up.
const BURST_FRAMES: u32 = 2000;

/// Frames a second that are free.
const PER_SECOND: u32 = 500;

/// Frames that a request or a frame with data brings with it. A client that cancels all it
/// asks for is h2's to notice.
const PER_REQUEST: u32 = 4;

/// Bytes sent to the peer that bring one frame with them. More than the answers to the
/// frames themselves, which have 9 and 17.
const BYTES_PER_FRAME: usize = 32;

const HEAD: usize = 9;
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const END_STREAM: u8 = 1;
const NAMES: [&str; 10] = [
    "empty DATA",
    "HEADERS",
    "PRIORITY",
    "RST_STREAM",
    "SETTINGS",
    "PUSH_PROMISE",
    "PING",
    "GOAWAY",
    "WINDOW_UPDATE",
    "CONTINUATION",
];

/// A connection is used for nothing but frames that cost its peer nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "it floods: more than {PER_SECOND} {} frames and the like a second, and no requests",
    NAMES.get(usize::from(*kind)).unwrap_or(&"unknown")
)]
pub(crate) struct FloodDetected {
    /// The type of the frame that was one too many.
    kind: u8,
}

/// Follows the frames of one connection, as far as it takes to count them.
pub(crate) struct FrameLimiter {
    /// The head of the frame that is being read.
    head: [u8; HEAD],
    read: usize,
    /// What is left of the current frame's payload.
    payload: usize,
    tokens: u32,
    filled: Instant,
    sent: usize,
    /// Streams that aren't finished, and how much was sent on each.
    unfinished: HashMap<u32, usize>,
}

/// What the peer did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct FrameStats {
    /// It opened a stream.
    pub(crate) opened: bool,
    /// Bytes that came on streams which aren't finished.
    pub(crate) in_progress: usize,
    /// Bytes of streams which now are.
    pub(crate) finished: usize,
}

impl FrameLimiter {
    /// For a connection whose preface has been read.
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            head: [0; HEAD],
            read: 0,
            payload: 0,
            tokens: BURST_FRAMES,
            filled: now,
            sent: 0,
            unfinished: HashMap::new(),
        }
    }

    /// Looks at the next bytes of the connection, wherever they begin and end.
    ///
    /// # Errors
    /// The allowance is used up.
    pub(crate) fn inspect(
        &mut self,
        mut bytes: &[u8],
        now: Instant,
    ) -> Result<FrameStats, FloodDetected> {
        self.fill(now);
        let mut seen = FrameStats::default();
        while !bytes.is_empty() {
            if self.payload > 0 {
                let count = self.payload.min(bytes.len());
                self.payload -= count;
                bytes = &bytes[count..];
                continue;
            }
            let count = (HEAD - self.read).min(bytes.len());
            self.head[self.read..self.read + count].copy_from_slice(&bytes[..count]);
            self.read += count;
            bytes = &bytes[count..];
            if self.read == HEAD {
                self.read = 0;
                self.frame(&mut seen)?;
            }
        }
        Ok(seen)
    }

    /// So many bytes went to the peer.
    pub(crate) fn sent(&mut self, count: usize) {
        self.sent += count;
        let earned = self.sent / BYTES_PER_FRAME;
        self.sent %= BYTES_PER_FRAME;
        self.credit(u32::try_from(earned).unwrap_or(u32::MAX));
    }

    /// Accounts for the frame whose head was read.
    fn frame(&mut self, seen: &mut FrameStats) -> Result<(), FloodDetected> {
        let [a, b, c, kind, flags, stream @ ..] = self.head;
        self.payload = u32::from_be_bytes([0, a, b, c]) as usize;
        match kind {
            HEADERS => self.credit(PER_REQUEST),
            DATA if self.payload > 0 => self.credit(PER_REQUEST),
            _ => self.tokens = self.tokens.checked_sub(1).ok_or(FloodDetected { kind })?,
        }
        seen.opened |= kind == HEADERS;
        let stream = u32::from_be_bytes(stream) & 0x7fff_ffff;
        let ends =
            kind == RST_STREAM || (matches!(kind, DATA | HEADERS) && flags & END_STREAM != 0);
        if ends {
            seen.finished += self.unfinished.remove(&stream).unwrap_or_default();
        } else if kind == DATA {
            *self.unfinished.entry(stream).or_default() += self.payload;
            seen.in_progress += self.payload;
        }
        Ok(())
    }

    fn fill(&mut self, now: Instant) {
        const EACH: Duration = Duration::from_micros(1_000_000 / PER_SECOND as u64);
        let since = now.saturating_duration_since(self.filled);
        let free = u32::try_from(since.as_micros() / EACH.as_micros()).unwrap_or(u32::MAX);
        if free >= BURST_FRAMES {
            self.filled = now;
        } else {
            // What is left of the time counts next time.
            self.filled += EACH * free;
        }
        self.credit(free);
    }

    fn credit(&mut self, frames: u32) {
        self.tokens = self.tokens.saturating_add(frames).min(BURST_FRAMES);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PING: u8 = 6;
    const WINDOW_UPDATE: u8 = 8;

    fn frame(kind: u8, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; HEAD + length];
        bytes[..3].copy_from_slice(&u32::try_from(length).expect("short").to_be_bytes()[1..]);
        bytes[3] = kind;
        bytes
    }

    #[test]
    fn a_flood_is_told_by_its_frame_and_patience_is_not_one() {
        let start = Instant::now();
        let mut meter = FrameLimiter::new(start);
        let pings = frame(PING, 8).repeat(BURST_FRAMES as usize);
        assert_eq!(meter.inspect(&pings, start), Ok(FrameStats::default()));
        let flood = meter
            .inspect(&frame(PING, 8), start)
            .expect_err("one too many");
        assert!(flood.to_string().contains("PING"), "{flood}");

        // As many as there are free ones, for an hour.
        let mut meter = FrameLimiter::new(start);
        let each = frame(WINDOW_UPDATE, 4).repeat(PER_SECOND as usize);
        for second in 0..3600 {
            let now = start + Duration::from_secs(second);
            assert!(meter.inspect(&each, now).is_ok(), "in second {second}");
        }
    }

    #[test]
    fn requests_and_answers_bring_frames_with_them() {
        let start = Instant::now();
        let mut meter = FrameLimiter::new(start);
        // A caller at full speed: asks, sends, is answered, grants room.
        let turn = [
            frame(HEADERS, 40),
            frame(DATA, 20),
            frame(WINDOW_UPDATE, 4),
            frame(PING, 8),
        ];
        for _ in 0..50_000 {
            let seen = meter.inspect(&turn.concat(), start).expect("honest");
            assert!(seen.opened);
        }
        // A reader of a long stream: only ever grants room for what it is sent.
        let mut meter = FrameLimiter::new(start);
        for _ in 0..50_000 {
            meter.sent(64);
            meter
                .inspect(&frame(WINDOW_UPDATE, 4).repeat(2), start)
                .expect("honest");
        }
    }

    #[test]
    fn what_is_begun_is_finished_or_given_up() {
        let start = Instant::now();
        let mut meter = FrameLimiter::new(start);
        let on = |stream: u8, flags: u8, mut frame: Vec<u8>| {
            frame[4] = flags;
            frame[8] = stream;
            frame
        };
        let mut look = |bytes: Vec<u8>| {
            let seen = meter.inspect(&bytes, start).expect("few");
            (seen.in_progress, seen.finished)
        };
        assert_eq!(look(on(1, 0, frame(DATA, 1000))), (1000, 0));
        assert_eq!(look(on(3, 0, frame(DATA, 500))), (500, 0));
        assert_eq!(look(on(1, 0, frame(DATA, 1000))), (1000, 0));
        assert_eq!(look(on(1, END_STREAM, frame(DATA, 10))), (0, 2000));
        assert_eq!(look(on(3, 0, frame(RST_STREAM, 4))), (0, 500));
        assert_eq!(look(on(5, END_STREAM, frame(DATA, 10))), (0, 0));
    }

    #[test]
    fn what_is_sent_as_answers_does_not_pay_for_a_flood() {
        let start = Instant::now();
        let mut meter = FrameLimiter::new(start);
        let flooded = (0..10 * BURST_FRAMES).any(|_| {
            meter.sent(17);
            meter.inspect(&frame(PING, 8), start).is_err()
        });
        assert!(flooded);
    }

    proptest! {
        #[test]
        fn frames_are_told_apart_however_they_are_cut(
            frames in prop::collection::vec((0..12_u8, 0..300_usize), 0..60),
            cuts in prop::collection::vec(1..64_usize, 1..40),
        ) {
            let start = Instant::now();
            let bytes: Vec<u8> = frames.iter().flat_map(|(kind, length)| frame(*kind, *length)).collect();
            let mut meter = FrameLimiter::new(start);
            let mut asked = false;
            let mut rest = &bytes[..];
            for cut in cuts.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (now, later) = rest.split_at((*cut).min(rest.len()));
                asked |= meter.inspect(now, start).expect("few").opened;
                rest = later;
            }
            prop_assert_eq!(asked, frames.iter().any(|(kind, _)| *kind == HEADERS));
            let costly = frames.iter().filter(|(kind, length)| {
                *kind != HEADERS && !(*kind == DATA && *length > 0)
            });
            // Nothing that earns, and as much is used up as there were free frames.
            if frames.iter().all(|(kind, length)| *kind != HEADERS && !(*kind == DATA && *length > 0)) {
                prop_assert_eq!(BURST_FRAMES - meter.tokens, u32::try_from(costly.count()).expect("few"));
            }
        }
    }
}
