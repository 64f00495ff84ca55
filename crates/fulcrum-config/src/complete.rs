//! Layered settings to the types that callers use, with the checks that need more than one value.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::file::reason;
use crate::problem::{Problem, quoted};
use crate::process::{
    Backoff, Check, Condition, Heartbeat, Limits, Policy, Port, Probe, Process, Restart, Stop,
    Watch,
};
use crate::runtime::{
    Group, Grpc, Listen, LogFormat, LogStore, Logs, Registration, Runtime, Strategy, Tls, WatchAll,
};
use crate::setting::{Leaf, Origin, Setting, Tree};

const SET: &str = "defaults.yml sets it and layers only replace it by the same type";

/// Settings by path. Those of the schema with a default are always there.
pub(crate) struct Settings<'a> {
    pub(crate) tree: &'a Tree,
    section: &'static str,
}

impl<'a> Settings<'a> {
    fn leaf(&self, path: &str) -> Option<&'a Leaf> {
        self.tree.leaf(path)
    }

    pub(crate) fn text(&self, path: &str) -> Option<&'a str> {
        match &self.leaf(path)?.setting {
            Setting::Text(text) => Some(text),
            _ => None,
        }
    }

    fn texts(&self, path: &str) -> Vec<String> {
        match self.leaf(path).map(|leaf| &leaf.setting) {
            Some(Setting::Texts(texts)) => texts.clone(),
            _ => Vec::new(),
        }
    }

    fn time(&self, path: &str) -> Option<Duration> {
        match self.leaf(path)?.setting {
            Setting::Time(time) => Some(time),
            _ => None,
        }
    }

    fn whole(&self, path: &str) -> Option<u32> {
        match self.leaf(path)?.setting {
            Setting::Whole(number) => u32::try_from(number).ok(),
            _ => None,
        }
    }

    fn size(&self, path: &str) -> Option<u64> {
        match self.leaf(path)?.setting {
            Setting::Size(bytes) => Some(bytes),
            _ => None,
        }
    }

    fn number(&self, path: &str) -> Option<f64> {
        match self.leaf(path)?.setting {
            Setting::Number(number) => Some(number),
            _ => None,
        }
    }

    fn switch(&self, path: &str) -> Option<bool> {
        match self.leaf(path)?.setting {
            Setting::Switch(on) => Some(on),
            _ => None,
        }
    }

    fn probe(&self, path: &str) -> Option<&'a Probe> {
        match &self.leaf(path)?.setting {
            Setting::Probe(probe) => Some(probe),
            _ => None,
        }
    }

    fn address(&self, path: &str) -> Option<(String, u16)> {
        match &self.leaf(path)?.setting {
            Setting::Listen { host, port } => Some((host.clone(), *port)),
            _ => None,
        }
    }

    /// A path that is written there, made absolute.
    fn path(&self, path: &str, root: &Path) -> Option<PathBuf> {
        let leaf = self.leaf(path)?;
        Some(leaf.origin.folder(root).join(self.text(path)?))
    }

    /// A finding at the setting.
    pub(crate) fn problem(
        &self,
        path: &str,
        code: &'static str,
        message: impl std::fmt::Display,
    ) -> Problem {
        let origin = self
            .leaf(path)
            .map_or(&Origin::Default, |leaf| &leaf.origin);
        Problem::error(
            code,
            format!("{}`{}.{path}`: {message}", origin.prefix(), self.section),
        )
        .at(origin.place())
    }
}

/// The settings of the app.
pub(crate) fn runtime(tree: &Tree, root: &Path, problems: &mut Vec<Problem>) -> Runtime {
    let settings = Settings {
        tree,
        section: "runtime",
    };
    let listen = settings.leaf("grpc.listen").expect(SET);
    let (host, port) = settings.address("grpc.listen").expect(SET);
    let tls = tls(&settings, root, problems);
    let groups = tree.entries("groups").map(|(name, group)| {
        let group = Settings {
            tree: group,
            section: "group",
        };
        let strategy = match group.text("strategy") {
            Some("rest_for_one") => Strategy::RestForOne,
            Some("one_for_all") => Strategy::OneForAll,
            _ => Strategy::OneForOne,
        };
        (
            name.clone(),
            Group {
                strategy,
                domains: group.texts("domains"),
            },
        )
    });
    Runtime {
        domains: settings.texts("domains"),
        grpc: Grpc {
            listen: Listen {
                host,
                port,
                explicit: listen.origin != Origin::Default,
            },
            registration: match settings.text("grpc.registration") {
                Some("open") => Registration::Open,
                _ => Registration::Token,
            },
            tls,
        },
        logs: Logs {
            level: settings.text("logs.level").expect(SET).to_owned(),
            format: match settings.text("logs.format") {
                Some("text") => LogFormat::Text,
                Some("json") => LogFormat::Json,
                _ => LogFormat::Auto,
            },
            store: log_store(&settings),
            forward: crate::receiver::forward(&settings, problems),
        },
        watch: WatchAll {
            enabled: settings.switch("watch.enabled"),
            poll: settings.time("watch.poll"),
            ignore: settings.texts("watch.ignore"),
        },
        standby: settings.whole("standby"),
        groups: groups.collect(),
    }
}

fn log_store(settings: &Settings<'_>) -> Option<LogStore> {
    let set = |key: &str| settings.switch(&format!("logs.store.{key}")).expect(SET);
    set("enabled").then(|| LogStore {
        file_size: settings.size("logs.store.file_size").expect(SET),
        files: settings.whole("logs.store.files").expect(SET) as usize,
        max_age: settings.time("logs.store.max_age").expect(SET),
        total_size: settings.size("logs.store.total_size").expect(SET),
        compress: set("compress"),
    })
}

fn tls(settings: &Settings<'_>, root: &Path, problems: &mut Vec<Problem>) -> Option<Tls> {
    let first = ["cert", "key", "client_ca"]
        .into_iter()
        .find(|name| settings.leaf(&format!("grpc.tls.{name}")).is_some())?;
    // Refused rather than ignored: whoever sets it relies on it.
    problems.push(
        settings
            .problem(&format!("grpc.tls.{first}"), "not-supported", "this version of Fulcrum doesn't serve TLS yet, and would talk in plain text")
            .hint("remove `runtime.grpc.tls` and listen on the loopback; let a proxy that speaks TLS stand before it"),
    );
    Some(Tls {
        cert: settings.path("grpc.tls.cert", root)?,
        key: settings.path("grpc.tls.key", root)?,
        client_ca: settings.path("grpc.tls.client_ca", root),
    })
}

/// The settings of one domain, whose folder is `dir`.
pub(crate) fn process(
    tree: &Tree,
    root: &Path,
    dir: &Path,
    problems: &mut Vec<Problem>,
) -> Process {
    let settings = Settings {
        tree,
        section: "process",
    };
    let env = tree.entries("env").filter_map(|(name, value)| match value {
        Tree::Leaf(Leaf {
            setting: Setting::Text(text),
            ..
        }) => Some((name.clone(), text.clone())),
        _ => None,
    });
    let depends_on = tree.entries("depends_on").map(|(name, dependency)| {
        let condition = match (Settings {
            tree: dependency,
            section: "",
        })
        .text("condition")
        {
            Some("started") => Condition::Started,
            Some("exited") => Condition::Exited,
            _ => Condition::Ready,
        };
        (name.clone(), condition)
    });
    let port = match settings.leaf("port").map(|leaf| &leaf.setting) {
        Some(Setting::Port(port)) => Some(*port),
        _ => None,
    };
    let (env_files, file_env) = env_files(&settings, root, problems);
    Process {
        node: node(&settings, root, problems),
        node_args: settings.texts("node_args"),
        args: settings.texts("args"),
        cwd: cwd(&settings, root, dir, problems),
        env: env.collect(),
        env_files,
        file_env,
        depends_on: depends_on.collect(),
        restart: restart(&settings, problems),
        start_timeout: settings.time("start_timeout").expect(SET),
        ready: probe(&settings, "ready", port, problems),
        alive: probe(&settings, "alive", port, problems),
        heartbeat: Heartbeat {
            interval: settings.time("heartbeat.interval").expect(SET),
            misses: settings.whole("heartbeat.misses").expect(SET),
        },
        stop: Stop {
            signal: settings.text("stop.signal").expect(SET).to_owned(),
            grace: settings.time("stop.grace").expect(SET),
        },
        limits: Limits {
            memory: settings.size("limits.memory"),
            cpu: settings.number("limits.cpu"),
        },
        replicas: settings.whole("replicas").expect(SET),
        port,
        watch: Watch {
            paths: settings.texts("watch.paths"),
            ignore: settings.texts("watch.ignore"),
        },
        install: settings.switch("install").expect(SET),
        user: settings.text("user").map(str::to_owned),
    }
}

/// `node: node20` is looked up in `PATH`; with a slash it is a path.
fn node(settings: &Settings<'_>, root: &Path, problems: &mut Vec<Problem>) -> Option<PathBuf> {
    let text = settings.text("node")?;
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

fn cwd(settings: &Settings<'_>, root: &Path, dir: &Path, problems: &mut Vec<Problem>) -> PathBuf {
    let Some(path) = settings.path("cwd", root) else {
        return dir.to_owned();
    };
    match path.canonicalize() {
        Ok(real) if real.is_dir() => real,
        other => {
            let why = other
                .err()
                .map_or_else(|| "it is no folder".to_owned(), |error| reason(&error));
            let written = settings.text("cwd").unwrap_or_default();
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
    settings: &Settings<'_>,
    root: &Path,
    problems: &mut Vec<Problem>,
) -> (Vec<PathBuf>, BTreeMap<String, String>) {
    let (mut files, mut variables) = (Vec::new(), BTreeMap::new());
    let Some(leaf) = settings.leaf("env_file") else {
        return (files, variables);
    };
    for written in settings.texts("env_file") {
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

fn restart(settings: &Settings<'_>, problems: &mut Vec<Problem>) -> Restart {
    let backoff = Backoff {
        initial: settings.time("restart.backoff.initial").expect(SET),
        max: settings.time("restart.backoff.max").expect(SET),
        factor: settings.number("restart.backoff.factor").expect(SET),
        jitter: settings.number("restart.backoff.jitter").expect(SET),
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
    Restart {
        policy: match settings.text("restart.policy") {
            Some("always") => Policy::Always,
            Some("never") => Policy::Never,
            _ => Policy::OnFailure,
        },
        success_exit_codes: match settings
            .leaf("restart.success_exit_codes")
            .map(|leaf| &leaf.setting)
        {
            Some(Setting::Codes(codes)) => codes.clone(),
            _ => vec![0],
        },
        backoff,
        stable_after: settings.time("restart.stable_after").expect(SET),
        budget: settings.whole("restart.budget").expect(SET),
        window: settings.time("restart.window").expect(SET),
    }
}

fn probe(
    settings: &Settings<'_>,
    path: &str,
    port: Option<Port>,
    problems: &mut Vec<Problem>,
) -> Probe {
    let probe = settings.probe(path).expect(SET).clone();
    let needs_port = matches!(
        probe.check,
        Check::Http { port: None, .. } | Check::Tcp { port: None, .. }
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
pub(crate) fn dependency_origins(tree: &Tree) -> BTreeMap<&str, &Origin> {
    tree.entries("depends_on")
        .filter_map(|(name, dependency)| {
            Some((name.as_str(), &dependency.leaf("condition")?.origin))
        })
        .collect()
}
