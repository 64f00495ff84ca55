//! JSON output. The keys and their order are stable.

use std::collections::BTreeMap;
use std::time::SystemTime;

use fulcrum_logs::{error_code, rfc3339_millis, without_code};
use fulcrum_rpc::control::{Details, Domain, Event, Instance, LastExit};
use serde::Serialize;

use super::generations::GenerationJson;

/// One element of `domains list -o json`, and with `details` of `domains status NAME`.
#[derive(Debug, Serialize)]
pub(crate) struct DomainJson {
    name: String,
    phase: String,
    ready: bool,
    goal: String,
    pid: Option<u32>,
    generation: u64,
    restarts: u32,
    uptime_ms: u64,
    cpu_percent: f64,
    memory_bytes: u64,
    heartbeat_age_ms: Option<u64>,
    event_loop_lag_ms: Option<f64>,
    port: Option<u32>,
    inspector_url: Option<String>,
    entry: Option<String>,
    last_exit: Option<ExitJson>,
    reason: String,
    /// The code in the reason, if it is one of a failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    depends_on: Vec<String>,
    retry_in_ms: Option<u64>,
    registered_in_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    external: Option<ExternalJson>,
    /// Of jobs with a schedule.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_run: Option<String>,
    #[serde(flatten)]
    details: Option<DetailsJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lives: Option<Vec<GenerationJson>>,
}

impl DomainJson {
    /// Adds the latest generations, as `lives`.
    pub(crate) fn with_generations(self, generations: Vec<GenerationJson>) -> Self {
        Self {
            lives: Some(generations),
            ..self
        }
    }
}

#[derive(Debug, Serialize)]
struct ExternalJson {
    pid: u32,
    command: String,
}

#[derive(Debug, Serialize)]
struct ExitJson {
    code: Option<i32>,
    signal: Option<i32>,
    reason: String,
    /// The code in the reason; `code` is the exit code.
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<String>,
    at: Option<String>,
}

#[derive(Debug, Serialize)]
struct DetailsJson {
    command: Vec<String>,
    cwd: String,
    env: BTreeMap<String, String>,
    runner: String,
    last_stderr: Vec<String>,
    readiness: String,
    /// Why Fulcrum has set variables that depend on the terminal.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    env_origins: BTreeMap<String, String>,
}

/// `instance` of `domains status -o json`.
#[derive(Debug, Serialize)]
pub(crate) struct InstanceJson {
    pid: u32,
    version: String,
    app: String,
    grpc: String,
    /// Where metrics and health endpoints are, unless they are off.
    http: Option<String>,
    otlp: Option<String>,
    socket: String,
    started_at: Option<String>,
    mode: String,
}

/// One line of `domains events -o json`.
#[derive(Debug, Serialize)]
pub(crate) struct EventJson {
    seq: u64,
    time: Option<String>,
    domain: String,
    /// The event kind.
    #[serde(rename = "type")]
    kind: String,
    /// Null, like `to`, unless the event is a transition.
    from: Option<String>,
    to: Option<String>,
    generation: u64,
    reason: String,
    /// The code in the reason, if it is one of a failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// How often it has happened, if more than once; `time` is the last time.
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
    /// The first time, if there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    first_time: Option<String>,
}

impl From<Domain> for DomainJson {
    fn from(domain: Domain) -> Self {
        Self {
            name: domain.name,
            phase: domain.phase,
            ready: domain.ready,
            goal: domain.goal,
            pid: domain.pid,
            generation: domain.generation,
            restarts: domain.restarts,
            uptime_ms: domain.uptime_ms,
            cpu_percent: round(domain.cpu_percent, 10.0),
            memory_bytes: domain.memory_bytes,
            heartbeat_age_ms: domain.heartbeat_age_ms,
            event_loop_lag_ms: domain.event_loop_lag_ms.map(|lag| round(lag, 10.0)),
            port: domain.port,
            inspector_url: domain.inspector_url,
            entry: domain.entry,
            last_exit: domain.last_exit.map(ExitJson::from),
            code: error_code(&domain.reason).map(str::to_owned),
            reason: without_code(&domain.reason),
            depends_on: domain.depends_on,
            retry_in_ms: domain.retry_in_ms,
            registered_in_ms: domain.registered_in_ms.map(|time| round(time, 1000.0)),
            external: domain.external.map(|process| ExternalJson {
                pid: process.pid,
                command: process.command,
            }),
            next_run: timestamp(domain.next_run),
            details: domain.details.map(DetailsJson::from),
            lives: None,
        }
    }
}

impl From<LastExit> for ExitJson {
    fn from(exit: LastExit) -> Self {
        let LastExit {
            code,
            signal,
            reason,
            at,
        } = exit;
        Self {
            code,
            signal,
            error_code: error_code(&reason).map(str::to_owned),
            reason: without_code(&reason),
            at: timestamp(at),
        }
    }
}

impl From<Details> for DetailsJson {
    fn from(details: Details) -> Self {
        Self {
            command: details.command,
            cwd: details.cwd,
            env: details.env.into_iter().collect(),
            runner: details.runner,
            last_stderr: details.last_stderr,
            readiness: details.readiness,
            env_origins: details.env_origins.into_iter().collect(),
        }
    }
}

impl From<Instance> for InstanceJson {
    fn from(instance: Instance) -> Self {
        Self {
            pid: instance.pid,
            version: instance.version,
            app: instance.app,
            grpc: instance.grpc,
            http: Some(instance.http).filter(|http| !http.is_empty()),
            otlp: Some(instance.otlp).filter(|otlp| !otlp.is_empty()),
            socket: instance.socket,
            started_at: timestamp(instance.started_at),
            mode: instance.mode,
        }
    }
}

impl From<Event> for EventJson {
    fn from(event: Event) -> Self {
        let count = Some(event.count).filter(|count| *count > 1);
        Self {
            count,
            first_time: count.and_then(|_| timestamp(event.first_time)),
            seq: event.seq,
            time: timestamp(event.time),
            domain: event.domain,
            kind: event.kind,
            from: Some(event.from).filter(|phase| !phase.is_empty()),
            to: Some(event.to).filter(|phase| !phase.is_empty()),
            generation: event.generation,
            code: error_code(&event.reason).map(str::to_owned),
            reason: without_code(&event.reason),
        }
    }
}

/// Rounds to the precision of the measurement.
fn round(number: f64, parts: f64) -> f64 {
    (number * parts).round() / parts
}

/// A time of a message; none if it is not representable.
fn timestamp(time: Option<impl TryInto<SystemTime>>) -> Option<String> {
    time.and_then(|time| time.try_into().ok())
        .map(rfc3339_millis)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn to_json(value: impl Serialize) -> Value {
        serde_json::to_value(value).expect("JSON")
    }

    #[test]
    fn a_running_domain_has_every_key() {
        let domain = Domain {
            name: "users".into(),
            phase: "running".into(),
            ready: true,
            goal: "up".into(),
            pid: Some(42),
            generation: 3,
            restarts: 1,
            uptime_ms: 1_500,
            cpu_percent: 0.349_999,
            memory_bytes: 50_000_000,
            heartbeat_age_ms: Some(200),
            event_loop_lag_ms: Some(1.26),
            entry: Some("domains/users/domain.ts".into()),
            last_exit: Some(LastExit {
                code: None,
                signal: Some(9),
                reason: "killed".into(),
                at: Some(at(1).into()),
            }),
            reason: "registered".into(),
            depends_on: vec!["catalog".into()],
            registered_in_ms: Some(81.5),
            port: Some(3000),
            ..Domain::default()
        };
        let golden = json!({
            "name": "users", "phase": "running", "ready": true, "goal": "up", "pid": 42,
            "generation": 3, "restarts": 1, "uptime_ms": 1500, "cpu_percent": 0.3,
            "memory_bytes": 50_000_000, "heartbeat_age_ms": 200, "event_loop_lag_ms": 1.3,
            "port": 3000, "inspector_url": null, "entry": "domains/users/domain.ts",
            "last_exit": {"code": null, "signal": 9, "reason": "killed", "at": "1970-01-01T00:00:01.000Z"},
            "reason": "registered", "depends_on": ["catalog"], "retry_in_ms": null,
            "registered_in_ms": 81.5,
        });
        assert_eq!(to_json(DomainJson::from(domain)), golden);
    }

    #[test]
    fn missing_values_are_null() {
        let domain = Domain {
            name: "pricing".into(),
            phase: "stopped".into(),
            ..Domain::default()
        };
        let json = to_json(DomainJson::from(domain));
        for key in [
            "pid",
            "heartbeat_age_ms",
            "event_loop_lag_ms",
            "port",
            "inspector_url",
            "entry",
            "last_exit",
            "retry_in_ms",
            "registered_in_ms",
        ] {
            assert_eq!(json.get(key), Some(&Value::Null), "{key}");
        }
        assert_eq!(json.get("command"), None);
    }

    #[test]
    fn details_are_keys_of_the_domain_in_order() {
        let details = Details {
            env_origins: [].into(),
            command: vec!["node".into(), "domain.js".into()],
            cwd: "/app".into(),
            env: [("B", "2"), ("A", "1")]
                .map(|(k, v)| (k.to_owned(), v.to_owned()))
                .into(),
            runner: "node 20.20.2 (PATH)".into(),
            last_stderr: vec![],
            readiness: "when it has registered".into(),
        };
        let domain = Domain {
            details: Some(details),
            ..Domain::default()
        };
        let json = to_json(DomainJson::from(domain));
        assert_eq!(json["env"].to_string(), r#"{"A":"1","B":"2"}"#);
        assert_eq!(json["command"], json!(["node", "domain.js"]));
        assert_eq!(json["last_stderr"], json!([]));
        assert_eq!(json["readiness"], json!("when it has registered"));
    }

    #[test]
    fn events_and_instances_have_every_key() {
        let event = Event {
            seq: 7,
            time: Some(at(2).into()),
            domain: "users".into(),
            kind: "ready".into(),
            from: "starting".into(),
            to: "running".into(),
            generation: 1,
            reason: "registered".into(),
            ..Event::default()
        };
        assert_eq!(
            serde_json::to_string(&EventJson::from(event)).expect("JSON"),
            r#"{"seq":7,"time":"1970-01-01T00:00:02.000Z","domain":"users","type":"ready","from":"starting","to":"running","generation":1,"reason":"registered"}"#
        );
        let event = Event {
            kind: "late".into(),
            ..Event::default()
        };
        let json = to_json(EventJson::from(event));
        assert_eq!((&json["from"], &json["to"]), (&Value::Null, &Value::Null));
        let instance = Instance {
            pid: 1,
            mode: "dev".into(),
            started_at: Some(at(0).into()),
            ..Instance::default()
        };
        let golden = json!({
            "pid": 1, "version": "", "app": "", "grpc": "", "http": null, "otlp": null, "socket": "",
            "started_at": "1970-01-01T00:00:00.000Z", "mode": "dev",
        });
        assert_eq!(to_json(InstanceJson::from(instance)), golden);
    }
}
