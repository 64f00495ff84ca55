//! Limits HTTP/2 frames that carry no request and no data.
//!
//! A PING, SETTINGS, WINDOW_UPDATE or RST_STREAM costs its sender a few bytes and the receiver
//! a response or some processing, and HTTP/2 does not limit their number. Here each such frame
//! takes a token. Tokens are refilled with time, and with requests and data in either direction,
//! since those need such frames.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

/// Tokens at the start of a connection, and the most that it can have.
const BURST_FRAMES: u32 = 2000;

/// Tokens that are refilled each second.
const PER_SECOND: u32 = 500;

/// Tokens for a request or a frame with data. h2 detects a client that cancels all of its
/// requests.
const PER_REQUEST: u32 = 4;

/// Bytes sent to the peer for which it receives one token. This is more than the responses to
/// such frames have, which are 9 and 17 bytes, so that a flood does not pay for itself.
const BYTES_PER_FRAME: usize = 32;

/// The size of a frame header, in bytes.
const FRAME_HEADER: usize = 9;
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

/// The peer sends frames without requests or data, and has no token left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "frame flood: more than {PER_SECOND} {} or similar frames per second without requests",
    NAMES.get(usize::from(*kind)).unwrap_or(&"unknown")
)]
pub(crate) struct FloodDetected {
    /// The type of the frame that exceeded the limit.
    kind: u8,
}

/// Parses the frame headers of one connection and counts its frames.
pub(crate) struct FrameLimiter {
    /// The header of the current frame, of which `header_read` bytes are there.
    header: [u8; FRAME_HEADER],
    header_read: usize,
    /// Bytes that remain of the current frame's payload.
    payload: usize,
    tokens: u32,
    refilled_at: Instant,
    /// Bytes sent to the peer that were not credited yet.
    sent: usize,
    /// Streams that are not finished, and the bytes received on each.
    unfinished: HashMap<u32, usize>,
}

/// What some bytes of a connection contained.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct FrameStats {
    /// A stream was opened.
    pub(crate) opened: bool,
    /// Bytes on streams that are not finished.
    pub(crate) in_progress: usize,
    /// Bytes of streams that are finished now.
    pub(crate) finished: usize,
}

impl FrameLimiter {
    /// A limiter for a connection whose preface has been read.
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            header: [0; FRAME_HEADER],
            header_read: 0,
            payload: 0,
            tokens: BURST_FRAMES,
            refilled_at: now,
            sent: 0,
            unfinished: HashMap::new(),
        }
    }

    /// Accounts for the next bytes of the connection, which may start and end anywhere in a
    /// frame.
    ///
    /// # Errors
    /// If no token is left.
    pub(crate) fn inspect(
        &mut self,
        mut bytes: &[u8],
        now: Instant,
    ) -> Result<FrameStats, FloodDetected> {
        self.refill(now);
        let mut stats = FrameStats::default();
        while !bytes.is_empty() {
            if self.payload > 0 {
                let count = self.payload.min(bytes.len());
                self.payload -= count;
                bytes = &bytes[count..];
                continue;
            }
            let count = (FRAME_HEADER - self.header_read).min(bytes.len());
            self.header[self.header_read..self.header_read + count]
                .copy_from_slice(&bytes[..count]);
            self.header_read += count;
            bytes = &bytes[count..];
            if self.header_read == FRAME_HEADER {
                self.header_read = 0;
                self.on_frame(&mut stats)?;
            }
        }
        Ok(stats)
    }

    /// Accounts for `count` bytes sent to the peer.
    pub(crate) fn on_sent(&mut self, count: usize) {
        self.sent += count;
        let tokens = self.sent / BYTES_PER_FRAME;
        self.sent %= BYTES_PER_FRAME;
        self.credit(u32::try_from(tokens).unwrap_or(u32::MAX));
    }

    /// Accounts for the frame whose header was read.
    fn on_frame(&mut self, stats: &mut FrameStats) -> Result<(), FloodDetected> {
        let [a, b, c, kind, flags, stream @ ..] = self.header;
        self.payload = u32::from_be_bytes([0, a, b, c]) as usize;
        match kind {
            HEADERS => self.credit(PER_REQUEST),
            DATA if self.payload > 0 => self.credit(PER_REQUEST),
            _ => self.tokens = self.tokens.checked_sub(1).ok_or(FloodDetected { kind })?,
        }
        stats.opened |= kind == HEADERS;
        let stream = u32::from_be_bytes(stream) & 0x7fff_ffff;
        let ends =
            kind == RST_STREAM || (matches!(kind, DATA | HEADERS) && flags & END_STREAM != 0);
        if ends {
            stats.finished += self.unfinished.remove(&stream).unwrap_or_default();
        } else if kind == DATA {
            *self.unfinished.entry(stream).or_default() += self.payload;
            stats.in_progress += self.payload;
        }
        Ok(())
    }

    fn refill(&mut self, now: Instant) {
        const EACH: Duration = Duration::from_micros(1_000_000 / PER_SECOND as u64);
        let elapsed = now.saturating_duration_since(self.refilled_at);
        let tokens = u32::try_from(elapsed.as_micros() / EACH.as_micros()).unwrap_or(u32::MAX);
        if tokens >= BURST_FRAMES {
            self.refilled_at = now;
        } else {
            // The rest of the time counts at the next refill.
            self.refilled_at += EACH * tokens;
        }
        self.credit(tokens);
    }

    fn credit(&mut self, tokens: u32) {
        self.tokens = self.tokens.saturating_add(tokens).min(BURST_FRAMES);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PING: u8 = 6;
    const WINDOW_UPDATE: u8 = 8;

    fn frame(kind: u8, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; FRAME_HEADER + length];
        bytes[..3].copy_from_slice(&u32::try_from(length).expect("short").to_be_bytes()[1..]);
        bytes[3] = kind;
        bytes
    }

    #[test]
    fn a_flood_is_named_by_its_frame_and_a_steady_rate_is_none() {
        let start = Instant::now();
        let mut limiter = FrameLimiter::new(start);
        let pings = frame(PING, 8).repeat(BURST_FRAMES as usize);
        assert_eq!(limiter.inspect(&pings, start), Ok(FrameStats::default()));
        let flood = limiter
            .inspect(&frame(PING, 8), start)
            .expect_err("no token is left");
        assert!(flood.to_string().contains("PING"), "{flood}");

        // At the rate of the refill, for an hour.
        let mut limiter = FrameLimiter::new(start);
        let each = frame(WINDOW_UPDATE, 4).repeat(PER_SECOND as usize);
        for second in 0..3600 {
            let now = start + Duration::from_secs(second);
            assert!(limiter.inspect(&each, now).is_ok(), "in second {second}");
        }
    }

    #[test]
    fn requests_and_responses_credit_tokens() {
        let start = Instant::now();
        let mut limiter = FrameLimiter::new(start);
        // A caller at full speed: each request comes with window updates and pings.
        let exchange = [
            frame(HEADERS, 40),
            frame(DATA, 20),
            frame(WINDOW_UPDATE, 4),
            frame(PING, 8),
        ];
        for _ in 0..50_000 {
            let stats = limiter
                .inspect(&exchange.concat(), start)
                .expect("no flood");
            assert!(stats.opened);
        }
        // A reader of a long stream sends window updates for the data that it receives.
        let mut limiter = FrameLimiter::new(start);
        for _ in 0..50_000 {
            limiter.on_sent(64);
            limiter
                .inspect(&frame(WINDOW_UPDATE, 4).repeat(2), start)
                .expect("no flood");
        }
    }

    #[test]
    fn streams_are_in_progress_until_they_end_or_are_reset() {
        let start = Instant::now();
        let mut limiter = FrameLimiter::new(start);
        let on = |stream: u8, flags: u8, mut frame: Vec<u8>| {
            frame[4] = flags;
            frame[8] = stream;
            frame
        };
        let mut inspect = |bytes: Vec<u8>| {
            let stats = limiter.inspect(&bytes, start).expect("few");
            (stats.in_progress, stats.finished)
        };
        assert_eq!(inspect(on(1, 0, frame(DATA, 1000))), (1000, 0));
        assert_eq!(inspect(on(3, 0, frame(DATA, 500))), (500, 0));
        assert_eq!(inspect(on(1, 0, frame(DATA, 1000))), (1000, 0));
        assert_eq!(inspect(on(1, END_STREAM, frame(DATA, 10))), (0, 2000));
        assert_eq!(inspect(on(3, 0, frame(RST_STREAM, 4))), (0, 500));
        assert_eq!(inspect(on(5, END_STREAM, frame(DATA, 10))), (0, 0));
    }

    #[test]
    fn responses_to_pings_do_not_pay_for_a_flood() {
        let start = Instant::now();
        let mut limiter = FrameLimiter::new(start);
        let flooded = (0..10 * BURST_FRAMES).any(|_| {
            limiter.on_sent(17);
            limiter.inspect(&frame(PING, 8), start).is_err()
        });
        assert!(flooded);
    }

    proptest! {
        #[test]
        fn frames_are_parsed_however_the_bytes_are_split(
            frames in prop::collection::vec((0..12_u8, 0..300_usize), 0..60),
            cuts in prop::collection::vec(1..64_usize, 1..40),
        ) {
            let start = Instant::now();
            let bytes: Vec<u8> = frames.iter().flat_map(|(kind, length)| frame(*kind, *length)).collect();
            let mut limiter = FrameLimiter::new(start);
            let mut opened = false;
            let mut rest = &bytes[..];
            for cut in cuts.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (now, later) = rest.split_at((*cut).min(rest.len()));
                opened |= limiter.inspect(now, start).expect("few").opened;
                rest = later;
            }
            prop_assert_eq!(opened, frames.iter().any(|(kind, _)| *kind == HEADERS));
            let counted = frames.iter().filter(|(kind, length)| {
                *kind != HEADERS && !(*kind == DATA && *length > 0)
            });
            // Without requests and data, each frame has taken one token.
            if frames.iter().all(|(kind, length)| *kind != HEADERS && !(*kind == DATA && *length > 0)) {
                prop_assert_eq!(BURST_FRAMES - limiter.tokens, u32::try_from(counted.count()).expect("few"));
            }
        }
    }
}
