//! Section I, row 11: jobs, schedules and `domains run`.

use fulcrum_e2e::{App, measurement, text_of};

/// A migration that fails while the file `broken` exists, a service that needs it, and one that
/// needs the service.
fn app() -> App {
    let migrate = "process: {kind: job, command: [sh, -c, 'test ! -e broken || { echo no such table >&2; exit 3; }; echo migrated >> runs']}\n";
    let api = "process: {command: [sleep, '1000'], depends_on: {migrate: {condition: service_completed_successfully}}}\n";
    App::new()
        .write("domains/migrate/fulcrum.yml", migrate)
        .write("domains/api/fulcrum.yml", api)
        .write(
            "domains/web/fulcrum.yml",
            "process: {command: [sleep, '1001'], depends_on: [api]}\n",
        )
}

fn runs(app: &App) -> usize {
    let file = app.root().join("domains/migrate/runs");
    std::fs::read_to_string(file).map_or(0, |text| text.lines().count())
}

#[test]
fn i11_a_job_runs_once_per_start_and_its_dependents_follow() {
    let app = app();
    let closing = app.run(&["dev", "--detach", "--wait"]).exits(0);
    let closing = closing.stderr_contains(&["2 domains ready, 1 job completed in "]);
    let job = app.status("migrate");
    assert_eq!(job["phase"], "completed", "{job}");
    assert_eq!(job["goal"], "up", "{job}");
    assert_eq!(job["last_exit"]["code"], 0, "{job}");
    for args in [
        &["domains", "start", "all"][..],
        &["domains", "restart", "api"],
        &["domains", "wait"],
        &["domains", "wait", "migrate", "--for", "completed"],
    ] {
        app.run(args).exits(0);
    }
    assert_eq!(runs(&app), 1);
    app.run(&["domains", "run", "migrate"])
        .exits(0)
        .stderr_contains(&["migrate completed in "]);
    assert_eq!(runs(&app), 2);
    app.run(&["domains", "run", "api"])
        .exits(1)
        .stderr_contains(&["api is no job", "fulcrum domains start api"]);
    measurement("I11", closing.stderr.lines().last().unwrap_or_default());
    app.down();
    app.assert_no_processes();
}

#[test]
fn i11_a_failed_job_fails_those_that_need_it_at_once_until_it_completes() {
    let app = app().write("domains/migrate/broken", "");
    let root = "migrate: failed (exit 3; last on stderr: no such table)";
    app.run(&["dev", "--detach", "--wait"])
        .exits(10)
        .stderr_contains(&[root, "fulcrum domains run migrate"]);
    for name in ["api", "web"] {
        let failed = app.wait_for(name, "has failed", |one| one["phase"] == "failed");
        assert_eq!(text_of(&failed, "reason"), format!("needs {root}"));
        assert_eq!(failed["generation"], 0, "{failed}");
    }
    for verb in ["wait", "start", "restart"] {
        app.run(&["domains", verb, "api"]).stderr_contains(&[root]);
    }
    app.run(&["domains", "run", "migrate"])
        .exits(10)
        .stderr_contains(&["migrate failed: exit 3"]);
    std::fs::remove_file(app.root().join("domains/migrate/broken")).expect("it is there");
    app.run(&["domains", "run", "migrate"]).exits(0);
    app.run(&["domains", "wait"]).exits(0);
    app.down();
    app.assert_no_processes();
}

#[test]
fn i11_a_job_that_takes_too_long_is_ended_with_its_tree() {
    let app = App::new().write(
        "domains/report/fulcrum.yml",
        "process: {kind: job, timeout: 300ms, command: [sh, -c, 'sleep 1000 & sleep 1001; true']}\n",
    );
    app.run(&["dev", "--detach", "--wait"])
        .exits(10)
        .stderr_contains(&["report: not completed within 300ms (process.timeout)"]);
    app.down();
    app.assert_no_processes();
}

#[test]
fn i11_a_schedule_starts_a_job_that_does_not_start_with_the_instance() {
    let app = App::new()
        .write(
            "domains/report/fulcrum.yml",
            "process: {command: [sh, -c, 'echo ran >> runs'], schedule: {cron: '* * * * * *', timezone: UTC}}\n",
        )
        .write(
            "domains/yearly/fulcrum.yml",
            "process: {command: [sh, -c, 'echo ran >> runs'], schedule: '@yearly'}\n",
        )
        .write("domains/api/fulcrum.yml", "process: {command: [sleep, '1000']}\n");
    app.run(&["dev", "--detach", "--wait"])
        .exits(0)
        .stderr_contains(&["1 domain ready in ", "; 2 jobs scheduled"]);
    let report = app.wait_for("report", "has run three times", |report| {
        report["generation"].as_u64() >= Some(3)
    });
    assert!(!text_of(&report, "next_run").is_empty(), "{report}");
    let yearly = app.status("yearly");
    assert_eq!(
        (&yearly["phase"], &yearly["generation"]),
        (&"stopped".into(), &0.into())
    );
    app.run(&["domains", "run", "yearly"]).exits(0);
    assert_eq!(app.status("yearly")["phase"], "completed");
    app.down();
    app.assert_no_processes();
}
