//! Samples of real processes, this one among them.

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
fn memory_is_summed_and_the_vanished_are_left_out() {
    let mut sampler = Sampler::new().expect("there is a process table");
    let me = std::process::id();
    let mut child = sleeper();
    let pids = [me, child.id(), me];
    let groups = [group("both", &pids), group("me", &[me]), group("none", &[])];
    let now = Instant::now();
    let samples = sampler.sample(&groups, &|_| true, now);
    assert_eq!(samples["both"].processes, 2);
    assert!(samples["me"].memory_bytes > 0);
    assert!(samples["both"].memory_bytes > samples["me"].memory_bytes);
    assert_eq!(samples["none"], Sample::default());

    child.kill().expect("it is ours");
    // Dead and not yet reaped it is a zombie, afterwards it is gone; both count as nothing.
    let wait = Instant::now() + Duration::from_secs(10);
    let gone = || sampler.sample(&groups, &|_| true, now)["both"].processes == 1;
    assert!(
        std::iter::repeat_with(gone)
            .take_while(|_| Instant::now() < wait)
            .any(|gone| gone),
        "a killed process is still counted after 10 s"
    );
    child.wait().expect("it is ours");
    assert_eq!(sampler.sample(&groups, &|_| true, now)["both"].processes, 1);
}

#[test]
fn cpu_time_shows_in_per_cent_of_a_core() {
    let mut sampler = Sampler::new().expect("there is a process table");
    let groups = [group("me", &[std::process::id()])];
    let start = Instant::now();
    let first = sampler.sample(&groups, &|_| true, start)["me"];
    assert!(first.cpu_percent.abs() < f32::EPSILON);
    let mut work = 0_u64;
    while start.elapsed() < Duration::from_millis(300) {
        work = std::hint::black_box(work.wrapping_add(1));
    }
    // The interval is an argument: had the same work taken a minute, it would be little.
    let busy = sampler.sample(&groups, &|_| true, start + Duration::from_secs(60))["me"];
    assert!(busy.cpu_percent > 0.0, "{busy:?}");
    assert!(busy.cpu_percent < 10.0, "{busy:?}");
}

#[test]
fn a_pid_that_is_no_longer_the_one_that_was_meant_is_nobody() {
    let mut sampler = Sampler::new().expect("there is a process table");
    let me = std::process::id();
    let groups = [group("me", &[me])];
    let now = Instant::now();
    let reused = sampler.sample(&groups, &|pid| pid != me, now)["me"];
    assert_eq!(reused, Sample::default());
    // And what is not counted leaves nothing that a later pass could build on.
    let later = sampler.sample(&groups, &|_| true, now + Duration::from_secs(1))["me"];
    assert_eq!(later.processes, 1);
    assert!(later.memory_bytes > 0);
}
