//! Profiles, and their pictures.

use serde_json::json;

use super::*;

fn frame(id: u64, function: &str, url: &str, line: i64, children: &[u64]) -> serde_json::Value {
    json!({
        "id": id, "hitCount": 1, "children": children,
        "callFrame": {
            "functionName": function, "scriptId": "1", "url": url, "lineNumber": line,
            "columnNumber": 0,
        },
    })
}

/// `price` takes 6 ms, of which 4 ms are in `tax`; 10 ms are idle.
fn profile() -> String {
    let file = "file:///srv/shop/domains/orders/src/price.ts";
    json!({
        "nodes": [
            frame(1, "(root)", "", -1, &[2, 5]),
            frame(2, "price", file, 11, &[3, 4]),
            frame(3, "tax", file, 20, &[]),
            frame(4, "<x & y>", "node:internal/timers", 4, &[]),
            frame(5, "(idle)", "", -1, &[]),
        ],
        "startTime": 0, "endTime": 16_000,
        "samples": [2, 3, 3, 5, 2],
        "timeDeltas": [1000, 2000, 2000, 10_000, 1000],
    })
    .to_string()
}

#[test]
fn the_width_of_a_frame_is_its_time_and_that_of_its_calls() {
    let graph = FlameGraph::from_cpu_profile(&profile()).expect("a profile");
    assert_eq!((graph.busy_us(), graph.idle_us), (6000, 10_000));
    assert!((graph.busy_share() - 0.375).abs() < 1e-9);
    let (name, price) = graph.root.children.first_key_value().expect("one call");
    assert_eq!(name, "price orders/src/price.ts:12");
    assert_eq!(price.total_us, 6000);
    let tax = &price.children["tax orders/src/price.ts:21"];
    assert_eq!(tax.total_us, 4000);
    assert_eq!(price.children.len(), 1, "what took no time is left out");
}

#[test]
fn a_picture_is_xml_with_all_names_escaped() {
    let text = profile().replace("[2,3,3,5,2]", "[2,4,4,5,2]");
    let graph = FlameGraph::from_cpu_profile(&text).expect("a profile");
    let svg = graph.to_svg("orders & more");
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
    assert!(svg.contains("orders &amp; more") && svg.contains("&lt;x &amp; y&gt;"));
    assert!(
        svg.contains("6 ms of CPU time, 37.5 % of the profile"),
        "{svg}"
    );
    let drawn = svg.matches("<g ").count();
    assert_eq!((drawn, svg.matches("</g>").count()), (2, 2));
}

#[test]
fn what_is_no_profile_is_an_error_and_a_malformed_one_ends() {
    for text in [
        "",
        "{}",
        "[]",
        r#"{"nodes": []}"#,
        r#"{"nodes": [{"id": 1}]}"#,
    ] {
        assert!(FlameGraph::from_cpu_profile(text).is_err(), "{text}");
    }
    let cycle = json!({
        "nodes": [frame(1, "a", "", -1, &[2]), frame(2, "b", "", -1, &[1])],
        "samples": [1, 2, 9], "timeDeltas": [5, -7, 3],
    });
    let graph = FlameGraph::from_cpu_profile(&cycle.to_string()).expect("a profile");
    assert_eq!(graph.busy_us(), 5);
    assert!(graph.to_svg("a cycle").starts_with("<svg "));
}
