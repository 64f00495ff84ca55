//! Settings by key, divided by the effect of a change.
//!
//! Every struct is destructured, so that the compiler reports a setting that is missing here.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::change::Difference;
use super::diff::{SettingMap, diff};
use super::telemetry::set_telemetry;
use crate::app::{App, Domain, Program};
use crate::process::{
    BackoffSettings, DependencyCondition, HeartbeatSettings, HookSettings, JsRuntime, PortSetting,
    ProbeSettings, ProcessKind, ProcessSettings, ResourceLimits, RestartMode, RestartSettings,
    StopRecipient, StopSettings, WatchSettings,
};
use crate::runtime::{
    AppWatchSettings, GrpcSettings, HttpSettings, LogFormat, LogSettings, LogStoreSettings,
    OtlpExportSettings, RegistrationMode, RuntimeSettings, TlsSettings, WEB_LOOPBACK,
};
use crate::schedule::{MissedRuns, Overlap, Schedule};
use crate::setting::Setting;

/// The settings of one domain.
pub(super) struct ComparableSettings {
    /// Settings that a process gets at its start.
    pub(super) process: SettingMap,
    /// Settings that the supervisor uses while the process runs.
    pub(super) supervision: SettingMap,
}

impl ComparableSettings {
    pub(super) fn from_domain(domain: &Domain, app: &App) -> Self {
        let Domain {
            name: _,
            dir,
            program,
            process: settings,
        } = domain;
        let mut process = SettingMap::new();
        let mut supervision = SettingMap::new();
        let path = |path: &Path| json!(app.relative(path).to_string_lossy());
        process.insert("folder".to_owned(), path(dir));
        process.extend(program_setting(program, &path));
        let ProcessSettings {
            runtime,
            kind,
            node,
            node_args,
            args,
            cwd,
            env,
            env_files,
            file_env,
            depends_on: _,
            restart: _,
            start_timeout: _,
            timeout: _,
            schedule: _,
            hooks: _,
            ready: _,
            alive: _,
            heartbeat: _,
            stop: _,
            limits: _,
            replicas: _,
            port,
            watch: _,
            install: _,
            autostart: _,
            tty: _,
            user: _,
        } = settings;
        process.insert("kind".to_owned(), kind_setting(*kind));
        // Unset settings have no key.
        let mut set_process = |key: &str, value: Value| {
            if !value.is_null() && value != json!([]) {
                process.insert(key.to_owned(), value);
            }
        };
        set_process("runtime", other_runtime(*runtime));
        set_process("node", node.as_deref().map_or(Value::Null, path));
        set_process("node_args", json!(node_args));
        set_process("args", json!(args));
        set_process("cwd", path(cwd));
        for (name, value) in file_env.iter().chain(env) {
            set_process(&format!("env.{name}"), json!(value));
        }
        set_process("port", port_setting(*port));
        for (key, value) in start_settings(settings) {
            set_process(key, value);
        }
        set_process("runtime.logs.level", json!(app.runtime.logs.level));
        if !(env_files.is_empty() || app.runtime.env_override) {
            set_process("runtime.env_override", json!(false));
        }

        let mut set_supervision = |key: &str, value| supervision.insert(key.to_owned(), value);
        let files: Vec<Value> = env_files.iter().map(|file| path(&file.path)).collect();
        set_supervision("env_file", json!(files));
        supervision.extend(supervision_settings(settings));
        Self {
            process,
            supervision,
        }
    }
}

/// What is run, where there is something.
fn program_setting(program: &Program, path: &dyn Fn(&Path) -> Value) -> Option<(String, Value)> {
    match program {
        Program::Node { entry } => Some(("entry".to_owned(), path(entry))),
        Program::Command(argv) => Some(("command".to_owned(), json!(argv))),
        Program::NoProcess => None,
    }
}

/// Settings of how a process is started.
fn start_settings(settings: &ProcessSettings) -> [(&'static str, Value); 5] {
    let [memory, cpu] = limit_settings(&settings.limits);
    [
        memory,
        cpu,
        ("install", json!(settings.install)),
        ("tty", json!(settings.tty)),
        ("user", json!(settings.user)),
    ]
}

/// Settings whose values do not depend on the app.
fn supervision_settings(settings: &ProcessSettings) -> SettingMap {
    let start_timeout = Setting::Duration(settings.start_timeout).to_json();
    let mut map = SettingMap::from([
        ("start_timeout".to_owned(), start_timeout),
        ("replicas".to_owned(), json!(settings.replicas)),
        ("autostart".to_owned(), json!(settings.autostart)),
    ]);
    map.extend(job_settings(settings.timeout, settings.schedule.as_ref()));
    map.extend(hook_settings(&settings.hooks));
    map.extend(probe_settings(&settings.ready, &settings.alive));
    map.extend(dependency_settings(&settings.depends_on));
    map.extend(heartbeat_settings(&settings.heartbeat));
    map.extend(stop_settings(&settings.stop));
    map.extend(watch_settings(&settings.watch));
    map.extend(restart_settings(&settings.restart));
    map
}

/// The default runtime counts as unset.
fn other_runtime(runtime: JsRuntime) -> Value {
    match runtime {
        JsRuntime::Node => Value::Null,
        JsRuntime::Bun | JsRuntime::Deno => json!(runtime.name()),
    }
}

pub(super) fn port_setting(port: Option<PortSetting>) -> Value {
    let port = port.map(|port| Setting::Port(port).to_json());
    port.unwrap_or_default()
}

fn limit_settings(limits: &ResourceLimits) -> [(&'static str, Value); 2] {
    let ResourceLimits { memory, cpu } = limits;
    let memory = memory.map(|bytes| Setting::Size(bytes).to_json());
    [
        ("limits.memory", memory.unwrap_or_default()),
        ("limits.cpu", json!(cpu)),
    ]
}

fn kind_setting(kind: ProcessKind) -> Value {
    json!(match kind {
        ProcessKind::Service => "service",
        ProcessKind::Job => "job",
    })
}

fn job_settings(timeout: Option<Duration>, schedule: Option<&Schedule>) -> SettingMap {
    let mut settings = SettingMap::new();
    let timeout = timeout.map(|limit| Setting::Duration(limit).to_json());
    settings.extend(timeout.map(|limit| ("timeout".to_owned(), limit)));
    if let Some(schedule) = schedule {
        let Schedule {
            cron,
            time_zone,
            overlap,
            jitter,
            missed,
        } = schedule;
        let overlap = match overlap {
            Overlap::Skip => "skip",
            Overlap::Queue => "queue",
            Overlap::Kill => "kill",
        };
        let missed = match missed {
            MissedRuns::Skip => "skip",
            MissedRuns::Run => "run",
        };
        let values = [
            ("cron", json!(cron.as_str())),
            ("timezone", json!(time_zone)),
            ("overlap", json!(overlap)),
            ("jitter", Setting::Duration(*jitter).to_json()),
            ("missed", json!(missed)),
        ];
        let set = values.into_iter().filter(|(_, value)| !value.is_null());
        settings.extend(set.map(|(key, value)| (format!("schedule.{key}"), value)));
    }
    settings
}

fn hook_settings(hooks: &HookSettings) -> SettingMap {
    let HookSettings {
        before_start,
        after_ready,
        on_failure,
        after_exit,
        timeout,
    } = hooks;
    let commands = [
        ("before_start", before_start),
        ("after_ready", after_ready),
        ("on_failure", on_failure),
        ("after_exit", after_exit),
    ];
    let set = commands.into_iter().filter(|(_, argv)| !argv.is_empty());
    let mut settings: SettingMap = set
        .map(|(key, argv)| (format!("hooks.{key}"), json!(argv)))
        .collect();
    let timeout = Setting::Duration(*timeout).to_json();
    settings.insert("hooks.timeout".to_owned(), timeout);
    settings
}

fn probe_settings(ready: &ProbeSettings, alive: &ProbeSettings) -> SettingMap {
    [("ready", ready), ("alive", alive)]
        .map(|(key, probe)| (key.to_owned(), Setting::Probe(probe.clone()).to_json()))
        .into()
}

fn dependency_settings(depends_on: &BTreeMap<String, DependencyCondition>) -> SettingMap {
    let setting = |(name, condition): (&String, &DependencyCondition)| {
        let condition = match condition {
            DependencyCondition::Ready => "ready",
            DependencyCondition::Started => "started",
            DependencyCondition::Completed => "completed",
        };
        (format!("depends_on.{name}"), json!(condition))
    };
    depends_on.iter().map(setting).collect()
}

fn heartbeat_settings(heartbeat: &HeartbeatSettings) -> SettingMap {
    let HeartbeatSettings { interval, misses } = heartbeat;
    let interval = Setting::Duration(*interval).to_json();
    [("interval", interval), ("misses", json!(misses))]
        .map(|(key, value)| (format!("heartbeat.{key}"), value))
        .into()
}

fn stop_settings(stop: &StopSettings) -> SettingMap {
    let StopSettings { signal, grace, to } = stop;
    let grace = Setting::Duration(*grace).to_json();
    let to = match to {
        StopRecipient::Leader => "leader",
        StopRecipient::Tree => "tree",
    };
    [
        ("signal", json!(signal)),
        ("grace", grace),
        ("to", json!(to)),
    ]
    .map(|(key, value)| (format!("stop.{key}"), value))
    .into()
}

fn watch_settings(watch: &WatchSettings) -> SettingMap {
    let WatchSettings { paths, ignore } = watch;
    [("paths", json!(paths)), ("ignore", json!(ignore))]
        .map(|(key, value)| (format!("watch.{key}"), value))
        .into()
}

fn restart_settings(restart: &RestartSettings) -> SettingMap {
    let RestartSettings {
        policy,
        success_exit_codes,
        backoff,
        stable_after,
        budget,
        window,
    } = restart;
    let BackoffSettings {
        initial,
        max,
        factor,
        jitter,
    } = backoff;
    let policy = match policy {
        RestartMode::Always => "always",
        RestartMode::OnFailure => "on-failure",
        RestartMode::Never => "never",
    };
    let time = |time| Setting::Duration(time).to_json();
    [
        ("policy", json!(policy)),
        ("success_exit_codes", json!(success_exit_codes)),
        ("backoff.initial", time(*initial)),
        ("backoff.max", time(*max)),
        ("backoff.factor", json!(factor)),
        ("backoff.jitter", json!(jitter)),
        ("stable_after", time(*stable_after)),
        ("budget", json!(budget)),
        ("window", time(*window)),
    ]
    .map(|(key, value)| (format!("restart.{key}"), value))
    .into()
}

/// The differences between two apps as a whole: those that are updated in place, and those that
/// require a restart of the instance.
pub(super) fn diff_app(old: &App, new: &App) -> (Vec<Difference>, Vec<Difference>) {
    let (old, new) = (RuntimeMaps::new(old), RuntimeMaps::new(new));
    (
        diff(old.updatable, new.updatable),
        diff(old.immutable, new.immutable),
    )
}

/// The settings under `runtime`.
struct RuntimeMaps {
    updatable: SettingMap,
    /// Settings that a running instance cannot change.
    immutable: SettingMap,
}

impl RuntimeMaps {
    fn new(app: &App) -> Self {
        let RuntimeSettings {
            domains,
            grpc,
            http,
            logs,
            notify,
            telemetry,
            watch,
            standby,
            // A setting of each process.
            env_override: _,
            typecheck,
            cache_size,
            terminal,
            groups,
        } = &app.runtime;
        let mut updatable = SettingMap::from([("runtime.domains".to_owned(), json!(domains))]);
        for (name, group) in groups {
            let value = json!({
                "strategy": group.strategy.to_string(),
                "domains": group.domains,
            });
            updatable.insert(format!("runtime.groups.{name}"), value);
        }
        let notify = Setting::Webhooks(notify.clone()).to_json();
        updatable.insert("runtime.notify".to_owned(), notify);
        let mut immutable = SettingMap::new();
        let mut set = |key: &str, value: Value| {
            if !value.is_null() {
                immutable.insert(format!("runtime.{key}"), value);
            }
        };
        set_grpc(grpc, &mut set);
        let HttpSettings { listen } = http;
        let listen = listen.as_ref().map(ToString::to_string);
        set("http.listen", json!(listen.as_deref().unwrap_or("off")));
        set_logs(logs, &mut set);
        set_telemetry(telemetry, &mut set);
        let AppWatchSettings {
            enabled,
            poll,
            ignore,
        } = watch;
        set("watch.enabled", json!(enabled));
        let poll = poll.map_or(Value::Null, |poll| Setting::Duration(poll).to_json());
        set("watch.poll", poll);
        set("watch.ignore", json!(ignore));
        set("standby", json!(standby));
        set("typecheck", json!(typecheck));
        set("cache_size", Setting::Size(*cache_size).to_json());
        set("terminal.keys", json!(terminal.keys));
        set("terminal.title", json!(terminal.title));
        set("terminal.notify", json!(terminal.notify.as_str()));
        Self {
            updatable,
            immutable,
        }
    }
}

fn set_grpc(grpc: &GrpcSettings, set: &mut impl FnMut(&str, Value)) {
    let GrpcSettings {
        listen,
        registration,
        call_timeout,
        call_queue,
        max_message,
        web_origins,
        tls,
    } = grpc;
    set("grpc.listen", json!(listen.to_string()));
    let registration = match registration {
        RegistrationMode::Open => "open",
        RegistrationMode::Token => "token",
    };
    set("grpc.registration", json!(registration));
    let timeout = Setting::Duration(*call_timeout).to_json();
    set("grpc.call_timeout", timeout);
    set("grpc.call_queue", Setting::Size(*call_queue).to_json());
    set("grpc.max_message", Setting::Size(*max_message).to_json());
    let loopback = web_origins.loopback.then_some(WEB_LOOPBACK);
    let others = web_origins.others.iter().map(String::as_str);
    let origins: Vec<&str> = loopback.into_iter().chain(others).collect();
    set("grpc.web_origins", json!(origins));
    if let Some(TlsSettings {
        cert,
        key,
        client_ca,
    }) = tls
    {
        set("grpc.tls.cert", json!(cert.to_string_lossy()));
        set("grpc.tls.key", json!(key.to_string_lossy()));
        let authority = client_ca.as_ref().map(|path| path.to_string_lossy());
        set("grpc.tls.client_ca", json!(authority));
    }
}

fn set_logs(logs: &LogSettings, set: &mut impl FnMut(&str, Value)) {
    // The level is in the environment of each domain.
    let LogSettings {
        level: _,
        format,
        store,
        forward,
    } = logs;
    let format = match format {
        LogFormat::Auto => "auto",
        LogFormat::Text => "text",
        LogFormat::Json => "json",
    };
    set("logs.format", json!(format));
    set("logs.store.enabled", json!(store.is_some()));
    if let Some(LogStoreSettings {
        file_size,
        files,
        max_age,
        total_size,
        compress,
    }) = store
    {
        set("logs.store.file_size", Setting::Size(*file_size).to_json());
        set("logs.store.files", json!(files));
        set("logs.store.max_age", Setting::Duration(*max_age).to_json());
        set(
            "logs.store.total_size",
            Setting::Size(*total_size).to_json(),
        );
        set("logs.store.compress", json!(compress));
    }
    if let Some(OtlpExportSettings {
        otlp,
        headers,
        level,
    }) = forward
    {
        set("logs.forward.otlp", json!(otlp));
        let collector = otlp.is_none().then_some(true);
        set("logs.forward.collector", json!(collector));
        for (name, value) in headers {
            set(&format!("logs.forward.headers.{name}"), json!(value));
        }
        set("logs.forward.level", json!(level));
    }
}
