//! The configuration, checked and complete: the app and its domains.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use crate::effective::EffectiveConfig;
use crate::process::{DependencyCondition, ProcessKind, ProcessSettings};
use crate::runtime::RuntimeSettings;

/// A Fulcrum app: a directory with a `fulcrum.yml`, and its domains.
#[derive(Clone, Debug, PartialEq)]
pub struct App {
    /// The app's directory, absolute and without symlinks.
    pub root: PathBuf,
    /// The directory's name.
    pub name: String,
    /// The settings under `runtime`.
    pub runtime: RuntimeSettings,
    /// The domains, ordered by name.
    pub domains: Vec<Domain>,
    /// The settings with their origins, for [`App::effective`]; shared by all copies.
    pub(crate) effective: Arc<EffectiveConfig>,
    /// Whether [`App::effective`] shows secrets.
    pub(crate) shows_secrets: bool,
}

/// One domain: a directory and the program to start there.
#[derive(Clone, Debug, PartialEq)]
pub struct Domain {
    /// The directory's name: `[A-Za-z0-9_-]{1,63}`, starting with a letter or digit.
    pub name: String,
    /// The domain's directory, absolute.
    pub dir: PathBuf,
    /// The program to start.
    pub program: Program,
    /// The settings under `process`.
    pub process: ProcessSettings,
}

/// The program of a domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Program {
    /// A JavaScript or TypeScript file for Node.
    Node {
        /// The file, absolute and without symlinks, inside the app.
        entry: PathBuf,
    },
    /// Any other program and its arguments; never empty.
    Command(Vec<String>),
    /// No program: the domain is used by other Fulcrum tools and is listed without a process.
    NoProcess,
}

impl App {
    /// The domain of that name.
    pub fn domain(&self, name: &str) -> Option<&Domain> {
        self.domains
            .binary_search_by(|domain| domain.name.as_str().cmp(name))
            .ok()
            .map(|index| &self.domains[index])
    }

    /// The domains that a domain waits for, and the condition for each: its own `depends_on`, and
    /// the members before it in groups with an order. Domains without a process are left out.
    pub fn dependencies(&self, name: &str) -> BTreeMap<&str, DependencyCondition> {
        let groups = self.runtime.groups.values();
        let predecessors = groups.flat_map(|group| group.predecessors(name));
        let mut dependencies: BTreeMap<&str, DependencyCondition> = predecessors
            .filter(|other| self.domain(other).is_some_and(Domain::has_process))
            .map(|other| (other.as_str(), DependencyCondition::Ready))
            .collect();
        if let Some(domain) = self.domain(name) {
            let own = domain.process.depends_on.iter();
            dependencies.extend(own.map(|(name, condition)| (name.as_str(), *condition)));
        }
        dependencies
    }

    /// Copies the settings that a running instance cannot change from `running`: its addresses, the
    /// registration mode, the log format, store and export, telemetry, watching, the standby limit,
    /// type checks, the size of the cache and the terminal.
    pub fn retain_immutable(&mut self, running: &App) {
        let RuntimeSettings {
            domains: _,
            grpc,
            http,
            logs,
            notify: _,
            telemetry,
            watch,
            standby,
            env_override: _,
            typecheck,
            cache_size,
            terminal,
            groups: _,
        } = &mut self.runtime;
        grpc.clone_from(&running.runtime.grpc);
        http.clone_from(&running.runtime.http);
        logs.format = running.runtime.logs.format;
        logs.store = running.runtime.logs.store;
        logs.forward.clone_from(&running.runtime.logs.forward);
        telemetry.clone_from(&running.runtime.telemetry);
        watch.clone_from(&running.runtime.watch);
        *standby = running.runtime.standby;
        *typecheck = running.runtime.typecheck;
        *cache_size = running.runtime.cache_size;
        *terminal = running.runtime.terminal;
    }

    /// The start order: each wave [depends](Self::dependencies) on earlier ones only, and its names
    /// are sorted. Domains are stopped in the reverse order. Domains without a process are in no
    /// wave.
    pub fn waves(&self) -> Vec<Vec<String>> {
        let with_process = self.domains.iter().filter(|domain| domain.has_process());
        let graph = with_process
            .map(|domain| {
                let dependencies = self.dependencies(&domain.name).into_keys().collect();
                (domain.name.as_str(), dependencies)
            })
            .collect();
        crate::dependency_graph::waves(&graph)
    }

    /// The effective configuration, `{root, name, runtime, domains: {NAME: …}}`, in which every
    /// setting is a leaf `{"value": …, "origin": …}`.
    ///
    /// An origin is `default`, `discovered` (an entry point found by its name),
    /// `FILE:LINE:COLUMN`, `env VARIABLE` or `flag`. Secrets are masked as in a domain's status,
    /// see [`redact_value`](crate::redact_value) and [`redact_arguments`](crate::redact_arguments);
    /// a masked leaf has `"masked": true`.
    pub fn effective(&self) -> Value {
        self.masked(serde_json::json!({
            "root": self.root.to_string_lossy(),
            "name": self.name,
            "runtime": self.effective.runtime.to_json(),
            "domains": self.effective.domains_json(&self.root),
        }))
    }

    /// The same app, whose [effective configuration](Self::effective) shows secrets.
    #[must_use]
    pub fn with_secrets(&self) -> Self {
        let mut app = self.clone();
        app.shows_secrets = true;
        app
    }

    /// Forgets the settings that [`effective`](Self::effective) shows, which then has none: for a
    /// program that runs the app and keeps it in memory.
    pub fn forget_effective(&mut self) {
        self.effective = Arc::default();
    }

    fn masked(&self, mut effective: Value) -> Value {
        if !self.shows_secrets {
            crate::redact::mask_settings(&mut effective);
        }
        effective
    }

    /// The part of [`App::effective`] for one domain: `{name, dir, process: {…}}`.
    pub fn effective_domain(&self, name: &str) -> Option<Value> {
        let domain = self.effective.domains.get(name)?;
        Some(self.masked(domain.to_json(&self.root)))
    }

    /// The effective configuration as YAML, without origins, of the app or of one domain. None if no
    /// domain has that name.
    pub fn to_yaml(&self, domain: Option<&str>) -> Option<String> {
        let effective = match domain {
            Some(name) => self.effective_domain(name)?,
            None => self.effective(),
        };
        serde_yaml::to_string(&values(effective)).ok()
    }

    /// The path relative to the app root, if it is inside it.
    pub fn relative<'a>(&self, path: &'a Path) -> &'a Path {
        path.strip_prefix(&self.root).unwrap_or(path)
    }
}

/// The effective configuration without origins.
fn values(effective: Value) -> Value {
    match effective {
        // A variable may be named `origin` too, but its value is no text.
        Value::Object(mut leaf) if leaf.get("origin").is_some_and(Value::is_string) => {
            leaf.remove("value").unwrap_or_default()
        }
        Value::Object(section) => section
            .into_iter()
            .map(|(name, value)| (name, values(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        other => other,
    }
}

impl Domain {
    /// Whether the domain runs until it is done, and not until it is stopped.
    pub fn is_job(&self) -> bool {
        self.process.kind == ProcessKind::Job
    }

    /// Whether the domain starts with the instance, unless it is left out by the command line.
    pub fn starts_with_instance(&self) -> bool {
        self.process.autostart && self.process.schedule.is_none()
    }

    /// Whether the domain has a program.
    pub fn has_process(&self) -> bool {
        self.program != Program::NoProcess
    }
}
