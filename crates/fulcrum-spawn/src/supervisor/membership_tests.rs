//! Domains that are added, removed and changed while others run: over fake processes, under paused
//! time.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::tests::{Fake, Harness, ProcessBehavior, TIMING, WELL_BEHAVED, all_ready, domain_spec};
use super::{DomainUpdate, Outcome};
use crate::lifecycle::{Command, Goal, Phase, StopSignal, Timing, TransitionCause};

impl Harness {
    fn update(
        &self,
        name: &str,
        behavior: ProcessBehavior,
        dependencies: &[&str],
        timing: Timing,
    ) -> DomainUpdate<Fake> {
        DomainUpdate {
            dependencies: all_ready(dependencies),
            timing,
            backend: domain_spec(name, behavior, &[], &self.recorder).backend,
        }
    }

    fn generation(&self, name: &str) -> u64 {
        let handle = self.supervisor.domain(name).expect("known");
        handle.snapshot().generation
    }

    fn spawns(&self, name: &str) -> usize {
        let recorder = self.recorder.lock().expect("recorder");
        recorder
            .spawns
            .iter()
            .filter(|(domain, ..)| domain == name)
            .count()
    }
}

#[tokio::test(start_paused = true)]
async fn a_domain_is_added_to_running_ones() {
    let mut harness = Harness::new(&[("catalog", WELL_BEHAVED, &[])]);
    harness.request("catalog", Command::Start).await;
    let new = domain_spec("pay", WELL_BEHAVED, &["catalog"], &harness.recorder);
    assert_eq!(harness.manager.add(vec![new]), Vec::<String>::new());
    harness
        .manager
        .set_start_order(vec![vec!["catalog".into()], vec!["pay".into()]]);
    assert_eq!(harness.phase("pay"), Phase::Stopped, "it was not started");
    let done = harness.request("pay", Command::Start).await;
    assert!(matches!(done, Outcome::Done(_)), "{done:?}");
    assert_eq!(harness.generation("catalog"), 1, "not restarted");
    // It takes part in the shutdown order.
    assert!(harness.supervisor.shutdown().await.is_empty());
    assert_eq!(
        harness.recorder.lock().expect("recorder").ended,
        ["pay", "catalog"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_removed_domain_is_stopped_in_order() {
    let mut harness = Harness::new(&[
        ("catalog", WELL_BEHAVED, &[]),
        ("orders", WELL_BEHAVED, &["catalog"]),
        ("web", WELL_BEHAVED, &[]),
    ]);
    harness.supervisor.start(["catalog", "orders", "web"]).await;
    harness.request("orders", Command::Start).await;
    harness.request("web", Command::Start).await;
    let both = ["catalog".to_owned(), "orders".to_owned()];
    assert_eq!(harness.manager.remove(&both).await, Vec::<String>::new());
    // Dependents first, and no other domain.
    assert_eq!(
        harness.recorder.lock().expect("recorder").ended,
        ["orders", "catalog"]
    );
    assert!(harness.supervisor.domain("orders").is_none());
    assert_eq!(harness.supervisor.domains().len(), 1);
    assert_eq!(harness.phase("web"), Phase::Running);
    // Its generation numbers are not reused.
    let again = domain_spec("orders", WELL_BEHAVED, &[], &harness.recorder);
    harness.manager.add(vec![again]);
    harness.request("orders", Command::Start).await;
    assert_eq!(harness.generation("orders"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_domain_that_is_being_removed_cannot_be_started() {
    let ignores_sigterm = ProcessBehavior {
        handles_sigterm: false,
        ..WELL_BEHAVED
    };
    let mut harness = Harness::new(&[("old", ignores_sigterm, &[])]);
    harness.request("old", Command::Start).await;
    let handle = harness.supervisor.domain("old").expect("known");
    let late = async {
        sleep(Duration::from_secs(1)).await;
        let started = handle.request(Command::Start).await;
        let reload = handle.reload("reload").await;
        // Requesting a stop is accepted.
        handle.request(Command::Stop).await.expect("it is stopping");
        (started.is_err(), reload.is_err())
    };
    let started_at = Instant::now();
    let names = ["old".to_owned()];
    let (left, refused) = tokio::join!(harness.manager.remove(&names), late);
    assert_eq!((left, refused), (Vec::new(), (true, true)));
    assert!(started_at.elapsed() >= TIMING.stop_grace);
    let handle = harness.supervisor.domain("old");
    assert!(handle.is_none());
    assert_eq!(harness.spawns("old"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_domain_that_never_ran_or_failed_can_be_removed() {
    let mute = ProcessBehavior {
        ready_after: None,
        ..WELL_BEHAVED
    };
    let mut harness = Harness::new(&[
        ("idle", WELL_BEHAVED, &[]),
        ("waits", WELL_BEHAVED, &["mute"]),
        ("mute", mute, &[]),
    ]);
    harness.supervisor.start(["waits", "mute"]).await;
    let all = ["idle", "waits", "mute"].map(str::to_owned);
    assert!(harness.manager.remove(&all).await.is_empty());
    assert!(harness.supervisor.domains().is_empty());
    assert!(harness.recorder.lock().expect("recorder").alive.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_changed_grace_applies_to_the_running_generation() {
    let ignores_sigterm = ProcessBehavior {
        handles_sigterm: false,
        ..WELL_BEHAVED
    };
    let mut harness = Harness::new(&[("users", ignores_sigterm, &[])]);
    harness.request("users", Command::Start).await;
    let shorter = Timing {
        stop_grace: Duration::from_secs(1),
        ..TIMING
    };
    let update = harness.update("users", ignores_sigterm, &[], shorter);
    harness.manager.update("users", update);
    let started_at = Instant::now();
    // The shutdown deadline follows it as well.
    assert!(harness.supervisor.shutdown().await.is_empty());
    let took = started_at.elapsed();
    assert!(
        took >= Duration::from_secs(1) && took < Duration::from_secs(2),
        "{took:?}"
    );
    assert_eq!(harness.generation("users"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_new_backend_takes_effect_with_the_next_generation() {
    let mut harness = Harness::new(&[("users", WELL_BEHAVED, &[])]);
    harness.request("users", Command::Start).await;
    let slow = ProcessBehavior {
        ready_after: Some(Duration::from_secs(9)),
        ..WELL_BEHAVED
    };
    let update = harness.update("users", slow, &[], TIMING);
    harness.manager.update("users", update);
    let handle = harness.supervisor.domain("users").expect("known");
    let ticket = handle
        .reload("reload: args changed")
        .await
        .expect("accepted");
    assert_eq!(handle.snapshot().reason, "reload: args changed");
    let Outcome::Done(now) = ticket.outcome().await else {
        panic!("not ready")
    };
    assert_eq!(now.ready_after, Some(Duration::from_secs(9)));
    assert_eq!((now.generation, now.restarts), (2, 0));
    let mut transitions = std::iter::from_fn(|| harness.transitions.try_recv().ok());
    let stopping = transitions
        .find(|one| one.to == Phase::Stopping)
        .expect("it stopped");
    assert_eq!(stopping.cause, TransitionCause::Reload);
}

#[tokio::test(start_paused = true)]
async fn a_waiting_domain_uses_new_dependencies_at_once() {
    let mut harness = Harness::new(&[
        ("db", WELL_BEHAVED, &[]),
        ("cache", WELL_BEHAVED, &[]),
        ("web", WELL_BEHAVED, &["db"]),
    ]);
    harness.request("cache", Command::Start).await;
    harness.supervisor.start(["web"]).await;
    sleep(Duration::from_secs(1)).await;
    let web = harness.supervisor.domain("web").expect("known");
    assert_eq!(web.snapshot().reason, "waiting for db: not started");
    let update = harness.update("web", WELL_BEHAVED, &["cache"], TIMING);
    harness.manager.update("web", update);
    assert!(matches!(
        harness.request("web", Command::Start).await,
        Outcome::Done(_)
    ));
    // A running domain waits for them at its next start.
    let update = harness.update("web", WELL_BEHAVED, &["db"], TIMING);
    harness.manager.update("web", update);
    let _ = web.reload("reload").await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(web.snapshot().reason, "waiting for db: not started");
}

#[tokio::test(start_paused = true)]
async fn a_reload_ends_a_backoff_and_does_not_start_a_stopped_domain() {
    let crashing = ProcessBehavior {
        exits_after: Some(Duration::from_millis(100)),
        ..WELL_BEHAVED
    };
    let mut harness = Harness::new(&[("users", crashing, &[]), ("orders", WELL_BEHAVED, &[])]);
    harness.request("users", Command::Start).await;
    sleep(Duration::from_secs(5)).await;
    assert_eq!(harness.phase("users"), Phase::Backoff);
    let mended = harness.update("users", WELL_BEHAVED, &[], TIMING);
    harness.manager.update("users", mended);
    let started_at = Instant::now();
    let users = harness.supervisor.domain("users").expect("known");
    let ticket = users.reload("reload").await.expect("accepted");
    assert!(matches!(ticket.outcome().await, Outcome::Done(_)));
    assert!(
        started_at.elapsed() < Duration::from_secs(1),
        "without the minute of its backoff"
    );

    harness.request("orders", Command::Start).await;
    harness.request("orders", Command::Stop).await;
    let orders = harness.supervisor.domain("orders").expect("known");
    let ticket = orders.reload("reload").await.expect("accepted");
    assert!(matches!(ticket.outcome().await, Outcome::Superseded(_)));
    assert_eq!(orders.snapshot().goal, Goal::Down);
    assert_eq!(harness.spawns("orders"), 1);
}

#[tokio::test(start_paused = true)]
async fn concurrent_reloads_and_commands_never_run_two_processes() {
    let harness = Harness::new(&[("users", WELL_BEHAVED, &[])]);
    harness.request("users", Command::Start).await;
    let handle = harness.supervisor.domain("users").expect("known");
    let asks = (0..20).map(|at| {
        let handle = handle.clone();
        tokio::spawn(async move {
            sleep(Duration::from_millis(at * 7)).await;
            let ticket = match at % 3 {
                0 => handle.request(Command::Restart).await,
                _ => handle.reload("reload").await,
            };
            ticket.expect("accepted").outcome().await
        })
    });
    for request in asks.collect::<Vec<_>>() {
        assert!(matches!(request.await.expect("no panic"), Outcome::Done(_)));
    }
    let recorder = Arc::clone(&harness.recorder);
    let recorder = recorder.lock().expect("recorder");
    assert_eq!(recorder.most_alive, 1);
    let terms = recorder
        .signals
        .iter()
        .filter(|(_, signal, _)| *signal == StopSignal::Terminate);
    assert_eq!(terms.count(), recorder.spawns.len() - 1);
}

#[tokio::test(start_paused = true)]
async fn a_domain_that_cannot_be_killed_stays_listed_until_it_is_gone() {
    let undying = ProcessBehavior {
        exit_delay: Duration::from_secs(3600),
        ..WELL_BEHAVED
    };
    let mut harness = Harness::new(&[("old", undying, &[])]);
    harness.request("old", Command::Start).await;
    let names = ["old".to_owned()];
    assert_eq!(harness.manager.remove(&names).await, names);
    assert_eq!(harness.phase("old"), Phase::Stuck);
    let again = domain_spec("old", WELL_BEHAVED, &[], &harness.recorder);
    assert_eq!(
        harness.manager.add(vec![again]),
        names,
        "two processes would run"
    );
    sleep(Duration::from_secs(3600)).await;
    harness.manager.drop_finished();
    assert!(!harness.manager.contains("old") && harness.supervisor.domain("old").is_none());
    let again = domain_spec("old", WELL_BEHAVED, &[], &harness.recorder);
    assert_eq!(harness.manager.add(vec![again]), Vec::<String>::new());
    harness.request("old", Command::Start).await;
    assert_eq!(harness.generation("old"), 2);
    assert_eq!(harness.recorder.lock().expect("recorder").most_alive, 1);
}
