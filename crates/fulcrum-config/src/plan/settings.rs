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
        let mut life_is = |key: &str, value: Value| {
            if !value.is_null() && value != json!([]) {
                process.insert(key.to_owned(), value);
            }
        };
        life_is("node", node.as_deref().map_or(Value::Null, path));
        life_is("node_args", json!(node_args));
        life_is("args", json!(args));
        life_is("cwd", path(cwd));
        for (name, value) in file_env.iter().chain(env) {
            life_is(&format!("env.{name}"), json!(value));
        }
        let ResourceLimits { memory, cpu } = limits;
        life_is(
            "limits.memory",
            memory.map_or(Value::Null, |bytes| Setting::Size(bytes).show()),
        );
        life_is("limits.cpu", json!(cpu));
        life_is(
            "port",
            port.map_or(Value::Null, |port| Setting::Port(port).show()),
        );
        life_is("install", json!(install));
        life_is("user", json!(user));
        life_is("runtime.logs.level", json!(app.runtime.logs.level));

        let mut rule_is = |key: &str, value: Value| supervision.insert(key.to_owned(), value);
        for (name, condition) in depends_on {
            let condition = match condition {
                DependencyCondition::Ready => "ready",
                DependencyCondition::Started => "started",
                DependencyCondition::Exited => "exited",
            };
            rule_is(&format!("depends_on.{name}"), json!(condition));
        }
        let files: Vec<Value> = env_files.iter().map(|file| path(file)).collect();
        rule_is("env_file", json!(files));
        rule_is("start_timeout", Setting::Time(*start_timeout).show());
        rule_is("ready", Setting::Probe(ready.clone()).show());
        rule_is("alive", Setting::Probe(alive.clone()).show());
        let HeartbeatSettings { interval, misses } = heartbeat;
        rule_is("heartbeat.interval", Setting::Time(*interval).show());
        rule_is("heartbeat.misses", json!(misses));
        let StopSettings { signal, grace } = stop;
        rule_is("stop.signal", json!(signal));
        rule_is("stop.grace", Setting::Time(*grace).show());
        rule_is("replicas", json!(replicas));
        let WatchSettings { paths, ignore } = watch;
        rule_is("watch.paths", json!(paths));
        rule_is("watch.ignore", json!(ignore));
        supervision.extend(of_restart(restart));
        Self {
            process,
            supervision,
        }
    }
}

fn of_restart(restart: &RestartSettings) -> SettingMap {
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
    let time = |time| Setting::Time(time).show();
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
    let ((adopted, fixed), (new_adopted, new_fixed)) = (of_runtime(old), of_runtime(new));
    (diff(adopted, new_adopted), diff(fixed, new_fixed))
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
    let mut adopted = SettingMap::from([("runtime.domains".to_owned(), json!(domains))]);
    for (name, group) in groups {
        let value = json!({
            "strategy": group.strategy.to_string(),
            "domains": group.domains,
        });
        adopted.insert(format!("runtime.groups.{name}"), value);
    }
    let mut fixed = SettingMap::new();
    let mut is = |key: &str, value: Value| {
        if !value.is_null() {
            fixed.insert(format!("runtime.{key}"), value);
        }
    };
    let GrpcSettings {
        listen,
        registration,
        tls,
    } = grpc;
    is("grpc.listen", json!(listen.to_string()));
    let registration = match registration {
        RegistrationMode::Open => "open",
        RegistrationMode::Token => "token",
    };
    is("grpc.registration", json!(registration));
    if let Some(TlsSettings {
        cert,
        key,
        client_ca,
    }) = tls
    {
        is("grpc.tls.cert", json!(cert.to_string_lossy()));
        is("grpc.tls.key", json!(key.to_string_lossy()));
        let authority = client_ca.as_ref().map(|path| path.to_string_lossy());
        is("grpc.tls.client_ca", json!(authority));
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
    is("logs.format", json!(format));
    is("logs.store.enabled", json!(store.is_some()));
    if let Some(LogStoreSettings {
        file_size,
        files,
        max_age,
        total_size,
        compress,
    }) = store
    {
        is("logs.store.file_size", Setting::Size(*file_size).show());
        is("logs.store.files", json!(files));
        is("logs.store.max_age", Setting::Time(*max_age).show());
        is("logs.store.total_size", Setting::Size(*total_size).show());
        is("logs.store.compress", json!(compress));
    }
    if let Some(OtlpExportSettings {
        otlp,
        headers,
        level,
    }) = forward
    {
        is("logs.forward.otlp", json!(otlp));
        for (name, value) in headers {
            is(&format!("logs.forward.headers.{name}"), json!(value));
        }
        is("logs.forward.level", json!(level));
    }
    let AppWatchSettings {
        enabled,
        poll,
        ignore,
    } = watch;
    is("watch.enabled", json!(enabled));
    is(
        "watch.poll",
        poll.map_or(Value::Null, |poll| Setting::Time(poll).show()),
    );
    is("watch.ignore", json!(ignore));
    is("standby", json!(standby));
    (adopted, fixed)
}
