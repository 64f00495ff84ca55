//! Domains that come, go and change while others live: over a fake world, under paused time.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::tests::{Fake, Harness, ProcessBehavior, TIMING, WELL_BEHAVED, all_ready, setup};
use super::{DomainUpdate, Outcome};
use crate::lifecycle::{Command, Goal, Phase, StopSignal, Timing, TransitionCause};

impl Harness {
    fn revision(
        &self,
        name: &str,
        habit: ProcessBehavior,
        needs: &[&str],
        timing: Timing,
    ) -> DomainUpdate<Fake> {
        DomainUpdate {
            dependencies: all_ready(needs),
            timing,
            backend: setup(name, habit, &[], &self.ledger).backend,
        }
    }

    fn generation(&self, name: &str) -> u64 {
        let handle = self.supervisor.domain(name).expect("known");
        handle.snapshot().generation
    }

    fn spawns(&self, name: &str) -> usize {
        let ledger = self.ledger.lock().expect("ledger");
        ledger
            .spawns
            .iter()
            .filter(|(whose, ..)| whose == name)
            .count()
    }
}

#[tokio::test(start_paused = true)]
async fn a_domain_is_added_to_those_that_run() {
    let mut house = Harness::new(&[("catalog", WELL_BEHAVED, &[])]);
    house.request("catalog", Command::Start).await;
    let new = setup("pay", WELL_BEHAVED, &["catalog"], &house.ledger);
    assert_eq!(house.keeper.add(vec![new]), Vec::<String>::new());
    house
        .keeper
        .set_start_order(vec![vec!["catalog".into()], vec!["pay".into()]]);
    assert_eq!(house.phase("pay"), Phase::Stopped, "nobody has started it");
    let done = house.request("pay", Command::Start).await;
    assert!(matches!(done, Outcome::Done(_)), "{done:?}");
    assert_eq!(house.generation("catalog"), 1, "it was left alone");
    // It has its place in the shutdown.
    assert!(house.supervisor.shutdown().await.is_empty());
    assert_eq!(
        house.ledger.lock().expect("ledger").ended,
        ["pay", "catalog"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_removed_domain_is_ended_in_order_and_forgotten() {
    let mut house = Harness::new(&[
        ("catalog", WELL_BEHAVED, &[]),
        ("orders", WELL_BEHAVED, &["catalog"]),
        ("web", WELL_BEHAVED, &[]),
    ]);
    house.supervisor.start(["catalog", "orders", "web"]).await;
    house.request("orders", Command::Start).await;
    house.request("web", Command::Start).await;
    let both = ["catalog".to_owned(), "orders".to_owned()];
    assert_eq!(house.keeper.remove(&both).await, Vec::<String>::new());
    // Dependents first, and nobody else.
    assert_eq!(
        house.ledger.lock().expect("ledger").ended,
        ["orders", "catalog"]
    );
    assert!(house.supervisor.domain("orders").is_none());
    assert_eq!(house.supervisor.domains().len(), 1);
    assert_eq!(house.phase("web"), Phase::Running);
    // Its numbers aren't used again.
    let again = setup("orders", WELL_BEHAVED, &[], &house.ledger);
    house.keeper.add(vec![again]);
    house.request("orders", Command::Start).await;
    assert_eq!(house.generation("orders"), 2);
}

#[tokio::test(start_paused = true)]
async fn nobody_starts_what_is_being_removed() {
    let stubborn = ProcessBehavior {
        heeds_term: false,
        ..WELL_BEHAVED
    };
    let mut house = Harness::new(&[("old", stubborn, &[])]);
    house.request("old", Command::Start).await;
    let handle = house.supervisor.domain("old").expect("known");
    let late = async {
        sleep(Duration::from_secs(1)).await;
        let started = handle.request(Command::Start).await;
        let renewed = handle.reload("it has changed").await;
        // Asking for the end is fine.
        handle.request(Command::Stop).await.expect("it is stopping");
        (started.is_err(), renewed.is_err())
    };
    let begun = Instant::now();
    let names = ["old".to_owned()];
    let (left, refused) = tokio::join!(house.keeper.remove(&names), late);
    assert_eq!((left, refused), (Vec::new(), (true, true)));
    assert!(begun.elapsed() >= TIMING.stop_grace);
    let handle = house.supervisor.domain("old");
    assert!(handle.is_none());
    assert_eq!(house.spawns("old"), 1);
}

#[tokio::test(start_paused = true)]
async fn what_never_ran_or_failed_is_removed_too() {
    let mute = ProcessBehavior {
        ready_after: None,
        ..WELL_BEHAVED
    };
    let mut house = Harness::new(&[
        ("idle", WELL_BEHAVED, &[]),
        ("waits", WELL_BEHAVED, &["mute"]),
        ("mute", mute, &[]),
    ]);
    house.supervisor.start(["waits", "mute"]).await;
    let all = ["idle", "waits", "mute"].map(str::to_owned);
    assert!(house.keeper.remove(&all).await.is_empty());
    assert!(house.supervisor.domains().is_empty());
    assert!(house.ledger.lock().expect("ledger").alive.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_changed_grace_holds_for_the_life_that_goes_on() {
    let stubborn = ProcessBehavior {
        heeds_term: false,
        ..WELL_BEHAVED
    };
    let mut house = Harness::new(&[("users", stubborn, &[])]);
    house.request("users", Command::Start).await;
    let shorter = Timing {
        stop_grace: Duration::from_secs(1),
        ..TIMING
    };
    let revision = house.revision("users", stubborn, &[], shorter);
    house.keeper.update("users", revision);
    let begun = Instant::now();
    // The shutdown's patience follows it as well.
    assert!(house.supervisor.shutdown().await.is_empty());
    let took = begun.elapsed();
    assert!(
        took >= Duration::from_secs(1) && took < Duration::from_secs(2),
        "{took:?}"
    );
    assert_eq!(house.generation("users"), 1);
}

#[tokio::test(start_paused = true)]
async fn new_settings_take_effect_with_the_next_life() {
    let mut house = Harness::new(&[("users", WELL_BEHAVED, &[])]);
    house.request("users", Command::Start).await;
    let slow = ProcessBehavior {
        ready_after: Some(Duration::from_secs(9)),
        ..WELL_BEHAVED
    };
    let revision = house.revision("users", slow, &[], TIMING);
    house.keeper.update("users", revision);
    let handle = house.supervisor.domain("users").expect("known");
    let ticket = handle.reload("reload: args changed").await.expect("taken");
    assert_eq!(handle.snapshot().reason, "reload: args changed");
    let Outcome::Done(now) = ticket.outcome().await else {
        panic!("not ready")
    };
    assert_eq!(now.ready_after, Some(Duration::from_secs(9)));
    assert_eq!((now.generation, now.restarts), (2, 0));
    let mut told = std::iter::from_fn(|| house.transitions.try_recv().ok());
    let stopping = told
        .find(|one| one.to == Phase::Stopping)
        .expect("it stopped");
    assert_eq!(stopping.cause, TransitionCause::Reload);
}

#[tokio::test(start_paused = true)]
async fn who_waits_at_the_gate_heeds_new_dependencies_at_once() {
    let mut house = Harness::new(&[
        ("db", WELL_BEHAVED, &[]),
        ("cache", WELL_BEHAVED, &[]),
        ("web", WELL_BEHAVED, &["db"]),
    ]);
    house.request("cache", Command::Start).await;
    house.supervisor.start(["web"]).await;
    sleep(Duration::from_secs(1)).await;
    let web = house.supervisor.domain("web").expect("known");
    assert_eq!(web.snapshot().reason, "waiting for db (stopped)");
    let revision = house.revision("web", WELL_BEHAVED, &["cache"], TIMING);
    house.keeper.update("web", revision);
    assert!(matches!(
        house.request("web", Command::Start).await,
        Outcome::Done(_)
    ));
    // And one that runs waits for them at its next start.
    let revision = house.revision("web", WELL_BEHAVED, &["db"], TIMING);
    house.keeper.update("web", revision);
    let _ = web.reload("it has changed").await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(web.snapshot().reason, "waiting for db (stopped)");
}

#[tokio::test(start_paused = true)]
async fn a_change_lifts_a_backoff_and_leaves_the_stopped_alone() {
    let crashing = ProcessBehavior {
        ends_after: Some(Duration::from_millis(100)),
        ..WELL_BEHAVED
    };
    let mut house = Harness::new(&[("users", crashing, &[]), ("orders", WELL_BEHAVED, &[])]);
    house.request("users", Command::Start).await;
    sleep(Duration::from_secs(5)).await;
    assert_eq!(house.phase("users"), Phase::Backoff);
    let mended = house.revision("users", WELL_BEHAVED, &[], TIMING);
    house.keeper.update("users", mended);
    let begun = Instant::now();
    let users = house.supervisor.domain("users").expect("known");
    let ticket = users.reload("it has changed").await.expect("taken");
    assert!(matches!(ticket.outcome().await, Outcome::Done(_)));
    assert!(
        begun.elapsed() < Duration::from_secs(1),
        "without the minute of its backoff"
    );

    house.request("orders", Command::Start).await;
    house.request("orders", Command::Stop).await;
    let orders = house.supervisor.domain("orders").expect("known");
    let ticket = orders.reload("it has changed").await.expect("taken");
    assert!(matches!(ticket.outcome().await, Outcome::Superseded(_)));
    assert_eq!(orders.snapshot().goal, Goal::Down);
    assert_eq!(house.spawns("orders"), 1);
}

#[tokio::test(start_paused = true)]
async fn changes_and_commands_at_once_never_make_two_processes() {
    let house = Harness::new(&[("users", WELL_BEHAVED, &[])]);
    house.request("users", Command::Start).await;
    let handle = house.supervisor.domain("users").expect("known");
    let asks = (0..20).map(|at| {
        let handle = handle.clone();
        tokio::spawn(async move {
            sleep(Duration::from_millis(at * 7)).await;
            let asked = match at % 3 {
                0 => handle.request(Command::Restart).await,
                _ => handle.reload("it has changed").await,
            };
            asked.expect("taken").outcome().await
        })
    });
    for ask in asks.collect::<Vec<_>>() {
        assert!(matches!(ask.await.expect("no panic"), Outcome::Done(_)));
    }
    let ledger = Arc::clone(&house.ledger);
    let ledger = ledger.lock().expect("ledger");
    assert_eq!(ledger.most_alive, 1);
    let terms = ledger
        .signals
        .iter()
        .filter(|(_, signal, _)| *signal == StopSignal::Terminate);
    assert_eq!(terms.count(), ledger.spawns.len() - 1);
}

#[tokio::test(start_paused = true)]
async fn one_that_cannot_be_ended_stays_in_sight_until_it_is_gone() {
    let undying = ProcessBehavior {
        exit_delay: Duration::from_secs(3600),
        ..WELL_BEHAVED
    };
    let mut house = Harness::new(&[("old", undying, &[])]);
    house.request("old", Command::Start).await;
    let names = ["old".to_owned()];
    assert_eq!(house.keeper.remove(&names).await, names);
    assert_eq!(house.phase("old"), Phase::Stuck);
    let again = setup("old", WELL_BEHAVED, &[], &house.ledger);
    assert_eq!(
        house.keeper.add(vec![again]),
        names,
        "there would be two of it"
    );
    sleep(Duration::from_secs(3600)).await;
    house.keeper.drop_finished();
    assert!(!house.keeper.contains("old") && house.supervisor.domain("old").is_none());
    let again = setup("old", WELL_BEHAVED, &[], &house.ledger);
    assert_eq!(house.keeper.add(vec![again]), Vec::<String>::new());
    house.request("old", Command::Start).await;
    assert_eq!(house.generation("old"), 2);
    assert_eq!(house.ledger.lock().expect("ledger").most_alive, 1);
}
