//! Jobs: what makes a domain one, and what that changes.

use fulcrum_config::{DependencyCondition, ProbeCheck, ProcessKind, RestartMode};

use crate::support::Case;

fn kind(case: &Case, name: &str) -> ProcessKind {
    let app = case.app();
    app.domain(name).expect("it is there").process.kind
}

#[test]
fn a_job_is_not_restarted_and_awaits_no_registration() {
    let case = Case::new(&[
        ("fulcrum.yml", "runtime: {defaults: {timeout: 5m}}"),
        ("domains/migrate/domain.js", ""),
        ("domains/migrate/fulcrum.yml", "process: {kind: job}"),
        ("domains/api/domain.js", ""),
    ]);
    let app = case.app();
    let job = &app.domain("migrate").expect("it is there").process;
    assert_eq!(job.kind, ProcessKind::Job);
    assert_eq!(job.restart.policy, RestartMode::Never);
    assert_eq!(job.ready.check, ProbeCheck::Started);
    let service = &app.domain("api").expect("it is there").process;
    assert_eq!(service.kind, ProcessKind::Service);
    assert_eq!(service.restart.policy, RestartMode::OnFailure);
}

#[test]
fn the_words_of_compose_are_understood() {
    for (word, expected) in [
        (
            "service_completed_successfully",
            DependencyCondition::Completed,
        ),
        ("completed", DependencyCondition::Completed),
        ("exited", DependencyCondition::Completed),
        ("service_started", DependencyCondition::Started),
        ("service_healthy", DependencyCondition::Ready),
    ] {
        let settings = format!("process: {{depends_on: {{db: {{condition: {word}}}}}}}");
        let case = Case::new(&[
            ("fulcrum.yml", ""),
            ("domains/db/domain.js", ""),
            ("domains/api/domain.js", ""),
            ("domains/api/fulcrum.yml", &settings),
        ]);
        let app = case.app();
        assert_eq!(app.dependencies("api")["db"], expected, "{word}");
    }
}

#[test]
fn a_domain_that_is_never_restarted_and_has_to_complete_is_a_job() {
    let api = "process: {depends_on: {migrate: {condition: completed}}}";
    for (settings, expected) in [
        ("process: {restart: never}", ProcessKind::Job),
        ("process: {restart: on-failure}", ProcessKind::Service),
        (
            "process: {restart: never, kind: service}",
            ProcessKind::Service,
        ),
    ] {
        let case = Case::new(&[
            ("fulcrum.yml", ""),
            ("domains/migrate/domain.js", ""),
            ("domains/migrate/fulcrum.yml", settings),
            ("domains/api/domain.js", ""),
            ("domains/api/fulcrum.yml", api),
        ]);
        assert_eq!(kind(&case, "migrate"), expected, "{settings}");
    }
}

#[test]
fn a_job_that_is_done_is_not_restarted_whatever_the_app_says() {
    let case = Case::new(&[
        ("fulcrum.yml", "runtime: {defaults: {restart: always}}"),
        ("domains/migrate/domain.js", ""),
        ("domains/migrate/fulcrum.yml", "process: {kind: job}"),
    ]);
    let app = case.app();
    assert_eq!(
        app.domains[0].process.restart.policy,
        RestartMode::OnFailure
    );
}

#[test]
fn a_time_limit_of_a_service_is_an_error() {
    let case = Case::new(&[
        ("fulcrum.yml", ""),
        ("domains/api/domain.js", ""),
        ("domains/api/fulcrum.yml", "process: {timeout: 5m}"),
    ]);
    let diagnostic = case.diagnostic();
    assert!(
        diagnostic.contains("`process.timeout`: `api` is no job, so it runs for any time"),
        "{diagnostic}"
    );
}
