//! Floods of frames.

use std::thread;
use std::time::{Duration, Instant};

use fulcrum_e2e::raw::{ConnectionEnd, Wire, frame, kind};
use fulcrum_e2e::{App, measurement};

use super::methods::{SEND, STREAM};

/// Sends what `burst` returns as fast as possible, over one connection after another. Returns how
/// many of them the peer ended, and how the last one ended.
fn flood(
    address: &str,
    duration: Duration,
    burst: impl Fn(&mut Wire) -> Vec<u8>,
) -> (u64, Option<ConnectionEnd>) {
    let started = Instant::now();
    let (mut ended, mut how) = (0, None);
    while started.elapsed() < duration {
        let Ok(mut wire) = Wire::connect(address) else {
            continue;
        };
        let Ok(mut reader) = wire.try_clone() else {
            continue;
        };
        let reading = thread::spawn(move || reader.drain_until_end());
        while started.elapsed() < duration {
            let bytes = burst(&mut wire);
            if wire.send(&bytes).is_err() {
                ended += 1;
                break;
            }
        }
        wire.close();
        if let Ok(Ok(end)) = reading.join() {
            how = Some(end);
        }
    }
    (ended, how)
}

#[track_caller]
fn survives_flood(description: &str, burst: impl Fn(&mut Wire) -> Vec<u8>) {
    let app = App::app_under_attack();
    let address = app.grpc();
    let (ended, how) = app.survives("F10", || flood(&address, Duration::from_secs(2), burst));
    measurement(
        "F10",
        &format!("{description}: {ended} connections ended, the last with {how:?}"),
    );
    assert!(ended > 0, "no connection was ended");
    app.down();
}

#[test]
fn f10_a_flood_of_stream_resets_is_bounded() {
    survives_flood("rapid reset", |wire| {
        let one = |_| {
            let (stream, mut bytes) = wire.request(SEND, None);
            bytes.extend(frame(kind::RST_STREAM, 0, stream, &[0, 0, 0, 8]));
            bytes
        };
        (0..500).flat_map(one).collect()
    });
}

#[test]
fn f10_a_flood_of_continuation_frames_is_bounded() {
    survives_flood("CONTINUATION", |wire| {
        let (stream, mut open) = wire.request(SEND, None);
        // Clears END_HEADERS.
        open[4] = 0;
        for _ in 0..1000 {
            open.extend(frame(kind::CONTINUATION, 0, stream, b"\x00\x01a\x01b"));
        }
        open
    });
}

#[test]
fn f10_a_flood_of_empty_data_frames_is_bounded() {
    let empty = |wire: &mut Wire| {
        let (stream, mut bytes) = wire.request(STREAM, None);
        for _ in 0..5000 {
            bytes.extend(frame(kind::DATA, 0, stream, b""));
        }
        bytes
    };
    survives_flood("empty DATA", empty);
}

#[test]
fn f10_a_flood_of_settings_is_bounded() {
    let many: Vec<u8> = (0..5000)
        .flat_map(|_| frame(kind::SETTINGS, 0, 0, b""))
        .collect();
    survives_flood("SETTINGS", move |_| many.clone());
}

#[test]
fn f10_a_flood_of_pings_is_bounded() {
    let many: Vec<u8> = (0..5000)
        .flat_map(|_| frame(kind::PING, 0, 0, b"12345678"))
        .collect();
    survives_flood("PING", move |_| many.clone());
}

#[test]
fn f10_a_flood_of_window_updates_is_bounded() {
    let many: Vec<u8> = (0..5000)
        .flat_map(|_| frame(kind::WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1]))
        .collect();
    survives_flood("WINDOW_UPDATE", move |_| many.clone());
}
