//! Section I, row 16: the memory of a domain is what its end would free.

use fulcrum_e2e::{App, measurement};

/// A server that prepares 40 MB and starts five processes, which share them with it.
const PREFORK: &str = "held=$(head -c 40000000 /dev/zero | tr '\\0' x)\n\
    for worker in 1 2 3 4 5; do (while :; do sleep 60; done) & done\n\
    while :; do sleep 60; done\n";

#[test]
fn i16_pages_that_the_processes_of_a_domain_share_count_once() {
    let domain = |limit: &str| {
        format!("process: {{command: [sh, ../../prefork.sh], limits: {{memory: {limit}}}}}\n")
    };
    let app = App::new()
        .write("prefork.sh", PREFORK)
        .write("domains/roomy/fulcrum.yml", &domain("150MiB"))
        .write("domains/tight/fulcrum.yml", &domain("20MiB"));
    app.run(&["dev", "--detach", "--wait"]).exits(0);
    // By then the other one has been sampled as often.
    let reason = app.wait_for_event("tight", "unhealthy", 1);
    assert!(reason.contains("memory limit"), "{reason}");
    let status = app.status("roomy");
    assert_eq!(status["restarts"], 0, "{status}");
    let bytes = status["memory_bytes"].as_u64().expect("a number");
    let mib = bytes >> 20;
    assert!(
        (38..100).contains(&mib),
        "six processes of 40 MB have {mib} MiB"
    );
    measurement(
        "I16",
        &format!("a server and its five workers share 38 MiB: {mib} MiB in the list"),
    );
    app.down();
}
