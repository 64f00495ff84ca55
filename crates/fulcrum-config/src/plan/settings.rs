//! Settings by the keys that they are written with, told apart by what a change of them takes.
//!
//! Every field is taken apart by name, so a new setting can't be forgotten here.

use std::path::Path;

use serde_json::{Value, json};

use super::change::Difference;
use super::diff::{SettingMap, diff};
use crate::app::{App, Domain, Program};
use crate::process::{
    BackoffSettings, DependencyCondition, HeartbeatSettings, ProcessSettings, ResourceLimits,
    RestartMode, RestartSettings, StopSettings, WatchSettings,
};
use crate::runtime::{
    AppWatchSettings, GrpcSettings, LogFormat, LogSettings, LogStoreSettings, OtlpExportSettings,
    RegistrationMode, RuntimeSettings, TlsSettings,
};
use crate::setting::Setting;

/// What one domain is set to.
pub(super) struct ComparableSettings {
    /// What a process is given at its start.
    pub(super) process: SettingMap,
    /// What the supervisor decides by while it lives.
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
        match program {
            Program::Node { entry } => process.insert("entry".to_owned(), path(entry)),
            Program::Command(argv) => process.insert("command".to_owned(), json!(argv)),
            Program::NoProcess => None,
        };
        let ProcessSettings {
            node,
            node_args,
            args,
            cwd,
            env,
            env_files,
            file_env,
            depends_on,
            restart,
            start_timeout,
            ready,
            alive,
            heartbeat,
            stop,
            limits,
            replicas,
            port,
            watch,
            install,
            user,
        } = settings;
        // What one leaves unset isn't there.
        let mut set_process = |key: &str, value: Value| {
            if !value.is_null() && value != json!([]) {
                process.insert(key.to_owned(), value);
            }
        };
        set_process("node", node.as_deref().map_or(Value::Null, path));
        set_process("node_args", json!(node_args));
        set_process("args", json!(args));
        set_process("cwd", path(cwd));
        for (name, value) in file_env.iter().chain(env) {
            set_process(&format!("env.{name}"), json!(value));
        }
        let ResourceLimits { memory, cpu } = limits;
        set_process(
            "limits.memory",
            memory.map_or(Value::Null, |bytes| Setting::Size(bytes).to_json()),
        );
        set_process("limits.cpu", json!(cpu));
        set_process(
            "port",
            port.map_or(Value::Null, |port| Setting::Port(port).to_json()),
        );
        set_process("install", json!(install));
        set_process("user", json!(user));
        set_process("runtime.logs.level", json!(app.runtime.logs.level));

        let mut set_supervision =
            |key: &str, value: Value| supervision.insert(key.to_owned(), value);
        for (name, condition) in depends_on {
            let condition = match condition {
                DependencyCondition::Ready => "ready",
                DependencyCondition::Started => "started",
                DependencyCondition::Exited => "exited",
            };
            set_supervision(&format!("depends_on.{name}"), json!(condition));
        }
        let files: Vec<Value> = env_files.iter().map(|file| path(file)).collect();
        set_supervision("env_file", json!(files));
        set_supervision("start_timeout", Setting::Duration(*start_timeout).to_json());
        set_supervision("ready", Setting::Probe(ready.clone()).to_json());
        set_supervision("alive", Setting::Probe(alive.clone()).to_json());
        let HeartbeatSettings { interval, misses } = heartbeat;
        set_supervision("heartbeat.interval", Setting::Duration(*interval).to_json());
        set_supervision("heartbeat.misses", json!(misses));
        let StopSettings { signal, grace } = stop;
        set_supervision("stop.signal", json!(signal));
        set_supervision("stop.grace", Setting::Duration(*grace).to_json());
        set_supervision("replicas", json!(replicas));
        let WatchSettings { paths, ignore } = watch;
        set_supervision("watch.paths", json!(paths));
        set_supervision("watch.ignore", json!(ignore));
        supervision.extend(restart_settings(restart));
        Self {
            process,
            supervision,
        }
    }
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

/// The differences between two apps as a whole: those that are adopted, and those that only
/// another instance would heed.
pub(super) fn diff_app(old: &App, new: &App) -> (Vec<Difference>, Vec<Difference>) {
    let ((updatable, immutable), (new_adopted, new_fixed)) = (of_runtime(old), of_runtime(new));
    (diff(updatable, new_adopted), diff(immutable, new_fixed))
}

fn of_runtime(app: &App) -> (SettingMap, SettingMap) {
    let RuntimeSettings {
        domains,
        grpc,
        logs,
        watch,
        standby,
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
    let mut immutable = SettingMap::new();
    let mut set = |key: &str, value: Value| {
        if !value.is_null() {
            immutable.insert(format!("runtime.{key}"), value);
        }
    };
    let GrpcSettings {
        listen,
        registration,
        tls,
    } = grpc;
    set("grpc.listen", json!(listen.to_string()));
    let registration = match registration {
        RegistrationMode::Open => "open",
        RegistrationMode::Token => "token",
    };
    set("grpc.registration", json!(registration));
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
    // What domains are told of it is in their environment.
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
        for (name, value) in headers {
            set(&format!("logs.forward.headers.{name}"), json!(value));
        }
        set("logs.forward.level", json!(level));
    }
    let AppWatchSettings {
        enabled,
        poll,
        ignore,
    } = watch;
    set("watch.enabled", json!(enabled));
    set(
        "watch.poll",
        poll.map_or(Value::Null, |poll| Setting::Duration(poll).to_json()),
    );
    set("watch.ignore", json!(ignore));
    set("standby", json!(standby));
    (updatable, immutable)
}
