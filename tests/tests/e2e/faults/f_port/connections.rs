//! F6 to F9: invalid bytes, idle connections, too many streams, and claimed lengths.

use std::io::Write;
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use fulcrum_e2e::raw::{self, Wire, frame, grpc_head, kind};
use fulcrum_e2e::{App, LIMIT, measurement, wait_until};

use super::methods::{SEND, STREAM};

/// Asserts that a domain that starts now can register.
#[track_caller]
fn assert_new_domain_registers(app: &App, row: &str) {
    let started = Instant::now();
    app.run(&["domains", "start", "late"]).exits(0);
    measurement(
        row,
        &format!(
            "a new domain was ready after {} ms",
            started.elapsed().as_millis()
        ),
    );
    app.run(&["domains", "stop", "late"]).exits(0);
}

#[test]
fn f06_garbage_other_protocols_and_random_bytes_are_closed() {
    let app = App::app_under_attack();
    let address = app.grpc();
    app.survives("F6", || {
        raw::send(&address, &raw::pseudo_random(100_000));
        raw::send(&address, &raw::tls_hello());
        raw::send(&address, b"");
        raw::send(
            &address,
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        );
        let response = raw::send(&address, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let response = String::from_utf8_lossy(&response);
        assert!(response.starts_with("HTTP/1.1 426 "), "{response}");
        assert!(response.contains("HTTP/2"), "{response}");
        let random: Vec<_> = (0..100)
            .map(|_| {
                let address = address.clone();
                thread::spawn(move || raw::send(&address, &raw::random(20_000)))
            })
            .collect();
        for client in random {
            assert_eq!(client.join().expect("the connection was closed"), b"");
        }
    });
    app.down();
}

fn idle(address: &str, count: usize) -> Vec<TcpStream> {
    (0..count)
        .filter_map(|_| TcpStream::connect(address).ok())
        .collect()
}

fn open_idle_connections(count: usize) {
    let app = App::app_under_attack();
    let address = app.grpc();
    app.survives("F7", || {
        let silent = idle(&address, count);
        assert_eq!(silent.len(), count);
        assert_new_domain_registers(&app, "F7");
        // Connections that send their preface byte by byte.
        let mut dripping = idle(&address, 100);
        for byte in &b"PRI * HTTP/2.0\r\n\r\nSM"[..7] {
            for stream in &mut dripping {
                // Closed after five seconds, as intended.
                let _ = stream.write_all(&[*byte]);
            }
            thread::sleep(Duration::from_millis(100));
        }
        assert_new_domain_registers(&app, "F7");
    });
    app.down();
}

#[test]
fn f07_idle_connections_do_not_block_new_domains() {
    open_idle_connections(1500);
}

#[test]
#[ignore = "long: five thousand connections"]
fn f07_five_thousand_idle_connections_do_not_block_new_domains() {
    open_idle_connections(5000);
}

/// Connections that send preface and settings, and then nothing.
#[test]
fn f07_idle_http2_connections_do_not_block_new_domains() {
    let app = App::app_under_attack();
    let address = app.grpc();
    app.survives("F7", || {
        let mut idle: Vec<Wire> = (0..1200)
            .filter_map(|_| Wire::connect(&address).ok())
            .collect();
        assert_eq!(idle.len(), 1200);
        assert_new_domain_registers(&app, "F7");
        // An open request without a message keeps a connection idle all the same.
        for wire in &mut idle {
            let (_, open) = wire.request(SEND, None);
            let _ = wire.send(&open);
        }
        let mut requesting: Vec<Wire> = (0..1200)
            .filter_map(|_| Wire::connect(&address).ok())
            .collect();
        for wire in &mut requesting {
            let (_, open) = wire.request(STREAM, None);
            let _ = wire.send(&open);
        }
        assert_new_domain_registers(&app, "F7");
    });
    app.down();
}

#[test]
fn f08_ten_thousand_streams_on_one_connection_are_rejected() {
    let app = App::app_under_attack();
    let address = app.grpc();
    let (refused, ended) = app.survives("F8", || {
        let mut wire = Wire::connect(&address).expect("the port is open");
        let mut reader = wire.try_clone().expect("a handle");
        let reading = thread::spawn(move || {
            let mut refused = 0;
            loop {
                match reader.read() {
                    // REFUSED_STREAM
                    Ok(f) if f.kind == kind::RST_STREAM && f.payload == [0, 0, 0, 7] => {
                        refused += 1
                    }
                    Ok(f) if f.kind == kind::GOAWAY => return (refused, true),
                    Ok(_) => {}
                    Err(_) => return (refused, false),
                }
                if refused >= 9_000 {
                    return (refused, false);
                }
            }
        });
        for _ in 0..100 {
            let many: Vec<u8> = (0..100)
                .flat_map(|_| wire.request(STREAM, None).1)
                .collect();
            if wire.send(&many).is_err() {
                break;
            }
        }
        reading.join().expect("the reader finishes")
    });
    assert!(
        refused >= 9_000 || ended,
        "{refused} of 10,000 streams were rejected"
    );
    measurement(
        "F8",
        &format!("{refused} streams rejected, connection ended: {ended}"),
    );
    app.down();
}

#[test]
fn f09_a_claimed_length_of_four_gigabytes_is_rejected() {
    let app = App::app_under_attack();
    let address = app.grpc();
    app.survives("F9", || {
        for path in [SEND, STREAM] {
            let mut wire = Wire::connect(&address).expect("the port is open");
            for _ in 0..100 {
                let (stream, mut bytes) = wire.request(path, None);
                let mut head = grpc_head(0);
                head[1..].copy_from_slice(&[0xff; 4]);
                bytes.extend(frame(kind::DATA, 0, stream, &head));
                wire.send(&bytes).expect("it is accepted");
                // Answered with a status, without waiting for the claimed length.
                wait_until("it is rejected", LIMIT, || {
                    let frame = wire.read().expect("an answer");
                    wire.answer_control_frame(&frame);
                    (frame.stream == stream && frame.kind == kind::HEADERS && frame.flags & 1 == 1)
                        .then_some(())
                });
            }
        }
    });
    app.down();
}
