//! B6 and C10: memory usage and its limit.

use std::fs;

use fulcrum_e2e::{App, LIMIT, activity_log, measurement, not_applicable, text_of, wait_until};

/// Memory of children counts, and the domain is stopped in order, once for each breach.
#[test]
fn b06_a_domain_over_its_memory_limit_is_restarted_once() {
    let app = App::new().with_short_timeouts().stub_domain("orders", &[]);
    let flags = app.root().join("flags");
    let file = format!("@{}", flags.display());
    let settings = "{limits: {memory: 100MiB}}";
    let app = app.write("flags", "--child-rss 150MiB");
    let app = app.stub_domain_with("users", &[&file], settings);
    app.start();
    let (breached, bystander) = (activity_log::now(), app.leader("orders"));
    // The next generation uses little memory.
    app.write_file("flags", "");
    let users = app.wait_for("users", "is replaced", |users| {
        users["generation"] == 2 && users["ready"] == true
    });
    let replaced = app.event_times("users", "spawned")[1];
    let reason = text_of(&users["last_exit"], "reason");
    assert!(reason.starts_with("memory limit: 1"), "{reason}");
    assert!(reason.contains("MiB of 100 MiB in 2 processes"), "{reason}");
    assert_eq!(
        app.event_count("users", "stopping"),
        1,
        "it was stopped once"
    );
    assert_eq!(users["restarts"], 1, "{users}");
    assert_eq!(app.leader("orders"), bystander);
    measurement(
        "B6",
        &format!(
            "replaced {} ms after it was ready, over by half",
            (replaced - breached) / 1000
        ),
    );
    app.down();
}

/// A domain that exceeds its limit at each start uses up its budget, like any other that fails
/// repeatedly.
#[test]
fn b06_a_domain_that_is_always_over_its_limit_fails_within_its_budget() {
    let settings = "{limits: {memory: 50MiB}, restart: {budget: 1, window: 10m}}";
    let app = App::new().with_short_timeouts();
    let app = app.stub_domain_with("users", &["--rss", "80MiB"], settings);
    app.run(&["dev", "--detach"]).exits(0);
    let users = app.wait_for("users", "has failed", |users| users["phase"] == "failed");
    let reason = text_of(&users, "reason");
    assert!(reason.contains("MiB of 50 MiB"), "{reason}");
    assert_eq!(app.event_count("users", "spawned"), 2);
    app.down();
}

/// Limits that the kernel cannot enforce here are reported once, at startup.
#[test]
fn b06_limits_without_kernel_enforcement_are_reported_at_startup() {
    let settings = "{limits: {memory: 1GiB, cpu: 0.5}}";
    let app = App::new().stub_domain_with("users", &[], settings);
    app.start();
    let lines = app.logs("fulcrum");
    let count = |key: &str| lines.iter().filter(|it| it.message.contains(key)).count();
    let controllers = fs::read_to_string("/sys/fs/cgroup/cgroup.subtree_control");
    if controllers.is_ok_and(|text| text.contains("memory") && text.contains("cpu")) {
        not_applicable("B6", "the kernel may be able to enforce limits here");
    } else {
        assert_eq!(count("process.limits.memory (users)"), 1);
        assert_eq!(count("process.limits.cpu (users)"), 1);
    }
    app.down();
}

/// In a namespace of 400 pids, pids of exited children are soon reused by other processes. Their
/// memory is never attributed to the domain. This detects pids that are remembered for too long.
/// The moment between attribution and sampling cannot be tested from outside: the sampler's own
/// tests cover it.
#[test]
fn c10_memory_of_other_processes_is_never_attributed_to_a_domain() {
    const CHILD: &str = r#"
i=0
while [ $i -lt 20 ]; do sleep 0.05 & i=$((i+1)); done
wait
"#;
    if !pid_max_is_a_namespaces_own() {
        not_applicable("C10", "this kernel has one pid_max for all namespaces");
        return;
    }
    let app = App::new().with_short_timeouts().write("churn.sh", CHILD);
    let command = "[sh, -c, 'while :; do sh ../../churn.sh; done']";
    let settings = "ready: {exec: ['true']}, limits: {memory: 80MiB}";
    let app = app.write(
        "domains/users/fulcrum.yml",
        &format!("process: {{command: {command}, {settings}}}\n"),
    );
    // Other processes in the namespace that use as much as the domain may, each for a moment.
    let binary = fulcrum_e2e::binary().display().to_string();
    let script = format!(
        "echo 400 > /proc/sys/kernel/pid_max || exit 9\n\
         {binary} dev --detach || exit 1\n\
         for round in 1 2 3 4 5 6 7 8 9 10 11 12; do\n\
         for one in 1 2 3 4; do node -e 'const held = Buffer.alloc(8e7, 1); setTimeout(() => held, 300)' & done\n\
         wait; {binary} domains list -o json; done\n\
         {binary} domains events -o json >&2; {binary} down"
    );
    let args = ["-pf", "--mount-proc", "sh", "-c", &script];
    let run = app.program("unshare", &args).output();
    if run.stdout.is_empty() || run.code == Some(9) {
        not_applicable("C10", "no pid namespace with a pid_max of its own here");
        return;
    }
    let run = run.exits(0);
    assert!(!run.stderr.contains("memory limit"), "{}", run.stderr);
    let samples: Vec<u64> = run
        .stdout
        .split("\"memory_bytes\":")
        .skip(1)
        .map(|rest| {
            let digits = rest.trim_start().split(|c: char| !c.is_ascii_digit());
            digits.into_iter().next().and_then(|it| it.parse().ok())
        })
        .map(|bytes| bytes.expect("a number"))
        .collect();
    let max = samples.iter().max().expect("there are samples");
    measurement(
        "C10",
        &format!("{} samples, at most {} MiB", samples.len(), max >> 20),
    );
    assert!(*max < 80 << 20, "{samples:?}");
    wait_until("its processes have exited", LIMIT, || {
        app.processes().is_empty().then_some(())
    });
}

/// Since Linux 6.14; before, this test would change it for the whole machine.
fn pid_max_is_a_namespaces_own() -> bool {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut numbers = release.split('.').map(|part| part.parse::<u32>().ok());
    let version = numbers.next().flatten().zip(numbers.next().flatten());
    version.is_some_and(|version| version >= (6, 14))
}
