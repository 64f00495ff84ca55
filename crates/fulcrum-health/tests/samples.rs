//! Samples of real processes.

#![expect(clippy::disallowed_methods, reason = "real processes in real time")]

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use fulcrum_health::{Sample, Sampler};

fn sleeper() -> Child {
    Command::new("sleep")
        .arg("600")
        .stdin(Stdio::null())
        .spawn()
        .expect("every Unix has sleep")
}

fn group(name: &str, pids: &[u32]) -> (String, Vec<u32>) {
    (name.to_owned(), pids.to_vec())
}

#[test]
fn memory_is_summed_without_exited_processes() {
    let mut sampler = Sampler::new().expect("there is a process table");
    let me = std::process::id();
    let mut child = sleeper();
    let pids = [me, child.id(), me];
    let groups = [group("both", &pids), group("me", &[me]), group("none", &[])];
    let now = Instant::now();
    let samples = sampler.sample(&groups, &|_| true, &|_, _| false, now);
    assert_eq!(samples["both"].processes, 2);
    assert!(samples["me"].memory_bytes > 0);
    assert!(samples["both"].memory_bytes > samples["me"].memory_bytes);
    assert_eq!(samples["none"], Sample::default());

    child.kill().expect("it is ours");
    // Exited and not yet reaped it is a zombie; neither counts.
    let deadline = Instant::now() + Duration::from_secs(10);
    let gone = || sampler.sample(&groups, &|_| true, &|_, _| false, now)["both"].processes == 1;
    assert!(
        std::iter::repeat_with(gone)
            .take_while(|_| Instant::now() < deadline)
            .any(|gone| gone),
        "a killed process is still counted after 10 s"
    );
    child.wait().expect("it is ours");
    assert_eq!(
        sampler.sample(&groups, &|_| true, &|_, _| false, now)["both"].processes,
        1
    );
}

#[test]
fn cpu_time_is_in_percent_of_a_core() {
    let mut sampler = Sampler::new().expect("there is a process table");
    let groups = [group("me", &[std::process::id()])];
    let start = Instant::now();
    let first = sampler.sample(&groups, &|_| true, &|_, _| false, start)["me"];
    assert!(first.cpu_percent.abs() < f32::EPSILON);
    let mut work = 0_u64;
    while start.elapsed() < Duration::from_millis(300) {
        work = std::hint::black_box(work.wrapping_add(1));
    }
    // The interval is an argument: over a minute, the same work is a small share.
    let busy = sampler.sample(
        &groups,
        &|_| true,
        &|_, _| false,
        start + Duration::from_secs(60),
    )["me"];
    assert!(busy.cpu_percent > 0.0, "{busy:?}");
    assert!(busy.cpu_percent < 10.0, "{busy:?}");
}

#[test]
fn a_reused_pid_is_not_counted() {
    let mut sampler = Sampler::new().expect("there is a process table");
    let me = std::process::id();
    let groups = [group("me", &[me])];
    let now = Instant::now();
    let reused = sampler.sample(&groups, &|pid| pid != me, &|_, _| false, now)["me"];
    assert_eq!(reused, Sample::default());
    // Its values are not used by a later pass.
    let later = sampler.sample(
        &groups,
        &|_| true,
        &|_, _| false,
        now + Duration::from_secs(1),
    )["me"];
    assert_eq!(later.processes, 1);
    assert!(later.memory_bytes > 0);
}
