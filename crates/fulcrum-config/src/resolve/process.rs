//! `process:` as typed settings.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::env_files::{self, Environment};
use super::jobs;
use super::reader::{SET, SettingsReader};
use crate::code::Code;
use crate::diagnostic::{Diagnostic, quoted};
use crate::file::io_error_text;
use crate::process::{
    BackoffSettings, DependencyCondition, HeartbeatSettings, JsRuntime, PortSetting, ProbeCheck,
    ProbeSettings, ProcessKind, ProcessSettings, ResourceLimits, RestartMode, RestartSettings,
    StopRecipient, StopSettings, WatchSettings,
};
use crate::setting::{Origin, Setting, SettingTree, SettingWithOrigin};

/// The settings of one domain, whose directory is `dir`.
pub(crate) fn process(
    tree: &SettingTree,
    root: &Path,
    dir: &Path,
    environment: &Environment<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) -> ProcessSettings {
    let settings = SettingsReader {
        tree,
        section: "process",
    };
    let env = tree.entries("env").filter_map(|(name, value)| match value {
        SettingTree::Leaf(SettingWithOrigin {
            setting: Setting::String(text),
            ..
        }) => Some((name.clone(), text.clone())),
        _ => None,
    });
    let port = match settings.leaf("port").map(|leaf| &leaf.setting) {
        Some(Setting::Port(port)) => Some(*port),
        _ => None,
    };
    let (env_files, file_env) = env_files::read(&settings, root, environment, diagnostics);
    ProcessSettings {
        runtime: runtime(&settings),
        kind: match settings.string("kind") {
            Some("job") => ProcessKind::Job,
            _ => ProcessKind::Service,
        },
        node: node(&settings, root, diagnostics),
        node_args: settings.string_list("node_args"),
        args: settings.string_list("args"),
        cwd: cwd(&settings, root, dir, diagnostics),
        env: env.collect(),
        env_files,
        file_env,
        depends_on: depends_on(tree),
        restart: restart(&settings, diagnostics),
        start_timeout: settings.duration("start_timeout").expect(SET),
        timeout: settings.duration("timeout"),
        schedule: jobs::schedule(&settings),
        hooks: jobs::hooks(&settings),
        ready: probe(&settings, "ready", port, diagnostics),
        alive: probe(&settings, "alive", port, diagnostics),
        heartbeat: HeartbeatSettings {
            interval: settings.duration("heartbeat.interval").expect(SET),
            misses: settings.integer("heartbeat.misses").expect(SET),
        },
        stop: StopSettings {
            signal: settings.string("stop.signal").expect(SET).to_owned(),
            grace: settings.duration("stop.grace").expect(SET),
            to: match settings.string("stop.to") {
                Some("tree") => StopRecipient::Tree,
                _ => StopRecipient::Leader,
            },
        },
        limits: ResourceLimits {
            memory: settings.size("limits.memory"),
            cpu: settings.float("limits.cpu"),
        },
        replicas: settings.integer("replicas").expect(SET),
        port,
        watch: WatchSettings {
            paths: settings.string_list("watch.paths"),
            ignore: settings.string_list("watch.ignore"),
        },
        install: settings.bool("install").expect(SET),
        autostart: settings.bool("autostart").expect(SET),
        tty: settings.bool("tty").expect(SET),
        user: user(&settings, diagnostics),
    }
}

fn runtime(settings: &SettingsReader<'_>) -> JsRuntime {
    match settings.string("runtime") {
        Some("bun") => JsRuntime::Bun,
        Some("deno") => JsRuntime::Deno,
        _ => JsRuntime::Node,
    }
}

fn depends_on(tree: &SettingTree) -> BTreeMap<String, DependencyCondition> {
    let condition = |(name, dependency): (&String, &SettingTree)| {
        let settings = SettingsReader {
            tree: dependency,
            section: "",
        };
        let condition = match settings.string("condition") {
            Some("started" | "service_started") => DependencyCondition::Started,
            Some("completed" | "exited" | "service_completed_successfully") => {
                DependencyCondition::Completed
            }
            _ => DependencyCondition::Ready,
        };
        (name.clone(), condition)
    };
    tree.entries("depends_on").map(condition).collect()
}

/// `node: node20` is searched in `PATH`; with a slash it is a path.
fn node(
    settings: &SettingsReader<'_>,
    root: &Path,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<PathBuf> {
    let text = settings.string("node")?;
    if !text.contains('/') {
        return Some(text.into());
    }
    let path = settings.path("node", root)?;
    // Its version is checked when a process is started.
    if !path.is_file() {
        let display_path = quoted(&path.to_string_lossy());
        diagnostics.push(
            settings
                .diagnostic(
                    "node",
                    Code::MissingNode,
                    format!("no such file: {display_path}"),
                )
                .hint(
                    "set the path of Node's executable, or omit the setting to use the one in PATH",
                ),
        );
    }
    Some(path)
}

fn cwd(
    settings: &SettingsReader<'_>,
    root: &Path,
    dir: &Path,
    diagnostics: &mut Vec<Diagnostic>,
) -> PathBuf {
    let Some(path) = settings.path("cwd", root) else {
        return dir.to_owned();
    };
    match path.canonicalize() {
        Ok(real) if real.is_dir() => real,
        other => {
            let reason = other.err().map_or_else(
                || "not a directory".to_owned(),
                |error| io_error_text(&error),
            );
            let text = settings.string("cwd").unwrap_or_default();
            diagnostics.push(
                settings
                    .diagnostic(
                        "cwd",
                        Code::BadPath,
                        format!("{} cannot be the working directory: {reason}", quoted(text)),
                    )
                    .hint("the path is relative to the directory of the configuration file"),
            );
            path
        }
    }
}

/// Refused, not ignored: a process with the rights of another user than configured is a risk.
fn user(settings: &SettingsReader<'_>, diagnostics: &mut Vec<Diagnostic>) -> Option<String> {
    let user = settings.string("user")?;
    diagnostics.push(
        settings
            .diagnostic(
                "user",
                Code::NotSupported,
                "a domain cannot run as another user in this version",
            )
            .hint(format!(
                "remove it, and start fulcrum as that user: `sudo -u {user} fulcrum serve`"
            )),
    );
    Some(user.to_owned())
}

fn restart(settings: &SettingsReader<'_>, diagnostics: &mut Vec<Diagnostic>) -> RestartSettings {
    let backoff = BackoffSettings {
        initial: settings.duration("restart.backoff.initial").expect(SET),
        max: settings.duration("restart.backoff.max").expect(SET),
        factor: settings.float("restart.backoff.factor").expect(SET),
        jitter: settings.float("restart.backoff.jitter").expect(SET),
    };
    if backoff.max < backoff.initial {
        let is_default = |path: &str| {
            settings
                .leaf(path)
                .is_some_and(|leaf| leaf.origin == Origin::Default)
        };
        let path = if is_default("restart.backoff.max") {
            "restart.backoff.initial"
        } else {
            "restart.backoff.max"
        };
        diagnostics.push(
            settings
                .diagnostic(
                    path,
                    Code::InvalidValue,
                    format!(
                        "`max` ({}) is less than `initial` ({})",
                        crate::units::format_duration(backoff.max),
                        crate::units::format_duration(backoff.initial)
                    ),
                )
                .hint("set both `max` and `initial`"),
        );
    }
    RestartSettings {
        policy: match settings.string("restart.policy") {
            Some("always") => RestartMode::Always,
            Some("never") => RestartMode::Never,
            _ => RestartMode::OnFailure,
        },
        success_exit_codes: match settings
            .leaf("restart.success_exit_codes")
            .map(|leaf| &leaf.setting)
        {
            Some(Setting::ExitCodes(codes)) => codes.clone(),
            _ => vec![0],
        },
        backoff,
        stable_after: settings.duration("restart.stable_after").expect(SET),
        budget: settings.integer("restart.budget").expect(SET),
        window: settings.duration("restart.window").expect(SET),
    }
}

fn probe(
    settings: &SettingsReader<'_>,
    path: &str,
    port: Option<PortSetting>,
    diagnostics: &mut Vec<Diagnostic>,
) -> ProbeSettings {
    let probe = settings.probe(path).expect(SET).clone();
    let needs_port = matches!(
        probe.check,
        ProbeCheck::Http { port: None, .. } | ProbeCheck::Tcp { port: None, .. }
    );
    if needs_port && port.is_none() {
        diagnostics.push(
            settings
                .diagnostic(
                    path,
                    Code::InvalidValue,
                    "uses the domain's own port, which is not set",
                )
                .hint("set `process.port`, or the port of the probe"),
        );
    }
    probe
}

/// The dependencies of a domain and the origin of each.
pub(crate) fn dependency_origins(tree: &SettingTree) -> BTreeMap<&str, &Origin> {
    tree.entries("depends_on")
        .filter_map(|(name, dependency)| {
            Some((name.as_str(), &dependency.leaf("condition")?.origin))
        })
        .collect()
}
