//! An entry point is started exactly once, whether it starts itself or not.

use fulcrum_e2e::App;

const FIXTURES: [&str; 4] = [
    "exports-a-class",
    "exports-a-class-of-its-own",
    "starts-itself",
    "starts-itself-by-hand",
];

#[test]
fn every_kind_of_entry_point_is_started_once() {
    let app = FIXTURES
        .into_iter()
        .fold(App::new(), |app, fixture| app.domain(fixture, fixture));
    app.start();
    // A second start of a generation would have happened before the next generation is ready.
    app.wait_until_stable(&FIXTURES);
    app.run(&["domains", "restart", "all"]).exits(0);
    app.wait_until_stable(&FIXTURES);
    app.down();
    for fixture in FIXTURES {
        for event in ["spawned", "started", "registered"] {
            assert_eq!(
                app.event_count(fixture, event),
                2,
                "{fixture}: {event}: {:#?}",
                app.activity_log()
            );
        }
    }
}
