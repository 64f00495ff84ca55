//! Changes of several domains under paused time: dependents stop first, and start last.

use std::time::Duration;

use super::tests::{Harness, ProcessBehavior, WELL_BEHAVED};
use crate::lifecycle::{Command, Fact, Phase, StopSignal};

/// Each takes this long to stop.
const STOP: Duration = Duration::from_millis(300);

const SLOW: ProcessBehavior = ProcessBehavior {
    exit_delay: STOP,
    ..WELL_BEHAVED
};

const CHAIN: [&str; 4] = ["db", "cache", "api", "web"];

async fn chain() -> Harness {
    let harness = Harness::new(&[
        ("db", SLOW, &[]),
        ("cache", SLOW, &["db"]),
        ("api", SLOW, &["cache"]),
        ("web", SLOW, &["api"]),
    ]);
    for name in CHAIN {
        harness.request(name, Command::Start).await;
    }
    harness
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Requests a command of these domains in their turns, and waits for the outcomes.
async fn change(harness: &Harness, selected: &[&str], command: Command) {
    let mut turns = harness.supervisor.turns(&names(selected));
    let requests: Vec<_> = selected
        .iter()
        .map(|name| {
            let handle = harness.supervisor.domain(name).expect("known");
            handle.request_in_turn(command, turns.remove(*name))
        })
        .collect();
    for request in requests {
        request.await.expect("accepted").outcome().await;
    }
}

fn ended(harness: &Harness) -> Vec<String> {
    harness.recorder.lock().expect("recorder").ended.clone()
}

/// The domains in the order of their latest spawns.
fn spawned(harness: &Harness, last: usize) -> Vec<String> {
    let recorder = harness.recorder.lock().expect("recorder");
    let spawns = recorder.spawns.iter().rev().take(last);
    let mut names: Vec<String> = spawns.map(|(name, ..)| name.clone()).collect();
    names.reverse();
    names
}

#[tokio::test(start_paused = true)]
async fn a_restart_of_a_chain_stops_dependents_first_and_starts_dependencies_first() {
    let harness = chain().await;
    change(&harness, &CHAIN, Command::Restart).await;
    assert_eq!(ended(&harness), ["web", "api", "cache", "db"]);
    assert_eq!(spawned(&harness, 4), CHAIN);
    let recorder = harness.recorder.lock().expect("recorder");
    let stops: Vec<_> = recorder
        .signals
        .iter()
        .filter(|(_, signal, _)| *signal == StopSignal::Terminate)
        .collect();
    for pair in stops.windows(2) {
        assert!(pair[1].2 - pair[0].2 >= STOP, "{stops:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_domain_between_two_of_a_change_need_not_be_part_of_it() {
    let harness = chain().await;
    change(&harness, &["db", "web"], Command::Restart).await;
    assert_eq!(ended(&harness), ["web", "db"]);
    assert_eq!(spawned(&harness, 2), ["db", "web"]);
}

#[tokio::test(start_paused = true)]
async fn independent_domains_do_not_wait_for_each_other() {
    let harness = Harness::new(&[("a", SLOW, &[]), ("b", SLOW, &[])]);
    for name in ["a", "b"] {
        harness.request(name, Command::Start).await;
    }
    change(&harness, &["a", "b"], Command::Stop).await;
    let recorder = harness.recorder.lock().expect("recorder");
    let stops: Vec<_> = recorder.signals.iter().collect();
    assert_eq!(stops[0].2, stops[1].2);
}

#[tokio::test(start_paused = true)]
async fn a_later_request_supersedes_one_that_waits_for_its_turn() {
    let harness = chain().await;
    let mut turns = harness.supervisor.turns(&names(&["db", "web"]));
    let handle = |name| harness.supervisor.domain(name).expect("known");
    let web = handle("web").request_in_turn(Command::Restart, turns.remove("web"));
    let db = handle("db").request_in_turn(Command::Restart, turns.remove("db"));
    harness.request("db", Command::Stop).await;
    let rejected = db.await.expect_err("superseded");
    assert!(rejected.0.contains("another request"), "{rejected:?}");
    assert_eq!(handle("db").snapshot().phase, Phase::Stopped);
    // It starts again although the next generation of db will not come, and waits for db as usual.
    web.await.expect("accepted");
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(
        handle("web").snapshot().phase,
        Phase::Running,
        "api still runs"
    );
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_is_dropped_releases_those_that_wait_for_it() {
    let harness = chain().await;
    let mut turns = harness.supervisor.turns(&names(&["db", "web"]));
    let db = harness.supervisor.domain("db").expect("known");
    let request = db.request_in_turn(Command::Restart, turns.remove("db"));
    // The restart of web turned out to be impossible.
    drop(turns);
    request.await.expect("accepted").outcome().await;
    assert_eq!(ended(&harness), ["db"]);
}

#[tokio::test(start_paused = true)]
async fn a_group_restart_keeps_the_order_around_the_member_that_failed() {
    let harness = chain().await;
    let handle = |name: &str| harness.supervisor.domain(name).expect("known");
    let generation = handle("api").snapshot().generation;
    handle("api").report(generation, Fact::Unhealthy("too large".to_owned()));
    let mut turns = harness.supervisor.turns(&names(&CHAIN));
    handle("api").start_in_turn(turns.remove("api").expect("a turn"));
    for (name, turn) in turns {
        let member = handle(&name);
        let fact = Fact::GroupRestart("api failed".to_owned());
        member.report_in_turn(member.snapshot().generation, fact, Some(turn));
    }
    tokio::time::sleep(Duration::from_secs(120)).await;
    let order = ended(&harness);
    let at = |name: &str| order.iter().position(|one| one == name).expect("it ended");
    assert!(
        at("api") < at("cache") && at("web") < at("cache"),
        "{order:?}"
    );
    assert!(at("cache") < at("db"), "{order:?}");
    assert_eq!(spawned(&harness, 4), CHAIN);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_stops_a_domain_that_waits_for_its_turn_once() {
    let harness = chain().await;
    let mut turns = harness.supervisor.turns(&names(&["db", "web"]));
    let handle = |name| harness.supervisor.domain(name).expect("known");
    let web = handle("web").request_in_turn(Command::Restart, turns.remove("web"));
    let db = handle("db").request_in_turn(Command::Restart, turns.remove("db"));
    assert!(harness.supervisor.shutdown().await.is_empty());
    drop((web, db));
    for name in CHAIN {
        assert_eq!(handle(name).snapshot().phase, Phase::Stopped, "{name}");
    }
    assert_eq!(spawned(&harness, 9).len(), 4, "nothing was started again");
}
