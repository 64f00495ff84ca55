//! Frames as fast as they can be sent.

use std::thread;
use std::time::{Duration, Instant};

use fulcrum_e2e::raw::{Ended, Wire, frame, kind};
use fulcrum_e2e::{App, figure};

use super::{SEND, STREAM};

/// Sends as fast as it can what `burst` makes, over connection after connection, and gives how many
/// of them were ended by the other side.
fn flood(
    address: &str,
    lasting: Duration,
    burst: impl Fn(&mut Wire) -> Vec<u8>,
) -> (u64, Option<Ended>) {
    let begun = Instant::now();
    let (mut ended, mut how) = (0, None);
    while begun.elapsed() < lasting {
        let Ok(mut wire) = Wire::dial(address) else {
            continue;
        };
        let Ok(mut reader) = wire.second() else {
            continue;
        };
        let reading = thread::spawn(move || reader.drained());
        while begun.elapsed() < lasting {
            let bytes = burst(&mut wire);
            if wire.send(&bytes).is_err() {
                ended += 1;
                break;
            }
        }
        wire.hang_up();
        if let Ok(Ok(told)) = reading.join() {
            how = Some(told);
        }
    }
    (ended, how)
}

#[track_caller]
fn endures_a_flood(what: &str, burst: impl Fn(&mut Wire) -> Vec<u8>) {
    let app = App::besieged();
    let address = app.grpc();
    let (ended, how) = app.endures("F10", || flood(&address, Duration::from_secs(3), burst));
    figure(
        "F10",
        &format!("{what}: {ended} connections ended, the last with {how:?}"),
    );
    assert!(ended > 0, "the flood was let in for ever");
    app.down();
}

#[test]
fn f10_streams_reset_as_fast_as_they_are_opened() {
    endures_a_flood("rapid reset", |wire| {
        let one = |_| {
            let (stream, mut bytes) = wire.request(SEND, None);
            bytes.extend(frame(kind::RST_STREAM, 0, stream, &[0, 0, 0, 8]));
            bytes
        };
        (0..500).flat_map(one).collect()
    });
}

#[test]
fn f10_headers_that_never_end() {
    endures_a_flood("CONTINUATION", |wire| {
        let (stream, mut open) = wire.request(SEND, None);
        // END_HEADERS is taken back.
        open[4] = 0;
        for _ in 0..1000 {
            open.extend(frame(kind::CONTINUATION, 0, stream, b"\x00\x01a\x01b"));
        }
        open
    });
}

#[test]
fn f10_empty_data() {
    let empty = |wire: &mut Wire| {
        let (stream, mut bytes) = wire.request(STREAM, None);
        for _ in 0..5000 {
            bytes.extend(frame(kind::DATA, 0, stream, b""));
        }
        bytes
    };
    endures_a_flood("empty DATA", empty);
}

#[test]
fn f10_settings() {
    let many: Vec<u8> = (0..5000)
        .flat_map(|_| frame(kind::SETTINGS, 0, 0, b""))
        .collect();
    endures_a_flood("SETTINGS", move |_| many.clone());
}

#[test]
fn f10_pings() {
    let many: Vec<u8> = (0..5000)
        .flat_map(|_| frame(kind::PING, 0, 0, b"12345678"))
        .collect();
    endures_a_flood("PING", move |_| many.clone());
}

#[test]
fn f10_window_updates() {
    let many: Vec<u8> = (0..5000)
        .flat_map(|_| frame(kind::WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1]))
        .collect();
    endures_a_flood("WINDOW_UPDATE", move |_| many.clone());
}
