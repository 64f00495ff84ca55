//! Jobs: what makes a domain one, and what that changes.

use fulcrum_config::{DependencyCondition, ProbeCheck, ProcessKind, RestartMode, Selection};

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

#[test]
fn a_domain_with_a_schedule_is_a_job_that_does_not_start_with_the_instance() {
    let case = Case::new(&[
        (
            "fulcrum.yml",
            "runtime: {defaults: {schedule: {timezone: Europe/Berlin}}}",
        ),
        ("domains/report/domain.js", ""),
        (
            "domains/report/fulcrum.yml",
            "process: {schedule: '0 3 * * *'}",
        ),
        ("domains/api/domain.js", ""),
    ]);
    let app = case.app();
    let report = app.domain("report").expect("it is there");
    assert!(report.is_job());
    let schedule = report.process.schedule.as_ref().expect("a schedule");
    assert_eq!(schedule.time_zone.as_deref(), Some("Europe/Berlin"));
    assert_eq!(schedule.cron.as_str(), "0 3 * * *");
    assert_eq!(
        app.domain("api").expect("it is there").process.schedule,
        None
    );
    let selected = Selection::default().resolve(&app).expect("no names");
    assert_eq!(selected, ["api"]);
}

#[test]
fn mistakes_in_a_schedule_are_reported_at_their_place() {
    for (settings, expected) in [
        (
            "schedule: '61 * * * *'",
            "`61 * * * *` is no cron expression",
        ),
        ("schedule: '0 0 30 2 *'", "it never comes to be"),
        (
            "schedule: {cron: '0 3 * * *', timezone: Europe/Atlantis}",
            "unknown time zone `Europe/Atlantis`",
        ),
        ("schedule: {overlap: queue}", "`cron` is missing"),
        (
            "kind: service, schedule: '0 3 * * *'",
            "is a service, which has no schedule",
        ),
    ] {
        let case = Case::domain(&format!("process: {{{settings}}}"));
        let diagnostic = case.diagnostic();
        assert!(diagnostic.contains(expected), "{settings}: {diagnostic}");
        assert!(
            diagnostic.contains("domains/a/fulcrum.yml:1:"),
            "{diagnostic}"
        );
    }
    let case = Case::new(&[
        ("domains/a/domain.js", ""),
        ("domains/a/fulcrum.yml", "process: {schedule: '0 3 * * *'}"),
        ("domains/b/domain.js", ""),
        ("domains/b/fulcrum.yml", "process: {depends_on: [a]}"),
    ]);
    let diagnostic = case.diagnostic();
    assert!(diagnostic.contains("`a` has a schedule"), "{diagnostic}");
}
