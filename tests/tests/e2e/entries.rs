//! An entry is started exactly once, whether it does that itself or not.

use fulcrum_e2e::App;

const FIXTURES: [&str; 4] = [
    "exports-a-class",
    "exports-a-class-of-its-own",
    "starts-itself",
    "starts-itself-by-hand",
];

#[test]
fn every_kind_of_entry_is_started_once() {
    let app = FIXTURES
        .into_iter()
        .fold(App::new(), |app, fixture| app.domain(fixture, fixture));
    app.up();
    // A second start of one life would have come by the time that the next life is ready.
    app.settled(&FIXTURES);
    app.run(&["domains", "restart", "all"]).exits(0);
    app.settled(&FIXTURES);
    app.down();
    for fixture in FIXTURES {
        for event in ["spawned", "started", "registered"] {
            assert_eq!(
                app.times(fixture, event),
                2,
                "{fixture}: {event}: {:#?}",
                app.ledger()
            );
        }
    }
}
