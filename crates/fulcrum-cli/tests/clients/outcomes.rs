//! Outcomes of changes, waits and shutdowns.

use fulcrum_rpc::control::outcome::Kind;
use fulcrum_rpc::control::{Details, Domain};

use crate::scripted_instance::{App, Script, end, step};

#[tokio::test]
async fn each_outcome_has_its_exit_code() {
    for (kind, code) in [
        (Kind::Done, 0),
        (Kind::Failed, 1),
        (Kind::UnknownDomain, 4),
        (Kind::DomainFailed, 10),
        (Kind::TimedOut, 17),
    ] {
        let app = App::running(Script {
            progress: vec![step("users", "stopping"), end(kind, "the outcome")],
            ..Script::default()
        });
        for command in ["restart users", "wait users"] {
            let run = app.run(&format!("domains {command}")).await;
            assert_eq!(
                (run.code, run.out.as_str()),
                (Some(code), ""),
                "{kind:?} {run:?}"
            );
            assert!(run.err.contains("users: stopping"), "{run:?}");
            assert!(run.err.contains("the outcome"), "{run:?}");
        }
        let quiet = app.run("-q domains restart users").await;
        assert!(!quiet.err.contains("stopping"), "{quiet:?}");
    }
}

#[tokio::test]
async fn an_instance_that_exits_before_the_outcome_is_a_failure() {
    let app = App::running(Script::default());
    let run = app.run("domains restart users").await;
    assert_eq!(run.code, Some(1));
    assert!(run.err.contains("lost before"), "{run:?}");
}

#[tokio::test]
async fn a_failure_is_printed_with_the_domains_stderr_tail() {
    let crashed = Domain {
        name: "users".into(),
        goal: "up".into(),
        details: Some(Details {
            last_stderr: vec!["Error: boom".into()],
            ..Details::default()
        }),
        ..Domain::default()
    };
    let app = App::running(Script {
        domains: vec![crashed],
        progress: vec![end(Kind::DomainFailed, "exit 1")],
        ..Script::default()
    });
    let run = app.run("domains start users -o json").await;
    assert_eq!(run.code, Some(10));
    assert_eq!(run.json()["outcome"], "domain_failed");
    assert_eq!(run.json()["domains"][0]["name"], "users");
    assert!(run.err.contains("users: Error: boom"), "{run:?}");
}

#[tokio::test]
async fn down_waits_until_the_lock_is_free() {
    let app = App::running(Script {
        progress: vec![step("", "waiting for users")],
        ..Script::default()
    });
    let run = app.run("down").await;
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.err.contains("waiting for users"), "{run:?}");
    assert_eq!(app.run("domains list").await.code, Some(3));
}
