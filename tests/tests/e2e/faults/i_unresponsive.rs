//! Section I, row 19: an instance that does not respond.

use fulcrum_e2e::{App, LIMIT, Signal, measurement, wait_until};

#[test]
fn i19_an_instance_that_is_stopped_is_named_and_can_be_continued_or_killed() {
    let app = App::new().domain("users", "steady");
    app.start();
    let instance = app.instance();
    let pid = instance.pid;
    instance.signal(Signal::STOP);
    for args in [&["domains", "list"][..], &["down"]] {
        app.run(args).exits(1).stderr_contains(&[
            &format!("(pid {pid})"),
            &format!("kill -CONT {pid}"),
            "fulcrum down --force",
        ]);
    }
    // What it has stored is readable without it.
    app.run(&["logs", "users"])
        .exits(0)
        .stdout_contains(&["started by"])
        .stderr_contains(&["does not respond"]);
    instance.signal(Signal::CONT);
    app.run(&["domains", "list"]).exits(0);

    instance.signal(Signal::STOP);
    let end = app.run(&["down", "--force"]).exits(0);
    let text = format!("killed the instance (pid {pid}), which did not respond");
    let end = end.stderr_contains(&[&text]);
    // The cleanup guard does the same, and may still be finding that nothing is left.
    wait_until("no process is left", LIMIT, || {
        app.processes().is_empty().then_some(())
    });
    measurement("I19", end.stderr.trim());
    app.run(&["domains", "list"]).exits(3);
    // The next one starts as ever.
    app.start();
    wait_until("users runs", LIMIT, || {
        (app.status("users")["ready"] == true).then_some(())
    });
    app.down();
}
