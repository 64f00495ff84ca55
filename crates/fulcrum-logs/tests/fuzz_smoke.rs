//! Properties that hold for any bytes: the checks of the cargo-fuzz targets, with few inputs.

use proptest::prelude::*;

#[path = "../fuzz/checks.rs"]
mod checks;

/// Bytes with fragments that the parsers react to.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let bit = prop_oneof![
        4 => prop::sample::select(vec![
            "\n", "\r", "\r\n", "\u{1b}[", "\u{1b}]", "\u{1b}", "[", "m", ";", ":", "0", "31", "K",
            "\u{9b}", "\u{202e}", "\u{2069}", "\t", "x", "é", "€", "😀", "{", "}", "\"", ",", "level",
            "\"level\":", "30", "trace_id", "\"trace_id\":", "=", "error", "warn", " ", "traceparent",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "[Nest]", "npm ", "<3>",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
        1 => any::<u8>().prop_map(|byte| vec![byte]),
    ];
    prop::collection::vec(bit, 0..60).prop_map(|bits| bits.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn splitter(limit in 0_u8..24, step in any::<u8>(), bytes in bytes()) {
        checks::splitter(&[&[limit, step], bytes.as_slice()].concat());
    }

    #[test]
    fn sanitizer(bytes in bytes()) {
        checks::sanitizer(&bytes);
    }

    #[test]
    fn level_and_trace(bytes in bytes()) {
        checks::level_and_trace(&bytes);
    }

    #[test]
    fn store(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        checks::store(&bytes);
    }
}
