//! Events, and the explanations made of them.

use super::*;

fn event(
    seq: u64,
    at: u64,
    generation: u64,
    kind: &str,
    phases: (&str, &str),
    reason: &str,
) -> Event {
    let time = SystemTime::UNIX_EPOCH + Duration::from_millis(at);
    Event {
        seq,
        time: Some(time.into()),
        domain: "users".into(),
        from: phases.0.into(),
        to: phases.1.into(),
        generation,
        reason: reason.into(),
        kind: kind.into(),
        ..Event::default()
    }
}

/// Ready, exit 3 after a second, and ready again.
pub(crate) fn one_crash() -> Vec<Event> {
    let boom = "exit 3; last on stderr: boom";
    let backoff = "exit 3; last on stderr: boom; restarting in 100 ms (attempt 1 of 8 in 1m)";
    vec![
        event(
            1,
            900,
            0,
            "waiting",
            ("stopped", "waiting"),
            "start requested",
        ),
        event(
            2,
            901,
            0,
            "preparing",
            ("waiting", "preparing"),
            "dependencies ready",
        ),
        event(3, 1_000, 1, "spawned", ("preparing", "starting"), "spawned"),
        event(4, 1_100, 1, "ready", ("starting", "running"), "ready"),
        event(5, 2_000, 1, "exited", ("running", "stopping"), boom),
        event(6, 2_010, 1, "backoff", ("stopping", "backoff"), backoff),
        event(
            7,
            2_110,
            1,
            "waiting",
            ("backoff", "waiting"),
            "backoff elapsed",
        ),
        event(8, 2_200, 2, "spawned", ("preparing", "starting"), "spawned"),
        event(9, 2_300, 2, "ready", ("starting", "running"), "ready"),
    ]
}

fn domain(phase: &str, generation: u64, reason: &str) -> Domain {
    Domain {
        name: "users".into(),
        phase: phase.into(),
        goal: "up".into(),
        ready: phase == "running",
        generation,
        reason: reason.into(),
        ..Domain::default()
    }
}

fn summary(domain: &Domain, events: &[Event]) -> String {
    explanation(domain, events, &BTreeMap::new()).summary()
}

fn explanation<'a>(
    domain: &'a Domain,
    events: &'a [Event],
    stderr: &'a BTreeMap<u64, Vec<String>>,
) -> Explanation<'a> {
    Explanation {
        domain,
        events,
        stderr,
        now: SystemTime::UNIX_EPOCH + Duration::from_secs(4),
    }
}

#[test]
fn the_summary_names_the_cause() {
    let events = one_crash();
    assert_eq!(
        summary(&domain("running", 2, "ready"), &events),
        "users has been ready for 1.7 s (generation 2): generation 1 ended: exit 3; last on \
             stderr: boom"
    );
    assert_eq!(
        summary(&domain("running", 1, "ready"), &events[..4]),
        "users has been ready for 2.9 s (generation 1): started with the instance"
    );
    let backing_off = Domain {
        retry_in_ms: Some(60),
        ..domain("backoff", 1, "exit 3; attempt 1 of 8 in 1m")
    };
    assert_eq!(
        summary(&backing_off, &events[..6]),
        "users restarts in 60 ms: exit 3; attempt 1 of 8 in 1m"
    );
}

#[test]
fn the_summary_names_the_request() {
    let mut events = one_crash();
    events.push(event(
        10,
        3_000,
        2,
        "asked",
        ("", ""),
        "`fulcrum domains stop users`",
    ));
    events.push(event(
        11,
        3_001,
        2,
        "stopping",
        ("running", "stopping"),
        "stop requested",
    ));
    events.push(event(
        12,
        3_100,
        2,
        "stopped",
        ("stopping", "stopped"),
        "stop requested",
    ));
    let stopped = Domain {
        goal: "down".into(),
        ..domain("stopped", 2, "stop requested")
    };
    assert_eq!(
        summary(&stopped, &events),
        "users stopped 900 ms ago: requested by `fulcrum domains stop users`"
    );
    events.push(event(
        13,
        3_200,
        2,
        "asked",
        ("", ""),
        "`fulcrum domains start users`",
    ));
    events.push(event(
        14,
        3_300,
        3,
        "spawned",
        ("preparing", "starting"),
        "spawned",
    ));
    assert_eq!(
        summary(&domain("starting", 3, "spawned"), &events),
        "users has been starting for 700 ms (generation 3): requested by \
             `fulcrum domains start users`"
    );
}

#[test]
fn the_timeline_is_sanitized_and_repeats_nothing() {
    let events = one_crash();
    let stderr = BTreeMap::from([(
        1,
        vec![
            "old".to_owned(),
            "\x1b[2Jboom".to_owned(),
            "    at f (/x.js:1)".to_owned(),
        ],
    )]);
    let domain = domain("running", 2, "ready");
    let text = explanation(&domain, &events, &stderr).render(3, false);
    let golden = "\
users has been ready for 1.7 s (generation 2): generation 1 ended: exit 3; last on stderr: boom

generation 1, spawned 1970-01-01T00:00:01.000Z (3.0 s ago)
    +0 ms  spawned
  +100 ms  ready
   +1.0 s  exited         exit 3; last on stderr: boom
                          | old
                          | ␛[2Jboom
   +1.0 s  backoff        restarting in 100 ms (attempt 1 of 8 in 1m)

generation 2, spawned 1970-01-01T00:00:02.200Z (1.8 s ago)
    +0 ms  spawned
  +100 ms  ready
";
    assert_eq!(text, golden);
    let one = explanation(&domain, &events, &stderr).render(1, false);
    assert!(!one.contains("generation 1, spawned"), "{one}");
}

#[test]
fn a_hang_is_printed_once_with_its_evidence() {
    let hung = "hung: no heartbeat for 1.0 s";
    let mut events = one_crash()[..4].to_vec();
    events.push(event(5, 2_000, 1, "hung", ("", ""), hung));
    events.push(event(6, 2_100, 1, "evidence", ("", ""), "stuck in f"));
    events.push(event(7, 2_101, 1, "hung", ("running", "stopping"), hung));
    let stderr = BTreeMap::from([(1, vec!["Debugger attached.".to_owned(), "about".to_owned()])]);
    let domain = domain("stopping", 1, hung);
    let text = explanation(&domain, &events, &stderr).render(1, false);
    let timeline = "\
  +100 ms  ready
   +1.1 s  evidence       stuck in f
   +1.1 s  hung           no heartbeat for 1.0 s
                          | about
";
    assert!(text.ends_with(timeline), "{text}");
    assert!(
        group_by_generation(&events)[1]
            .describe()
            .ends_with("; hung: no heartbeat for 1.0 s")
    );
}
