//! `process:` as typed settings.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::reader::{SET, SettingsReader};
use crate::diagnostic::{Diagnostic, quoted};
use crate::file::io_error_text;
use crate::process::{
    BackoffSettings, DependencyCondition, HeartbeatSettings, PortSetting, ProbeCheck,
    ProbeSettings, ProcessSettings, ResourceLimits, RestartMode, RestartSettings, StopSettings,
    WatchSettings,
};
use crate::setting::{Origin, Setting, SettingTree, SettingWithOrigin};

/// The settings of one domain, whose folder is `dir`.
pub(crate) fn process(
    tree: &SettingTree,
    root: &Path,
    dir: &Path,
    problems: &mut Vec<Diagnostic>,
) -> ProcessSettings {
    let settings = SettingsReader {
        tree,
        section: "process",
    };
    let env = tree.entries("env").filter_map(|(name, value)| match value {
        SettingTree::Leaf(SettingWithOrigin {
            setting: Setting::Text(text),
            ..
        }) => Some((name.clone(), text.clone())),
        _ => None,
    });
    let depends_on = tree.entries("depends_on").map(|(name, dependency)| {
        let condition = match (SettingsReader {
            tree: dependency,
            section: "",
        })
        .string("condition")
        {
            Some("started") => DependencyCondition::Started,
            Some("exited") => DependencyCondition::Exited,
            _ => DependencyCondition::Ready,
        };
        (name.clone(), condition)
    });
    let port = match settings.leaf("port").map(|leaf| &leaf.setting) {
        Some(Setting::Port(port)) => Some(*port),
        _ => None,
    };
    let (env_files, file_env) = env_files(&settings, root, problems);
    ProcessSettings {
        node: node(&settings, root, problems),
        node_args: settings.string_list("node_args"),
        args: settings.string_list("args"),
        cwd: cwd(&settings, root, dir, problems),
        env: env.collect(),
        env_files,
        file_env,
        depends_on: depends_on.collect(),
        restart: restart(&settings, problems),
        start_timeout: settings.duration("start_timeout").expect(SET),
        ready: probe(&settings, "ready", port, problems),
        alive: probe(&settings, "alive", port, problems),
        heartbeat: HeartbeatSettings {
            interval: settings.duration("heartbeat.interval").expect(SET),
            misses: settings.integer("heartbeat.misses").expect(SET),
        },
        stop: StopSettings {
            signal: settings.string("stop.signal").expect(SET).to_owned(),
            grace: settings.duration("stop.grace").expect(SET),
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
        user: settings.string("user").map(str::to_owned),
    }
}

/// `node: node20` is looked up in `PATH`; with a slash it is a path.
fn node(
    settings: &SettingsReader<'_>,
    root: &Path,
    problems: &mut Vec<Diagnostic>,
) -> Option<PathBuf> {
    let text = settings.string("node")?;
    if !text.contains('/') {
        return Some(text.into());
    }
    let path = settings.path("node", root)?;
    // Whether it is a Node, and which, is asked when it is to be started.
    if !path.is_file() {
        let shown = quoted(&path.to_string_lossy());
        problems.push(
            settings
                .problem("node", "missing-node", format!("there is no file {shown}"))
                .hint("name Node's executable, or leave the setting out to use the one on PATH"),
        );
    }
    Some(path)
}

fn cwd(
    settings: &SettingsReader<'_>,
    root: &Path,
    dir: &Path,
    problems: &mut Vec<Diagnostic>,
) -> PathBuf {
    let Some(path) = settings.path("cwd", root) else {
        return dir.to_owned();
    };
    match path.canonicalize() {
        Ok(real) if real.is_dir() => real,
        other => {
            let why = other.err().map_or_else(
                || "it is no folder".to_owned(),
                |error| io_error_text(&error),
            );
            let written = settings.string("cwd").unwrap_or_default();
            problems.push(
                settings
                    .problem(
                        "cwd",
                        "bad-path",
                        format!("{} can't be the working directory: {why}", quoted(written)),
                    )
                    .hint("the path is relative to the folder of the file that it is written in"),
            );
            path
        }
    }
}

/// The files of variables, and what they set, later ones on top.
fn env_files(
    settings: &SettingsReader<'_>,
    root: &Path,
    problems: &mut Vec<Diagnostic>,
) -> (Vec<PathBuf>, BTreeMap<String, String>) {
    let (mut files, mut variables) = (Vec::new(), BTreeMap::new());
    let Some(leaf) = settings.leaf("env_file") else {
        return (files, variables);
    };
    for written in settings.string_list("env_file") {
        let path = leaf.origin.folder(root).join(&written);
        let shown = path.strip_prefix(root).unwrap_or(&path);
        if !path.is_file() {
            problems.push(
                settings
                    .problem("env_file", "missing-env-file", format!("there is no file {}", quoted(&written)))
                    .hint(format!("create `{}`; paths are relative to the folder of the file that they are written in", shown.display())),
            );
        } else {
            match crate::env_file::read(&path, shown) {
                Ok(read) => variables.extend(read),
                Err(problem) => problems.push(problem),
            }
        }
        files.push(path);
    }
    (files, variables)
}

fn restart(settings: &SettingsReader<'_>, problems: &mut Vec<Diagnostic>) -> RestartSettings {
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
        problems.push(
            settings
                .problem(
                    path,
                    "invalid-value",
                    format!(
                        "the longest delay ({}) is shorter than the first ({})",
                        crate::units::format_duration(backoff.max),
                        crate::units::format_duration(backoff.initial)
                    ),
                )
                .hint("set both `max` and `initial`, or make them equal"),
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
            Some(Setting::Codes(codes)) => codes.clone(),
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
    problems: &mut Vec<Diagnostic>,
) -> ProbeSettings {
    let probe = settings.probe(path).expect(SET).clone();
    let needs_port = matches!(
        probe.check,
        ProbeCheck::Http { port: None, .. } | ProbeCheck::Tcp { port: None, .. }
    );
    if needs_port && port.is_none() {
        problems.push(
            settings
                .problem(
                    path,
                    "invalid-value",
                    "asks at the domain's own port, and none is set",
                )
                .hint("set `process.port`, or name the port in the probe"),
        );
    }
    probe
}

/// The conditions of a domain and where each is written.
pub(crate) fn dependency_origins(tree: &SettingTree) -> BTreeMap<&str, &Origin> {
    tree.entries("depends_on")
        .filter_map(|(name, dependency)| {
            Some((name.as_str(), &dependency.leaf("condition")?.origin))
        })
        .collect()
}
