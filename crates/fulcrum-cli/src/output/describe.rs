//! One thing at length: a key and a value a line.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use fulcrum_health::signal_name;
use fulcrum_rpc::control::{Domain, Instance, LastExit};

use super::color::Color;
use super::domain_table::{paint_of, reason_of};
use super::generations::GenerationHistory;
use super::table::sanitize;
use super::time::rfc3339;
use fulcrum_runtime::format::format_duration;
use fulcrum_runtime::format::{format_bytes, format_uptime};

/// The running instance.
pub(crate) fn describe_instance(instance: &Instance, now: SystemTime, color: bool) -> String {
    let mut page = DetailView::new(color);
    page.line(
        "instance",
        &format!(
            "pid {}, {}, version {}",
            instance.pid, instance.mode, instance.version
        ),
    );
    page.line("app", &instance.app);
    page.line("grpc", &instance.grpc);
    page.line("socket", &instance.socket);
    if let Some(at) = instance
        .started_at
        .and_then(|at| SystemTime::try_from(at).ok())
    {
        page.line("started", &ago(at, now));
    }
    page.text
}

/// A domain with its details and its last lives.
pub(crate) fn describe_domain(
    domain: &Domain,
    lives: &[GenerationHistory<'_>],
    now: SystemTime,
    color: bool,
) -> String {
    let mut page = DetailView::new(color);
    page.line("name", &domain.name);
    let ready = if domain.ready { ", ready" } else { "" };
    page.painted(
        "phase",
        &format!("{}{ready}", domain.phase),
        paint_of(domain),
    );
    page.optional_line("reason", &reason_of(domain));
    page.line("goal", &domain.goal);
    if let Some(pid) = domain.pid {
        page.line("pid", &pid.to_string());
        page.line("uptime", &format_uptime(domain.uptime_ms));
        let use_ = format!(
            "{:.1}% CPU, {}",
            domain.cpu_percent,
            format_bytes(domain.memory_bytes)
        );
        page.line("uses", &use_);
    }
    page.line("generation", &domain.generation.to_string());
    page.line("restarts", &domain.restarts.to_string());
    if let Some(age) = domain.heartbeat_age_ms {
        let lag = domain.event_loop_lag_ms.filter(|lag| *lag >= 1.0);
        let lag = lag.map_or_else(String::new, |lag| format!(", event loop {lag:.0} ms late"));
        page.line(
            "heartbeat",
            &format!("{} ago{lag}", format_duration(Duration::from_millis(age))),
        );
    }
    if let Some(time) = domain.registered_in_ms {
        page.line(
            "registered",
            &format!(
                "{} after its start",
                format_duration(Duration::from_secs_f64(time.max(0.0) / 1000.0))
            ),
        );
    }
    page.line("entry", domain.entry.as_deref().unwrap_or("none"));
    page.optional_line("depends on", &domain.depends_on.join(", "));
    if let Some(exit) = &domain.last_exit {
        page.line("last exit", &describe_exit(exit, now));
    }
    page.list("lives", lives.iter().map(|life| life.describe()));
    if let Some(details) = &domain.details {
        page.optional_line("runner", &details.runner);
        let words: Vec<_> = details
            .command
            .iter()
            .map(|word| shell_word(word))
            .collect();
        page.optional_line("command", &words.join(" "));
        page.optional_line("cwd", &details.cwd);
        let env: BTreeMap<_, _> = details.env.iter().collect();
        page.list(
            "env",
            env.iter().map(|(name, value)| format!("{name}={value}")),
        );
        page.list("last stderr", details.last_stderr.iter().cloned());
    }
    page.text
}

fn describe_exit(exit: &LastExit, now: SystemTime) -> String {
    let how = match (exit.signal, exit.code) {
        (Some(signal), _) => match signal_name(signal) {
            Some(name) => format!("signal {signal} ({name})"),
            None => format!("signal {signal}"),
        },
        (None, Some(code)) => format!("code {code}"),
        (None, None) => "unknown".to_owned(),
    };
    let reason = if exit.reason.is_empty() {
        String::new()
    } else {
        format!(": {}", exit.reason)
    };
    let at = exit.at.and_then(|at| SystemTime::try_from(at).ok());
    let when = at.map_or_else(String::new, |at| format!(", {}", ago(at, now)));
    format!("{how}{reason}{when}")
}

fn ago(at: SystemTime, now: SystemTime) -> String {
    match now.duration_since(at) {
        Ok(age) => format!("{} ({} ago)", rfc3339(at), format_duration(age)),
        // The clock was set back.
        Err(_) => rfc3339(at),
    }
}

/// A word as a shell would take it, for copying.
fn shell_word(word: &str) -> String {
    let is_plain = |char: char| char.is_alphanumeric() || "-_./:=@%+,".contains(char);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

struct DetailView {
    text: String,
    color: bool,
}

impl DetailView {
    const KEYS: usize = 12;

    fn new(color: bool) -> Self {
        Self {
            text: String::new(),
            color,
        }
    }

    fn line(&mut self, key: &str, value: &str) {
        self.write_entry(key, value, None);
    }

    fn painted(&mut self, key: &str, value: &str, paint: Color) {
        self.write_entry(key, value, Some(paint));
    }

    /// The line, unless there is nothing to say.
    fn optional_line(&mut self, key: &str, value: &str) {
        if !value.is_empty() {
            self.line(key, value);
        }
    }

    fn list(&mut self, key: &str, values: impl Iterator<Item = String>) {
        let mut key = key;
        for value in values {
            self.line(key, &value);
            key = "";
        }
    }

    /// The value's further lines stand below its first one.
    fn write_entry(&mut self, key: &str, value: &str, paint: Option<Color>) {
        let key = format!("{key:<width$}", width = Self::KEYS);
        let mut key = Color::Dim.paint(&key, self.color);
        for line in value.lines() {
            let line = sanitize(line);
            let line = paint.map_or_else(|| line.clone(), |paint| paint.paint(&line, self.color));
            let whole = format!("{key}{line}");
            writeln!(self.text, "{}", whole.trim_end()).expect("a String takes every write");
            key = " ".repeat(Self::KEYS);
        }
    }
}

#[cfg(test)]
mod tests {
    use fulcrum_rpc::control::Details;

    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn an_instance() {
        let instance = Instance {
            pid: 42,
            version: "0.1.0".into(),
            app: "/srv/shop".into(),
            grpc: "127.0.0.1:50051".into(),
            socket: "/run/control.sock".into(),
            started_at: Some(at(10).into()),
            mode: "dev".into(),
        };
        assert_eq!(
            describe_instance(&instance, at(75), false),
            "instance    pid 42, dev, version 0.1.0\n\
             app         /srv/shop\n\
             grpc        127.0.0.1:50051\n\
             socket      /run/control.sock\n\
             started     1970-01-01T00:00:10.000Z (1m05s ago)\n"
        );
    }

    #[test]
    fn a_crashed_domain_tells_all_it_knows() {
        let domain = Domain {
            name: "users".into(),
            phase: "failed".into(),
            goal: "up".into(),
            generation: 3,
            restarts: 2,
            reason: "exit code 1\n\x1b[2Jboom".into(),
            entry: Some("domains/users/domain.js".into()),
            last_exit: Some(LastExit {
                code: Some(1),
                signal: None,
                reason: "crashed".into(),
                at: Some(at(60).into()),
            }),
            details: Some(Details {
                command: vec!["node".into(), "it's here".into()],
                cwd: "/srv".into(),
                env: [("B", "2"), ("A", "1")]
                    .map(|(k, v)| (k.to_owned(), v.to_owned()))
                    .into(),
                runner: String::new(),
                last_stderr: vec!["Error: boom".into()],
            }),
            ..Domain::default()
        };
        assert_eq!(
            describe_domain(&domain, &[], at(61), false),
            "\
name        users
phase       failed
reason      exit code 1
            ␛[2Jboom
goal        up
generation  3
restarts    2
entry       domains/users/domain.js
last exit   code 1: crashed, 1970-01-01T00:01:00.000Z (1.0 s ago)
command     node 'it'\\''s here'
cwd         /srv
env         A=1
            B=2
last stderr Error: boom
"
        );
    }
}
