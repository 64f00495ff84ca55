//! An app, observed and controlled through its clients.

use serde_json::Value;

use crate::activity_log::{self, Entry};
use crate::app::App;
use crate::command::{Output, read_lossy};
use crate::lines::{Line, json_lines};
use crate::process::Process;
use crate::wait::{LIMIT, wait_until};

impl App {
    /// Runs `dev --detach --wait`: all domains are ready afterwards.
    #[track_caller]
    pub fn start(&self) -> Output {
        self.run(&["dev", "--detach", "--wait"]).exits(0)
    }

    /// The same with `--watch`: files are watched afterwards.
    #[track_caller]
    pub fn start_watching(&self) {
        self.start_watching_with(&[]);
    }

    /// The same with more arguments.
    #[track_caller]
    pub fn start_watching_with(&self, args: &[&str]) {
        let all = [&["dev", "--detach", "--wait", "--watch"], args].concat();
        self.run(&all).exits(0);
        self.wait_for_event("fulcrum", "watching", 1);
    }

    /// Waits until a domain has had `times` events of a kind, and returns the last reason.
    #[track_caller]
    pub fn wait_for_event(&self, domain: &str, kind: &str, times: usize) -> String {
        wait_until(&format!("{domain} has {kind} {times} times"), LIMIT, || {
            let reasons = self.event_reasons(domain, kind);
            reasons.last().cloned().filter(|_| reasons.len() >= times)
        })
    }

    /// The reasons of all events of a kind of a domain.
    #[track_caller]
    pub fn event_reasons(&self, domain: &str, kind: &str) -> Vec<String> {
        let events = self.events().into_iter();
        let of_kind = events.filter(|event| event["domain"] == domain && event["type"] == kind);
        // An event that repeats another is told once, with its count.
        let reasons = of_kind.flat_map(|event| {
            let count = event["count"].as_u64().unwrap_or(1);
            let reason = event["reason"].as_str().map(str::to_owned);
            std::iter::repeat_n(reason, usize::try_from(count).unwrap_or(usize::MAX))
        });
        reasons.flatten().collect()
    }

    /// Runs `down`, and asserts that no process is left.
    #[track_caller]
    pub fn down(&self) {
        self.run(&["down"]).exits(0);
        self.assert_no_processes();
    }

    /// `domains list -o json`.
    #[track_caller]
    pub fn list(&self) -> Vec<Value> {
        let list = self.run(&["domains", "list", "-o", "json"]).exits(0).json();
        list.as_array().expect("a list is an array").clone()
    }

    /// One domain of the list.
    #[track_caller]
    pub fn status(&self, name: &str) -> Value {
        let mut list = self.list().into_iter();
        list.find(|domain| domain["name"] == name)
            .unwrap_or_else(|| panic!("no {name} in the list"))
    }

    /// The leader of a running domain.
    #[track_caller]
    pub fn leader(&self, name: &str) -> Process {
        let domain = self.status(name);
        let pid = domain["pid"]
            .as_u64()
            .and_then(|pid| u32::try_from(pid).ok());
        pid.and_then(Process::find)
            .unwrap_or_else(|| panic!("{name} has no process: {domain}"))
    }

    /// Waits until a domain in the list meets a condition.
    #[track_caller]
    pub fn wait_for(
        &self,
        name: &str,
        description: &str,
        condition: impl Fn(&Value) -> bool,
    ) -> Value {
        wait_until(&format!("{name} {description}"), LIMIT, || {
            Some(self.status(name)).filter(&condition)
        })
    }

    /// The gRPC address of the instance, host:port.
    #[track_caller]
    pub fn grpc(&self) -> String {
        let status = self
            .run(&["domains", "status", "-o", "json"])
            .exits(0)
            .json();
        status["instance"]["grpc"]
            .as_str()
            .expect("an instance has an address")
            .to_owned()
    }

    /// The log lines of a domain, Fulcrum's own lines about it included.
    #[track_caller]
    pub fn logs(&self, name: &str) -> Vec<Line> {
        let logs = self.run(&["domains", "logs", name, "-o", "json"]).exits(0);
        json_lines(&logs.stdout).iter().map(Line::from).collect()
    }

    /// All events so far.
    #[track_caller]
    pub fn events(&self) -> Vec<Value> {
        json_lines(
            &self
                .run(&["domains", "events", "-o", "json"])
                .exits(0)
                .stdout,
        )
    }

    /// What the domains recorded about themselves.
    pub fn activity_log(&self) -> Vec<Entry> {
        activity_log::read(&self.activity_log_file())
    }

    /// The number of a domain's entries in the activity log with this event.
    pub fn event_count(&self, domain: &str, event: &str) -> usize {
        let matches = |entry: &&Entry| entry.domain == domain && entry.event == event;
        self.activity_log().iter().filter(matches).count()
    }

    /// The number of all domains' entries with this event, counted without reading each entry: the log
    /// may be long.
    pub fn total_event_count(&self, event: &str) -> usize {
        let log = read_lossy(&self.activity_log_file());
        log.matches(&format!("\"event\":\"{event}\"")).count()
    }

    /// The times of a domain's entries with this event, on the clock of [`activity_log::now`].
    pub fn event_times(&self, domain: &str, event: &str) -> Vec<u64> {
        let matches = |entry: &Entry| entry.domain == domain && entry.event == event;
        let entries = self.activity_log().into_iter();
        entries.filter(matches).map(|entry| entry.at).collect()
    }

    /// Waits until a domain has recorded an event `times` times, and returns the last time.
    #[track_caller]
    pub fn wait_for_event_count(&self, domain: &str, event: &str, times: usize) -> u64 {
        wait_until(
            &format!("{domain} has {event} {times} times"),
            LIMIT,
            || {
                let found = self.event_times(domain, event);
                found.last().copied().filter(|_| found.len() >= times)
            },
        )
    }

    /// The instance's own process.
    #[track_caller]
    pub fn instance(&self) -> Process {
        let status = self
            .run(&["domains", "status", "-o", "json"])
            .exits(0)
            .json();
        let pid = status["instance"]["pid"].as_u64();
        let pid = pid.and_then(|pid| u32::try_from(pid).ok());
        pid.and_then(Process::find)
            .unwrap_or_else(|| panic!("the instance has no process: {status}"))
    }

    /// Waits until these domains have recorded their registration in each of their generations. The
    /// instance accepts a registration a moment before the domain records it.
    #[track_caller]
    pub fn wait_until_stable(&self, domains: &[&str]) {
        for domain in domains {
            wait_until(
                &format!("{domain} has recorded its registration"),
                LIMIT,
                || {
                    let generations = self.event_count(domain, "spawned");
                    (generations > 0 && self.event_count(domain, "registered") >= generations)
                        .then_some(())
                },
            );
        }
    }
}
