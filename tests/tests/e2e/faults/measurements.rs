//! N: measurements that belong to no single row.

use std::time::{Duration, Instant};

use fulcrum_e2e::{
    App, LIMIT, Process, SeededRandom, Signal, Usage, measurement, quantile, wait_until,
};

/// The processes of Fulcrum itself, by their executable.
fn fulcrum(app: &App) -> Vec<Process> {
    let binary = fulcrum_e2e::binary().canonicalize().expect("it exists");
    let runs = |process: &Process| {
        let exe = std::fs::read_link(format!("/proc/{}/exe", process.pid));
        exe.is_ok_and(|exe| exe == binary)
    };
    app.processes().into_iter().filter(runs).collect()
}

/// Lets time pass, because the measurement covers it.
fn sleep(time: Duration) {
    let started = Instant::now();
    wait_until("the time is over", time + LIMIT, || {
        std::thread::sleep(Duration::from_millis(100));
        (started.elapsed() >= time).then_some(())
    });
}

fn used(processes: &[Process]) -> (Duration, u64) {
    let used = processes.iter().filter_map(Process::usage);
    used.fold((Duration::ZERO, 0), |(cpu, rss), usage| {
        (cpu + usage.cpu, rss + usage.rss)
    })
}

#[test]
#[ignore = "long: a minute"]
fn n01_fifty_idle_domains_use_little_cpu_and_memory() {
    let app = (0..50).fold(App::new(), |app, n| app.stub_domain(&format!("d{n}"), &[]));
    app.start();
    sleep(Duration::from_secs(5));
    let processes = fulcrum(&app);
    let (started, (before, _)) = (Instant::now(), used(&processes));
    sleep(Duration::from_secs(60));
    let (after, rss) = used(&processes);
    let share = (after - before).as_secs_f64() / started.elapsed().as_secs_f64() * 100.0;
    let build = if fulcrum_e2e::is_optimized() {
        "optimized"
    } else {
        "unoptimized"
    };
    measurement(
        "N1",
        &format!(
            "50 idle domains, {} processes of Fulcrum, {build}: {share:.2} % of a core (aim 1 %), \
             {:.1} MiB resident (aim 30 MiB)",
            processes.len(),
            rss as f64 / f64::from(1 << 20),
        ),
    );
    assert!(
        share < 10.0 && rss < 100 << 20,
        "{share} % of a core, {rss} bytes"
    );
    app.down();
}

const DOMAINS: u64 = 20;

/// Injects one random failure into a random domain. Commands run in the background.
fn inject_fault(app: &App, random: &mut SeededRandom) {
    let name = format!("d{}", random.below(DOMAINS));
    let pid = app.status(&name)["pid"].as_u64();
    let leader = pid.and_then(|pid| Process::find(u32::try_from(pid).ok()?));
    let signal = |signal| leader.iter().for_each(|leader| leader.signal(signal));
    let command = |verb: &str, names: &[&str]| {
        let args = [&["domains", verb, "--no-wait"], names].concat();
        // It may be rejected, depending on the domain's phase.
        app.run(&args);
    };
    match random.below(6) {
        0 => signal(Signal::KILL),
        1 => signal(Signal::STOP),
        2 => signal(Signal::USR1),
        3 => {
            command("stop", &[&name]);
            command("start", &[&name]);
        }
        4 => (0..3).for_each(|_| command("restart", &[&name])),
        _ => command("restart", &["d1*"]),
    }
}

/// One failure per second. In the end everything is ready, and Fulcrum has not grown.
#[track_caller]
fn soak(time: Duration) {
    let restart = "{heartbeat: {interval: 200ms, misses: 5}, stop: {grace: 1s}, \
                   restart: {backoff: {initial: 100ms, max: 1s}, budget: 1000000}}";
    let app = (0..DOMAINS).fold(App::new(), |app, n| {
        app.stub_domain_with(&format!("d{n}"), &[], restart)
    });
    app.start();
    let instance = app.instance();
    let mut random = SeededRandom::new(600);
    let (started, mut samples) = (Instant::now(), Vec::<Usage>::new());
    let mut faults = 0;
    while started.elapsed() < time {
        let next = Instant::now() + Duration::from_secs(1);
        inject_fault(&app, &mut random);
        faults += 1;
        samples.push(instance.usage().expect("the instance is running"));
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
    }
    app.run(&["domains", "start", "all", "--no-wait"]).exits(0);
    wait_until("all are ready again", LIMIT * 2, || {
        app.list()
            .iter()
            .all(|domain| domain["ready"] == true)
            .then_some(())
    });
    let entries = app.activity_log();
    let count = |event: &str| entries.iter().filter(|entry| entry.event == event).count();
    let (generations, overlaps) = (count("spawned"), count("overlap"));
    // Medians of a period after the warm-up, and of the last one.
    let length = (samples.len() / 10).max(1);
    let median = |of: &[Usage], value: fn(&Usage) -> u64| {
        let mut values: Vec<u64> = of.iter().map(value).collect();
        i64::try_from(quantile(&mut values, 0.5).expect("samples")).expect("a small number")
    };
    let (early, late) = (
        &samples[length..2 * length.max(1)],
        &samples[samples.len() - length..],
    );
    let grown = |value| median(late, value) - median(early, value);
    let (rss, threads) = (grown(|usage| usage.rss), grown(|usage| usage.threads));
    let fds = grown(|usage| u64::try_from(usage.fds).unwrap_or(u64::MAX));
    measurement(
        "N2",
        &format!(
            "{faults} failures in {} s, {generations} generations, {overlaps} overlaps; resident memory {:+.1} MiB, descriptors {fds:+}, threads {threads:+}",
            started.elapsed().as_secs(),
            rss as f64 / f64::from(1 << 20),
        ),
    );
    assert_eq!(overlaps, 0);
    // Its own log lines, up to 4 MiB of them, and the event log are retained.
    assert!(rss < 12 << 20, "resident memory grew by {rss} bytes");
    // Threads for blocking work are started on demand, 16 at most, and stay.
    assert!(
        fds <= 40 && threads <= 16,
        "{fds} descriptors, {threads} threads more"
    );
    app.run(&["down"]).exits(0);
    app.assert_no_processes();
}

#[test]
fn n02_a_fault_per_second_leaves_nothing_behind() {
    soak(Duration::from_secs(8));
}

#[test]
#[ignore = "long: ten minutes"]
fn n02_a_fault_per_second_for_ten_minutes_leaves_nothing_behind() {
    soak(Duration::from_secs(600));
}
