//! Restart decisions over whole histories, with a clock that is only an argument.

#![expect(
    clippy::disallowed_methods,
    reason = "an Instant comes from the clock only; from there on the test owns the time"
)]

use std::time::{Duration, Instant};

use fulcrum_health::{
    Backoff, BackoffConfig, BackoffError, Failure, GenerationEnd, RestartMode, RestartPolicy,
    RestartTracker, SplitMix64, Verdict,
};
use proptest::prelude::*;

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn exit(code: i32) -> GenerationEnd {
    GenerationEnd {
        code: Some(code),
        was_ready: true,
        ..GenerationEnd::default()
    }
}

fn exact() -> RestartPolicy {
    RestartPolicy {
        backoff: BackoffConfig {
            initial: ms(100),
            max: ms(1_000),
            factor: 2.0,
            jitter: 0.0,
        },
        ..RestartPolicy::default()
    }
}

fn restarts(policy: RestartPolicy) -> RestartTracker {
    RestartTracker::new(policy, 7).expect("the policy is valid")
}

fn delay(verdict: &Verdict) -> Option<Duration> {
    match verdict {
        Verdict::Restart { after, .. } => Some(*after),
        Verdict::GiveUp { .. } | Verdict::Stay => None,
    }
}

#[test]
fn the_policy_decides_which_ends_count() {
    let killed = GenerationEnd {
        signal: Some(9),
        was_ready: true,
        ..GenerationEnd::default()
    };
    let hung = GenerationEnd {
        code: Some(0),
        fault: Some(Failure::Unresponsive),
        was_ready: true,
        ..GenerationEnd::default()
    };
    let now = Instant::now();
    for (when, ended, restarted) in [
        (RestartMode::Always, exit(0), true),
        (RestartMode::Always, exit(1), true),
        (RestartMode::OnFailure, exit(0), false),
        (RestartMode::OnFailure, exit(3), false),
        (RestartMode::OnFailure, exit(1), true),
        (RestartMode::OnFailure, killed, true),
        // It exited 0 because it was told to, after it had hung: not a success.
        (RestartMode::OnFailure, hung, true),
        (RestartMode::Never, exit(1), false),
        (RestartMode::Never, hung, false),
    ] {
        let policy = RestartPolicy {
            when,
            success_exit_codes: vec![0, 3],
            ..exact()
        };
        let verdict = restarts(policy).on_exit(&ended, now);
        assert_eq!(
            delay(&verdict),
            restarted.then_some(ms(100)),
            "{when:?} {ended:?}"
        );
        assert!(restarted || verdict == Verdict::Stay);
    }
}

#[test]
fn what_cannot_get_better_is_not_tried_again() {
    let ended = GenerationEnd {
        code: Some(9),
        permanent: true,
        ..GenerationEnd::default()
    };
    for when in [
        RestartMode::Always,
        RestartMode::OnFailure,
        RestartMode::Never,
    ] {
        let mut restarts = restarts(RestartPolicy { when, ..exact() });
        let reason = "exit 9 (Node's code for: invalid argument) before it was ready; \
                      starting it again cannot help";
        assert_eq!(
            restarts.on_exit(&ended, Instant::now()),
            Verdict::GiveUp {
                reason: reason.to_owned()
            }
        );
        assert_eq!(restarts.total(), 0);
    }
}

#[test]
fn delays_grow_and_a_stable_life_begins_anew() {
    let mut restarts = restarts(RestartPolicy {
        budget: 100,
        ..exact()
    });
    let now = Instant::now();
    let mut next = || match restarts.on_exit(&exit(1), now) {
        Verdict::Restart { after, attempt } => (after.as_millis(), attempt),
        other => panic!("{other:?}"),
    };
    let grown = [next(), next(), next(), next(), next(), next()];
    assert_eq!(
        grown,
        [
            (100, 1),
            (200, 2),
            (400, 3),
            (800, 4),
            (1_000, 5),
            (1_000, 6)
        ]
    );
    assert_eq!(
        (restarts.consecutive(), restarts.next_delay()),
        (6, ms(1_000))
    );
    restarts.on_stable();
    assert_eq!((restarts.consecutive(), restarts.next_delay()), (0, ms(0)));
    assert_eq!(restarts.total(), 6);
}

#[test]
fn one_that_was_stable_is_started_again_at_once_and_only_once() {
    let mut restarts = restarts(exact());
    let now = Instant::now();
    let after = |restarts: &mut RestartTracker| {
        let verdict = restarts.on_exit(&exit(1), now);
        delay(&verdict).expect("within the budget")
    };
    assert_eq!(after(&mut restarts), ms(100), "it has never been stable");
    restarts.on_stable();
    assert_eq!(after(&mut restarts), ms(0));
    assert_eq!(after(&mut restarts), ms(100));
    assert_eq!(after(&mut restarts), ms(200));
    restarts.on_stable();
    restarts.reset();
    assert_eq!(
        after(&mut restarts),
        ms(100),
        "an operator's start is no proof"
    );
}

#[test]
fn a_crash_loop_ends_and_says_what_it_was() {
    let mut restarts = restarts(RestartPolicy {
        budget: 3,
        window: ms(10_000),
        ..exact()
    });
    let mut now = Instant::now();
    for _ in 0..3 {
        let after = delay(&restarts.on_exit(&exit(1), now)).expect("within the budget");
        now += after + ms(30);
    }
    let last = GenerationEnd {
        was_ready: false,
        ..exit(1)
    };
    assert_eq!(
        restarts.on_exit(&last, now),
        Verdict::GiveUp {
            reason: "crash loop: 3 restarts in 10s".to_owned()
        }
    );
    // An operator's start gives it a full budget and the shortest delay again.
    restarts.reset();
    assert_eq!(delay(&restarts.on_exit(&exit(1), now)), Some(ms(100)));
}

#[test]
fn settling_does_not_hide_a_slow_crash_loop() {
    let mut restarts = restarts(RestartPolicy {
        budget: 3,
        window: ms(60_000),
        ..exact()
    });
    let mut now = Instant::now();
    for _ in 0..3 {
        assert!(delay(&restarts.on_exit(&exit(1), now)).is_some());
        restarts.on_stable();
        now += ms(11_000);
    }
    assert!(matches!(
        restarts.on_exit(&exit(1), now),
        Verdict::GiveUp { .. }
    ));
    // Out of the window they are forgotten.
    assert!(delay(&restarts.on_exit(&exit(1), now + ms(60_000))).is_some());
}

/// No process, no file to be had: that is no crash, however often it happens. But it is asked less
/// and less often.
#[test]
fn what_never_began_does_not_use_up_the_budget() {
    let mut restarts = restarts(RestartPolicy {
        budget: 1,
        ..exact()
    });
    let never = GenerationEnd {
        fault: Some(Failure::StartFailed),
        ..GenerationEnd::default()
    };
    let now = Instant::now();
    let delays: Vec<_> = (0..20)
        .map(|_| delay(&restarts.on_exit(&never, now)).expect("it is tried again"))
        .collect();
    assert!(delays.is_sorted() && delays[19] == ms(1_000), "{delays:?}");
    assert!(delay(&restarts.on_exit(&exit(1), now)).is_some());
    let verdict = restarts.on_exit(&exit(1), now);
    assert!(matches!(verdict, Verdict::GiveUp { .. }), "{verdict:?}");
}

#[test]
fn without_a_budget_nothing_is_restarted() {
    let mut restarts = restarts(RestartPolicy {
        budget: 0,
        ..exact()
    });
    assert_eq!(
        restarts.on_exit(&exit(1), Instant::now()),
        Verdict::GiveUp {
            reason: "no restart is allowed (restart.budget is 0)".to_owned()
        }
    );
}

#[test]
fn figures_that_make_no_sense_are_refused() {
    let config = BackoffConfig::default();
    let refused = |config| Backoff::new(config).expect_err("it makes no sense");
    let max = ms(1);
    assert!(matches!(
        refused(BackoffConfig { max, ..config }),
        BackoffError::MaxBelowInitial { .. }
    ));
    let max = Duration::MAX;
    assert!(matches!(
        refused(BackoffConfig { max, ..config }),
        BackoffError::MaxTooLong(_)
    ));
    for factor in [0.5, f64::NAN, f64::INFINITY] {
        assert!(matches!(
            refused(BackoffConfig { factor, ..config }),
            BackoffError::Factor(_)
        ));
    }
    for jitter in [-0.1, 1.1, f64::NAN] {
        let error = refused(BackoffConfig { jitter, ..config });
        assert!(matches!(error, BackoffError::Jitter(_)));
        assert!(error.to_string().contains("backoff.jitter"));
    }
}

prop_compose! {
    fn config()(
        initial in 0_u64..5_000,
        more in 0_u64..100_000,
        factor in 1.0_f64..50.0,
        jitter in 0.0_f64..=1.0,
    ) -> BackoffConfig {
        BackoffConfig { initial: ms(initial), max: ms(initial + more), factor, jitter }
    }
}

/// What rounding to nanoseconds may add.
const ROUNDING: Duration = Duration::from_micros(1);

proptest! {
    #[test]
    fn delays_grow_up_to_the_cap_within_the_jitter(config in config(), seed in any::<u64>()) {
        let mut backoff = Backoff::new(config).expect("the strategy makes valid ones");
        let mut random = SplitMix64::new(seed);
        prop_assert_eq!(backoff.peek(), config.initial);
        let mut before = Duration::ZERO;
        for _ in 0..2_000 {
            let nominal = backoff.peek();
            prop_assert!(nominal >= before && nominal <= config.max);
            before = nominal;
            let delay = backoff.next_delay(&mut random);
            prop_assert!(delay + ROUNDING >= nominal.mul_f64(1.0 - config.jitter));
            prop_assert!(delay <= nominal.mul_f64(1.0 + config.jitter) + ROUNDING);
            prop_assert!(delay <= config.max.mul_f64(1.0 + config.jitter) + ROUNDING);
        }
        backoff.reset();
        prop_assert_eq!(backoff.peek(), config.initial);
    }

    #[test]
    fn the_budget_holds_in_every_window_and_a_seed_decides_everything(
        config in config(),
        seed in any::<u64>(),
        budget in 0_u32..6,
        window in 1_u64..20_000,
        lives in prop::collection::vec((0_u64..6_000, any::<bool>()), 1..60),
    ) {
        let policy = RestartPolicy {
            when: RestartMode::Always,
            backoff: config,
            budget,
            window: ms(window),
            ..RestartPolicy::default()
        };
        let mut one = RestartTracker::new(policy.clone(), seed).expect("valid");
        let mut twin = RestartTracker::new(policy, seed).expect("valid");
        let mut now = Instant::now();
        let mut starts: Vec<Instant> = Vec::new();
        for (lived, settled) in lives {
            now += ms(lived);
            if settled {
                one.on_stable();
                twin.on_stable();
            }
            let verdict = one.on_exit(&exit(1), now);
            prop_assert_eq!(&verdict, &twin.on_exit(&exit(1), now));
            match verdict {
                Verdict::Restart { after, .. } => {
                    now += after;
                    starts.push(now);
                }
                Verdict::GiveUp { .. } => {
                    // Never given up while there was room.
                    prop_assert!(starts.len() >= budget as usize);
                }
                Verdict::Stay => prop_assert!(false, "always means always"),
            }
        }
        for (at, first) in starts.iter().enumerate() {
            let within = starts[at..].iter().take_while(|start| **start - *first < ms(window));
            prop_assert!(within.count() <= budget as usize);
        }
    }
}

/// Delays are the new policy's, and what was counted for the budget stays so; one that makes no
/// sense changes nothing.
#[test]
fn another_policy_takes_over_the_count() {
    let mut restarts = restarts(RestartPolicy {
        budget: 8,
        ..exact()
    });
    let now = Instant::now();
    for expected in [100, 200, 400] {
        assert_eq!(delay(&restarts.on_exit(&exit(1), now)), Some(ms(expected)));
    }
    let mut senseless = exact();
    senseless.backoff.factor = 0.0;
    restarts
        .set_policy(senseless)
        .expect_err("a factor below 1");
    assert_eq!(delay(&restarts.on_exit(&exit(1), now)), Some(ms(800)));
    let mut slower = RestartPolicy {
        budget: 5,
        ..exact()
    };
    slower.backoff.initial = ms(500);
    restarts.set_policy(slower).expect("it makes sense");
    assert_eq!(delay(&restarts.on_exit(&exit(1), now)), Some(ms(500)));
    let sixth = restarts.on_exit(&exit(1), now);
    assert!(matches!(sixth, Verdict::GiveUp { .. }), "{sixth:?}");
}
