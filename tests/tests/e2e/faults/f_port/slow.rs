//! Clients that don't do their part: they don't read, or leave calls open.

use std::time::Duration;

use fulcrum_e2e::App;
use fulcrum_e2e::raw::{Wire, message};

use super::SEND;

/// They ask for large answers and take none of them.
#[test]
fn f11_callers_that_never_read_are_bounded() {
    let app = App::besieged();
    let address = app.grpc();
    app.endures("F11", || {
        let ask = message(
            "users",
            "payload_inflate_request",
            r#"{"bytes":3000000}"#,
            "1",
        );
        let mut callers = Vec::new();
        for _ in 0..4 {
            let mut wire = Wire::without_window(&address).expect("it is a client as any other");
            for _ in 0..40 {
                wire.ask(SEND, None, &ask).expect("it is read");
            }
            callers.push(wire);
        }
        std::thread::sleep(Duration::from_secs(8));
    });
    app.down();
}
