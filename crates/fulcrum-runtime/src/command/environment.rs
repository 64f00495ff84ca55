//! The environment of a domain's process, from its settings.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use fulcrum_config::{Domain, Mode, PortSetting, RuntimeSettings, read_env_file};
use fulcrum_spawn::StartError;
use fulcrum_spawn::prepare::{
    DomainVariables, NodeEnv, exempt_loopback, find_free_port, merge_environment,
};

/// What is the same for every domain of an instance.
#[derive(Debug, Clone)]
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
    runtime: &RuntimeSettings,
    token: &str,
) -> Result<BTreeMap<OsString, OsString>, StartError> {
    let variables = DomainVariables {
        domain: &domain.name,
        grpc_server: &base.grpc,
        token,
        log_level: &runtime.logs.level,
        app_root: &base.app,
        port: domain.process.port.map(port_number).transpose()?,
        node_env: match base.mode {
            Mode::Serve => NodeEnv::ProductionByDefault,
            Mode::Dev => NodeEnv::DevelopmentByDefault,
        },
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
    Ok(environment)
}

fn port_number(port: PortSetting) -> Result<u16, StartError> {
    match port {
        PortSetting::Fixed(number) => Ok(number),
        PortSetting::Auto => find_free_port(),
    }
}
