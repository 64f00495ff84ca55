//! Restart decisions over whole histories; time is an argument.

#![expect(
    clippy::disallowed_methods,
    reason = "a first moment; all later ones follow from it"
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

/// A start that failed: the first one is delayed too.
fn early_exit(code: i32) -> GenerationEnd {
    GenerationEnd {
        was_ready: false,
        ..exit(code)
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
fn the_policy_decides_which_exits_are_restarted() {
    let killed = GenerationEnd {
        signal: Some(9),
        was_ready: true,
        ..GenerationEnd::default()
    };
    let unresponsive = GenerationEnd {
        code: Some(0),
        failure: Some(Failure::Unresponsive),
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
        // It exited with 0 on request after it was unresponsive: not a success.
        (RestartMode::OnFailure, unresponsive, true),
        (RestartMode::Never, exit(1), false),
        (RestartMode::Never, unresponsive, false),
    ] {
        let policy = RestartPolicy {
            when,
            success_exit_codes: vec![0, 3],
            ..exact()
        };
        let verdict = restarts(policy).on_exit(&ended, now);
        assert_eq!(delay(&verdict).is_some(), restarted, "{when:?} {ended:?}");
        assert!(restarted || verdict == Verdict::Stay);
    }
}

#[test]
fn a_permanent_failure_is_not_restarted() {
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
        let reason = "exit 9 before it was ready; \
                      a restart cannot help";
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
fn delays_grow_and_start_over_after_a_stable_generation() {
    let mut restarts = restarts(RestartPolicy {
        budget: 100,
        ..exact()
    });
    let now = Instant::now();
    let mut next = || match restarts.on_exit(&early_exit(1), now) {
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
fn a_stable_generation_is_restarted_at_once_and_only_once() {
    let mut restarts = restarts(exact());
    let now = Instant::now();
    let after = |restarts: &mut RestartTracker| {
        let verdict = restarts.on_exit(&early_exit(1), now);
        delay(&verdict).expect("within the budget")
    };
    assert_eq!(after(&mut restarts), ms(100), "never stable");
    restarts.on_stable();
    assert_eq!(after(&mut restarts), ms(0));
    assert_eq!(after(&mut restarts), ms(100));
    assert_eq!(after(&mut restarts), ms(200));
    restarts.on_stable();
    restarts.reset();
    assert_eq!(
        after(&mut restarts),
        ms(100),
        "an operator's start does not make it stable"
    );
}

#[test]
fn a_crash_loop_ends_with_a_reason() {
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
    assert_eq!(
        restarts.on_exit(&early_exit(1), now),
        Verdict::GiveUp {
            reason: "crash loop: 3 restarts in 10s".to_owned()
        }
    );
    // An operator's start restores the full budget and the first delay.
    restarts.reset();
    let after_reset = restarts.on_exit(&early_exit(1), now);
    assert_eq!(delay(&after_reset), Some(ms(100)));
}

/// The delays grow to half of the window: judged at the time of the next restart, there would never be
/// too many in one.
#[test]
fn with_the_default_settings_a_program_that_fails_at_once_is_a_crash_loop() {
    for (seed, lives) in [(1, 0), (2, 50), (3, 300), (4, 400)] {
        let policy = RestartPolicy::default();
        let mut tracker = RestartTracker::new(policy, seed).expect("the policy is valid");
        let start = Instant::now();
        let mut now = start;
        for restart in 0..=8 {
            now += ms(lives);
            match tracker.on_exit(&early_exit(1), now) {
                Verdict::Restart { after, .. } => now += after,
                Verdict::GiveUp { reason } => {
                    assert_eq!(
                        (restart, reason.as_str()),
                        (8, "crash loop: 8 restarts in 1m")
                    );
                }
                Verdict::Stay => panic!("a failure is restarted"),
            }
        }
        assert_eq!(tracker.total(), 8, "of a program that lives {lives} ms");
        assert!(now - start < ms(60_000), "it is told within a minute");
    }
}

#[test]
fn the_first_failure_within_the_window_is_restarted_at_once_if_it_ran() {
    let started = GenerationEnd {
        was_running: true,
        ..early_exit(1)
    };
    for first in [exit(1), started] {
        let mut restarts = restarts(RestartPolicy {
            window: ms(10_000),
            ..exact()
        });
        let now = Instant::now();
        let verdicts = [now, now + ms(10), now + ms(20)].map(|at| restarts.on_exit(&first, at));
        let delays = verdicts.map(|verdict| delay(&verdict));
        assert_eq!(delays, [0, 100, 200].map(|after| Some(ms(after))));
        // Outside of the window there is no earlier failure. The backoff goes on until it is stable.
        let later = now + ms(20_000);
        assert_eq!(delay(&restarts.on_exit(&first, later)), Some(ms(0)));
        assert_eq!(delay(&restarts.on_exit(&first, later)), Some(ms(400)));
    }
}

#[test]
fn an_exit_that_is_no_failure_is_restarted_without_budget_and_growing_delay() {
    let mut restarts = restarts(RestartPolicy {
        when: RestartMode::Always,
        budget: 2,
        ..exact()
    });
    let now = Instant::now();
    let uncounted = Verdict::Restart {
        after: ms(100),
        attempt: 0,
    };
    for _ in 0..20 {
        assert_eq!(restarts.on_exit(&exit(0), now), uncounted);
    }
    // Failures still have their whole budget.
    for attempt in 1..=2 {
        let verdict = restarts.on_exit(&exit(1), now);
        assert!(
            matches!(verdict, Verdict::Restart { attempt: n, .. } if n == attempt),
            "{verdict:?}"
        );
    }
    let verdict = restarts.on_exit(&exit(1), now);
    assert!(matches!(verdict, Verdict::GiveUp { .. }), "{verdict:?}");
    assert_eq!(restarts.on_exit(&exit(0), now), uncounted);
}

#[test]
fn a_slow_crash_loop_is_found_despite_stable_generations() {
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
    // Outside the window they do not count.
    assert!(delay(&restarts.on_exit(&exit(1), now + ms(60_000))).is_some());
}

/// A failed start for want of processes or file descriptors is no crash. Attempts become rarer.
#[test]
fn failed_starts_do_not_use_the_budget() {
    let mut restarts = restarts(RestartPolicy {
        budget: 1,
        ..exact()
    });
    let failed_start = GenerationEnd {
        failure: Some(Failure::StartFailed),
        ..GenerationEnd::default()
    };
    let now = Instant::now();
    let delays: Vec<_> = (0..20)
        .map(|_| delay(&restarts.on_exit(&failed_start, now)).expect("a restart"))
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
fn invalid_settings_are_rejected() {
    let config = BackoffConfig::default();
    let error = |config| Backoff::new(config).expect_err("invalid");
    let max = ms(1);
    assert!(matches!(
        error(BackoffConfig { max, ..config }),
        BackoffError::MaxBelowInitial { .. }
    ));
    let max = Duration::MAX;
    assert!(matches!(
        error(BackoffConfig { max, ..config }),
        BackoffError::MaxTooLong(_)
    ));
    for factor in [0.5, f64::NAN, f64::INFINITY] {
        assert!(matches!(
            error(BackoffConfig { factor, ..config }),
            BackoffError::Factor(_)
        ));
    }
    for jitter in [-0.1, 1.1, f64::NAN] {
        let jitter_error = error(BackoffConfig { jitter, ..config });
        assert!(matches!(jitter_error, BackoffError::Jitter(_)));
        assert!(jitter_error.to_string().contains("backoff.jitter"));
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

/// The error of rounding to nanoseconds.
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
    fn the_budget_holds_in_every_window_and_decisions_follow_the_seed(
        config in config(),
        seed in any::<u64>(),
        budget in 0_u32..6,
        window in 1_u64..20_000,
        generations in prop::collection::vec((0_u64..6_000, any::<bool>()), 1..60),
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
        for (uptime, stable) in generations {
            now += ms(uptime);
            if stable {
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
                    // Not before the budget is used up.
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

/// Delays are those of the new policy, and the used budget stays. An invalid policy changes nothing.
#[test]
fn a_new_policy_keeps_the_used_budget() {
    let mut restarts = restarts(RestartPolicy {
        budget: 8,
        ..exact()
    });
    let now = Instant::now();
    for expected in [100, 200, 400] {
        assert_eq!(
            delay(&restarts.on_exit(&early_exit(1), now)),
            Some(ms(expected))
        );
    }
    let mut invalid = exact();
    invalid.backoff.factor = 0.0;
    restarts.set_policy(invalid).expect_err("a factor below 1");
    assert_eq!(delay(&restarts.on_exit(&early_exit(1), now)), Some(ms(800)));
    let mut slower = RestartPolicy {
        budget: 5,
        ..exact()
    };
    slower.backoff.initial = ms(500);
    restarts.set_policy(slower).expect("valid");
    assert_eq!(delay(&restarts.on_exit(&early_exit(1), now)), Some(ms(500)));
    let sixth = restarts.on_exit(&early_exit(1), now);
    assert!(matches!(sixth, Verdict::GiveUp { .. }), "{sixth:?}");
}
