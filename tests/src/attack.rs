//! Load and abuse tests: how domains and clients are affected while an instance is attacked.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::app::App;
use crate::report::measurement;
use crate::wait::{LIMIT, wait_until};

/// The heartbeat interval of domains of [`App::app_under_attack`].
const INTERVAL: Duration = Duration::from_millis(200);

/// Connection warnings that an attacked instance may log beyond one per second. The first of each
/// kind is logged at once.
const WARNING_BUDGET: f64 = 8.0;

/// Observations during an attack.
#[derive(Debug, Default)]
struct Observed {
    /// Delays of heartbeats beyond their interval.
    late: Vec<Duration>,
    /// Durations of `domains list`.
    list: Vec<Duration>,
    /// Maximum resident memory of Fulcrum, in KiB.
    memory: u64,
}

impl App {
    /// An app with two running domains, `users` and `orders`, which have short heartbeats. A third
    /// domain, `late`, and a stub, `echo`, are not started.
    #[track_caller]
    pub fn app_under_attack() -> Self {
        let app = Self::new()
            .domain("users", "steady")
            .domain("orders", "steady")
            .domain("late", "steady")
            .stub_domain("echo", &[])
            .write(
                "fulcrum.yml",
                "runtime: {defaults: {heartbeat: {interval: 200ms, misses: 25}}}\n",
            );
        app.run(&["dev", "--detach", "--wait", "--only", "users,orders"])
            .exits(0);
        app.wait_until_stable(&["users", "orders"]);
        app
    }

    /// Waits until the app has an instance.
    #[track_caller]
    pub fn wait_for_instance(&self) {
        wait_until("there is an instance", LIMIT, || {
            (self.run(&["domains", "list"]).code == Some(0)).then_some(())
        });
    }

    /// Runs `attack` and observes the instance meanwhile. Asserts that every domain keeps its process,
    /// that the control socket responds, and that connection warnings are limited. Reports the
    /// measurements for the row of the failure catalog.
    #[track_caller]
    pub fn survives<T>(&self, row: &str, attack: impl FnOnce() -> T) -> T {
        let instance = self.instance().pid;
        let before = self.generations();
        let warnings = self.connection_warnings();
        let (memory, cpu, started) = (memory(instance), cpu(instance), Instant::now());
        let finished = AtomicBool::new(false);
        let (outcome, mut observed) = thread::scope(|scope| {
            let observer = scope.spawn(|| self.watch(instance, &finished));
            // When the attack panics too, or the observer would never finish.
            let _guard = SetOnDrop(&finished);
            let outcome = attack();
            finished.store(true, Ordering::Relaxed);
            (outcome, observer.join().expect("the observer finishes"))
        });
        let duration = started.elapsed();
        let warnings = self.connection_warnings() - warnings;
        let cpu_percent = cpu_since(cpu, instance).as_secs_f64() / duration.as_secs_f64() * 100.0;
        let growth_mib = observed.memory.saturating_sub(memory) / 1024;
        measurement(
            row,
            &format!(
                "in {:.1} s: heartbeats late by p99 {} ms, `domains list` p99 {} ms, Fulcrum {cpu_percent:.0} % CPU (debug build), +{growth_mib} MiB, {warnings} connection warnings",
                duration.as_secs_f64(),
                p99(&mut observed.late).as_millis(),
                p99(&mut observed.list).as_millis(),
            ),
        );
        assert_eq!(self.generations(), before, "a domain was restarted");
        assert!(
            warnings as f64 <= duration.as_secs_f64() + WARNING_BUDGET,
            "{warnings} connection warnings in {duration:?}"
        );
        assert!(growth_mib < 200, "Fulcrum grew by {growth_mib} MiB");
        let log = self.log();
        assert!(!log.contains("panicked"), "Fulcrum panicked: {log}");
        outcome
    }

    fn watch(&self, instance: u32, finished: &AtomicBool) -> Observed {
        let mut observed = Observed::default();
        loop {
            let is_last = finished.load(Ordering::Relaxed);
            let started = Instant::now();
            let list = self.list();
            observed.list.push(started.elapsed());
            for domain in &list {
                // It has none just after its registration.
                if let Some(age) = domain["heartbeat_age_ms"].as_u64() {
                    let late = Duration::from_millis(age).saturating_sub(INTERVAL);
                    observed.late.push(late);
                }
            }
            observed.memory = observed.memory.max(memory(instance));
            if is_last {
                return observed;
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// The process and the number of restarts of `users` and `orders`.
    fn generations(&self) -> Vec<(Option<u64>, Option<u64>, bool)> {
        let state = |domain: &Value| {
            let ready = domain["ready"] == true;
            (domain["pid"].as_u64(), domain["restarts"].as_u64(), ready)
        };
        let is_running = |domain: &&Value| {
            ["users", "orders"]
                .iter()
                .any(|name| domain["name"] == *name)
        };
        self.list().iter().filter(is_running).map(state).collect()
    }

    /// The log of a detached instance.
    pub fn log(&self) -> String {
        fs::read_to_string(self.root().join(".fulcrum/instance.log")).unwrap_or_default()
    }

    fn connection_warnings(&self) -> usize {
        let log = self.log();
        let is_warning = |line: &&str| {
            let kinds = ["a connection was closed", "refused", "rejected"];
            kinds.iter().any(|kind| line.contains(kind))
        };
        log.lines().filter(is_warning).count()
    }
}

struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The resident memory of a process, in KiB.
fn memory(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_ascii_whitespace().next());
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// The processor time that a process has used, in clock ticks.
fn cpu(pid: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields = stat.rfind(')').map_or("", |end| &stat[end + 1..]);
    // Fields 14 and 15; the state, the first after the name, is field 3.
    let times = fields.split_ascii_whitespace().skip(11).take(2);
    times.filter_map(|time| time.parse::<u64>().ok()).sum()
}

fn cpu_since(before: u64, pid: u32) -> Duration {
    // USER_HZ, the same on every Linux.
    Duration::from_millis(cpu(pid).saturating_sub(before) * 10)
}

/// The 99th percentile.
fn p99(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    let index = (times.len() * 99).div_ceil(100).saturating_sub(1);
    times.get(index).copied().unwrap_or_default()
}
