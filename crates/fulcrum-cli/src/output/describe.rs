//! An instance or a domain in detail: one key and value per line.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use fulcrum_health::signal_name;
use fulcrum_logs::rfc3339_millis;
use fulcrum_rpc::control::{Domain, Instance, LastExit};
use fulcrum_runtime::format::{format_bytes, format_duration, format_uptime};
use fulcrum_runtime::history::GenerationHistory;

use super::color::Color;
use super::domain_table::{phase_color, reason_text};
use super::table::sanitize;

/// The running instance.
pub(crate) fn describe_instance(instance: &Instance, now: SystemTime, color: bool) -> String {
    let mut view = DetailView::new(color);
    view.line(
        "instance",
        &format!(
            "pid {}, {}, version {}",
            instance.pid, instance.mode, instance.version
        ),
    );
    view.line("app", &instance.app);
    view.line("grpc", &instance.grpc);
    if !instance.http.is_empty() {
        view.line("http", &instance.http);
    }
    if !instance.otlp.is_empty() {
        view.line("otlp", &instance.otlp);
    }
    view.line("socket", &instance.socket);
    if let Some(at) = instance
        .started_at
        .and_then(|at| SystemTime::try_from(at).ok())
    {
        view.line("started", &ago(at, now));
    }
    view.text
}

/// A domain with its details and its latest generations.
pub(crate) fn describe_domain(
    domain: &Domain,
    generations: &[GenerationHistory<'_>],
    now: SystemTime,
    color: bool,
) -> String {
    let mut view = DetailView::new(color);
    view.line("name", &domain.name);
    let ready = if domain.ready { ", ready" } else { "" };
    view.colored(
        "phase",
        &format!("{}{ready}", domain.phase),
        phase_color(domain),
    );
    view.optional_line("reason", &reason_text(domain));
    view.line("goal", &domain.goal);
    if let Some(pid) = domain.pid {
        view.line("pid", &pid.to_string());
        view.line("uptime", &format_uptime(domain.uptime_ms));
        let memory = format_bytes(domain.memory_bytes);
        let usage = format!("{:.1}% CPU, {memory}", domain.cpu_percent);
        view.line("usage", &usage);
    }
    if let Some(port) = domain.port {
        view.line("port", &port.to_string());
    }
    if let Some(url) = &domain.inspector_url {
        view.line("inspector", url);
    }
    if let Some(process) = &domain.external {
        let text = format!("pid {} ({})", process.pid, process.command);
        view.line("external", &text);
    }
    view.line("generation", &domain.generation.to_string());
    view.line("restarts", &domain.restarts.to_string());
    if let Some(age) = domain.heartbeat_age_ms {
        let lag = domain.event_loop_lag_ms.filter(|lag| *lag >= 1.0);
        let lag = lag.map_or_else(String::new, |lag| format!(", event loop lag {lag:.0} ms"));
        view.line(
            "heartbeat",
            &format!("{} ago{lag}", format_duration(Duration::from_millis(age))),
        );
    }
    if let Some(time) = domain.registered_in_ms {
        let time = Duration::from_secs_f64(time.max(0.0) / 1000.0);
        view.line("ready in", &format_duration(time));
    }
    view.line("entry", domain.entry.as_deref().unwrap_or("none"));
    view.optional_line("depends on", &domain.depends_on.join(", "));
    if let Some(exit) = &domain.last_exit {
        view.line("last exit", &describe_exit(exit, now));
    }
    view.list(
        "generations",
        generations.iter().map(GenerationHistory::describe),
    );
    if let Some(details) = &domain.details {
        view.optional_line("ready rule", &details.readiness);
        view.optional_line("runner", &details.runner);
        let command: Vec<_> = details.command.iter().map(|arg| shell_quote(arg)).collect();
        view.optional_line("command", &command.join(" "));
        view.optional_line("cwd", &details.cwd);
        let env: BTreeMap<_, _> = details.env.iter().collect();
        view.list(
            "env",
            env.iter()
                .map(|(name, value)| match details.env_origins.get(*name) {
                    Some(origin) => format!("{name}={value}  ({origin})"),
                    None => format!("{name}={value}"),
                }),
        );
        view.list("last stderr", details.last_stderr.iter().cloned());
    }
    view.text
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
        Ok(age) => format!("{} ({} ago)", rfc3339_millis(at), format_duration(age)),
        // The clock was set back.
        Err(_) => rfc3339_millis(at),
    }
}

/// An argument quoted for a shell, so that a command can be copied.
fn shell_quote(arg: &str) -> String {
    let is_plain = |char: char| char.is_alphanumeric() || "-_./:=@%+,".contains(char);
    if !arg.is_empty() && arg.chars().all(is_plain) {
        return arg.to_owned();
    }
    format!("'{}'", arg.replace('\'', r"'\''"))
}

/// Keys and values, aligned.
struct DetailView {
    text: String,
    color: bool,
}

impl DetailView {
    const KEY_WIDTH: usize = 12;

    fn new(color: bool) -> Self {
        Self {
            text: String::new(),
            color,
        }
    }

    fn line(&mut self, key: &str, value: &str) {
        self.write_entry(key, value, None);
    }

    fn colored(&mut self, key: &str, value: &str, color: Color) {
        self.write_entry(key, value, Some(color));
    }

    /// The line, unless the value is empty.
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

    /// Further lines of the value are aligned below the first.
    fn write_entry(&mut self, key: &str, value: &str, color: Option<Color>) {
        let key = format!("{key:<width$}", width = Self::KEY_WIDTH);
        let mut key = Color::Dim.paint(&key, self.color);
        for line in value.lines() {
            let line = sanitize(line);
            let line = color.map_or_else(|| line.clone(), |color| color.paint(&line, self.color));
            let entry = format!("{key}{line}");
            writeln!(self.text, "{}", entry.trim_end()).expect("writing to a String cannot fail");
            key = " ".repeat(Self::KEY_WIDTH);
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
    fn an_instance_is_described_one_key_per_line() {
        let instance = Instance {
            pid: 42,
            version: "0.1.0".into(),
            app: "/srv/shop".into(),
            grpc: "127.0.0.1:50051".into(),
            http: "127.0.0.1:50080".into(),
            otlp: "127.0.0.1:50081".into(),
            socket: "/run/control.sock".into(),
            started_at: Some(at(10).into()),
            mode: "dev".into(),
        };
        assert_eq!(
            describe_instance(&instance, at(75), false),
            "instance    pid 42, dev, version 0.1.0\n\
             app         /srv/shop\n\
             grpc        127.0.0.1:50051\n\
             http        127.0.0.1:50080\n\
             otlp        127.0.0.1:50081\n\
             socket      /run/control.sock\n\
             started     1970-01-01T00:00:10.000Z (1m05s ago)\n"
        );
    }

    #[test]
    fn a_crashed_domain_is_described_in_full() {
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
                env_origins: [].into(),
                command: vec!["node".into(), "it's here".into()],
                cwd: "/srv".into(),
                env: [("B", "2"), ("A", "1")]
                    .map(|(k, v)| (k.to_owned(), v.to_owned()))
                    .into(),
                runner: String::new(),
                last_stderr: vec!["Error: boom".into()],
                readiness: "tcp 127.0.0.1:3000".into(),
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
ready rule  tcp 127.0.0.1:3000
command     node 'it'\\''s here'
cwd         /srv
env         A=1
            B=2
last stderr Error: boom
"
        );
    }
}
