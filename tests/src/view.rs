//! An app as its clients see it.

use serde_json::Value;

use crate::app::App;
use crate::command::Output;
use crate::activity_log::{self, Entry};
use crate::lines::{Line, json_lines};
use crate::process::Process;
use crate::wait::{LIMIT, wait_until};

impl App {
    /// `dev --detach --wait`: everything is ready afterwards.
    #[track_caller]
    pub fn start(&self) -> Output {
        self.run(&["dev", "--detach", "--wait"]).exits(0)
    }

    /// The same with `--watch`; what is watched is known afterwards.
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

    /// Waits until something has happened to a domain so often, and gives the last reason.
    #[track_caller]
    pub fn wait_for_event(&self, domain: &str, kind: &str, times: usize) -> String {
        wait_until(&format!("{domain} has {kind} {times} times"), LIMIT, || {
            let reasons = self.event_reasons(domain, kind);
            reasons.last().cloned().filter(|_| reasons.len() >= times)
        })
    }

    /// The reasons of all events of a kind that a domain has had.
    #[track_caller]
    pub fn event_reasons(&self, domain: &str, kind: &str) -> Vec<String> {
        let events = self.events().into_iter();
        let of_kind = events.filter(|event| event["domain"] == domain && event["type"] == kind);
        let reasons = of_kind.filter_map(|event| event["reason"].as_str().map(str::to_owned));
        reasons.collect()
    }

    /// `down`; nothing may be left.
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

    /// The leader of a domain that runs.
    #[track_caller]
    pub fn leader(&self, name: &str) -> Process {
        let domain = self.status(name);
        let pid = domain["pid"]
            .as_u64()
            .and_then(|pid| u32::try_from(pid).ok());
        pid.and_then(Process::find)
            .unwrap_or_else(|| panic!("{name} has no process: {domain}"))
    }

    /// Waits until a domain is as wanted.
    #[track_caller]
    pub fn wait_for(&self, name: &str, description: &str, condition: impl Fn(&Value) -> bool) -> Value {
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

    /// What a domain wrote, and Fulcrum beside it.
    #[track_caller]
    pub fn logs(&self, name: &str) -> Vec<Line> {
        let logs = self.run(&["domains", "logs", name, "-o", "json"]).exits(0);
        json_lines(&logs.stdout).iter().map(Line::from).collect()
    }

    /// All transitions so far.
    #[track_caller]
    pub fn events(&self) -> Vec<Value> {
        json_lines(
            &self
                .run(&["domains", "events", "-o", "json"])
                .exits(0)
                .stdout,
        )
    }

    /// What the domains wrote down.
    pub fn activity_log(&self) -> Vec<Entry> {
        activity_log::read(&self.activity_log_file())
    }

    /// How often a domain did something.
    pub fn event_count(&self, domain: &str, event: &str) -> usize {
        let counted = |entry: &&Entry| entry.domain == domain && entry.event == event;
        self.activity_log().iter().filter(counted).count()
    }

    /// When a domain did something, each time; on the clock of [`activity_log::now`].
    pub fn event_times(&self, domain: &str, event: &str) -> Vec<u64> {
        let done = |entry: &Entry| entry.domain == domain && entry.event == event;
        let ledger = self.activity_log().into_iter();
        ledger.filter(done).map(|entry| entry.at).collect()
    }

    /// Waits until a domain has done something so often, and says when it did so the last time.
    #[track_caller]
    pub fn wait_for_event_count(&self, domain: &str, event: &str, times: usize) -> u64 {
        wait_until(
            &format!("{domain} has {event} {times} times"),
            LIMIT,
            || {
                let times = self.event_times(domain, event);
                times.last().copied().filter(|_| times.len() >= times)
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

    /// Waits until these domains know themselves, in every life they have had, that they have
    /// registered: the instance knows a moment earlier.
    #[track_caller]
    pub fn wait_until_stable(&self, domains: &[&str]) {
        for domain in domains {
            wait_until(&format!("{domain} knows it has registered"), LIMIT, || {
                let generations = self.event_count(domain, "spawned");
                (generations > 0 && self.event_count(domain, "registered") >= generations).then_some(())
            });
        }
    }
}
