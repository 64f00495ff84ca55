//! The environment of a domain's process, from its settings.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use fulcrum_config::{App, Domain, Mode, read_env_file};
use fulcrum_spawn::prepare::{
    DomainVariables, NodeEnv, color_level, exempt_loopback, merge_environment,
};
use fulcrum_spawn::{StartError, TerminalSize};

use crate::state::ports::AutoPorts;
use crate::state::terminal::OutputTerminal;
use crate::traces::starts::StartTraces;
use crate::traces::variables::{ExportTarget, Generation, add_variables};

/// What is the same for every domain of an instance.
#[derive(Clone)]
pub(crate) struct EnvironmentBase {
    /// The environment of the instance itself.
    pub(crate) inherited: BTreeMap<OsString, OsString>,
    /// Where domains register, host:port.
    pub(crate) grpc: String,
    /// The app's root.
    pub(crate) app: PathBuf,
    /// The directory for reports of loaded files, if they are of interest.
    pub(crate) modules: Option<PathBuf>,
    /// The mode that the instance runs in.
    pub(crate) mode: Mode,
    /// The terminal on which lines are shown, if there is one.
    pub(crate) terminal: Option<OutputTerminal>,
    /// The ports of domains with `port: auto`.
    pub(crate) auto_ports: AutoPorts,
    /// The traces of starts.
    pub(crate) traces: StartTraces,
    /// Where domains export their telemetry.
    pub(crate) export_target: Option<ExportTarget>,
    /// What distinguishes this instance from others.
    pub(crate) instance: String,
}

impl EnvironmentBase {
    /// `FORCE_COLOR` for domains that don't set it: `dev` shows their lines on a color terminal.
    fn force_color(&self) -> Option<&'static str> {
        let is_shown = self.terminal.is_some_and(|terminal| terminal.color);
        (is_shown && self.mode == Mode::Dev).then(|| color_level(&self.inherited))
    }

    /// The variables of a domain's environment that were set because of the terminal, and why.
    pub(crate) fn terminal_variables(
        &self,
        domain: &Domain,
        environment: &BTreeMap<OsString, OsString>,
    ) -> BTreeMap<String, String> {
        let settings = &domain.process;
        let is_own = |name: &str, value: &str| {
            environment
                .get(OsStr::new(name))
                .is_some_and(|set| set == value)
                && !self.inherited.contains_key(OsStr::new(name))
                && !settings.env.contains_key(name)
                && !settings.file_env.contains_key(name)
        };
        let mut variables = BTreeMap::new();
        if let Some(level) = self.force_color()
            && is_own("FORCE_COLOR", level)
        {
            let why = "set by fulcrum dev, which writes to a color terminal";
            variables.insert("FORCE_COLOR".to_owned(), why.to_owned());
        }
        if settings.tty && is_own("TERM", "xterm-256color") {
            let why = "set by fulcrum for process.tty";
            variables.insert("TERM".to_owned(), why.to_owned());
        }
        variables
    }

    /// The size of a domain's pseudo-terminal: what is left of the terminal's lines beside the names
    /// of domains; 80 columns where there is none.
    pub(crate) fn terminal_size(&self, name_columns: usize) -> TerminalSize {
        let columns = self.terminal.and_then(|terminal| terminal.columns);
        let prefix = u16::try_from(name_columns + SEPARATOR_COLUMNS).unwrap_or(u16::MAX);
        TerminalSize {
            columns: columns.map_or(DEFAULT_SIZE.columns, |columns| {
                columns.saturating_sub(prefix).max(MIN_COLUMNS)
            }),
            ..DEFAULT_SIZE
        }
    }
}

/// The classic size of a terminal.
const DEFAULT_SIZE: TerminalSize = TerminalSize {
    columns: 80,
    rows: 24,
};

/// Narrower than that, programs write nothing useful.
const MIN_COLUMNS: u16 = 40;

/// What is between a domain's name and its line.
const SEPARATOR_COLUMNS: usize = 3;

/// Who an environment is for.
#[derive(Clone, Copy, Default)]
pub(crate) struct ForProcess<'a> {
    /// The token that it presents; empty for one that does not register.
    pub(crate) token: &'a str,
    /// The generation; 0 for one that is not known yet.
    pub(crate) generation: u64,
}

/// The whole environment of one generation, in the order of the contract: inherited, Fulcrum's own,
/// the env files, `process.env`. Env files are read each time; without `runtime.env_override`, what is
/// inherited takes precedence over them.
///
/// # Errors
/// An env file cannot be read, or there is no free port.
pub(crate) fn environment(
    base: &EnvironmentBase,
    domain: &Domain,
    app: &App,
    process: ForProcess<'_>,
) -> Result<BTreeMap<OsString, OsString>, StartError> {
    let runtime = &app.runtime;
    let peer_ports = base.auto_ports.peer_variables(domain, app)?;
    let variables = DomainVariables {
        domain: &domain.name,
        grpc_server: &base.grpc,
        token: process.token,
        log_level: &runtime.logs.level,
        app_root: &base.app,
        port: base.auto_ports.of(domain, app)?,
        peer_ports: &peer_ports,
        node_env: match base.mode {
            Mode::Serve => NodeEnv::ProductionByDefault,
            Mode::Dev => NodeEnv::DevelopmentByDefault,
        },
        force_color: base.force_color(),
        terminal: domain.process.tty,
    };
    let mut files = Vec::new();
    for file in &domain.process.env_files {
        if file.is_left_out() {
            continue;
        }
        let read = read_env_file(&file.path);
        files.extend(read.map_err(|error| StartError::permanent(error.to_string()))?);
    }
    if !runtime.env_override {
        files.retain(|(name, _)| !base.inherited.contains_key(OsStr::new(name)));
    }
    let own = domain.process.env.iter();
    let own = own.map(|(name, value)| (name.clone(), value.clone()));
    let configured = files.into_iter().chain(own);
    let mut environment = merge_environment(&base.inherited, &variables, configured);
    exempt_loopback(&mut environment);
    if base.traces.is_on() {
        let ForProcess { generation, .. } = process;
        let generation = Generation {
            domain: &domain.name,
            instance: format!("{}-{}-{generation}", base.instance, domain.name),
            start: (generation > 0)
                .then(|| base.traces.begin(&domain.name, generation))
                .flatten(),
        };
        let target = base.export_target.as_ref();
        add_variables(&mut environment, &base.inherited, &generation, target);
    }
    Ok(environment)
}
