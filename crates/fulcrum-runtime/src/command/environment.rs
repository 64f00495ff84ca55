//! The environment that a domain's process is given.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::TcpListener;
use std::path::Path;

use fulcrum_config::{Domain, Mode, PortSetting, read_env_file};
use fulcrum_spawn::StartError;

/// What is the same for every domain of an instance.
#[derive(Debug, Clone)]
pub(crate) struct EnvironmentBase {
    /// The environment of the instance itself.
    pub(crate) inherited: BTreeMap<OsString, OsString>,
    /// Where domains register, host:port.
    pub(crate) grpc: String,
    /// The app's root.
    pub(crate) app: std::path::PathBuf,
    /// Where domains tell which files they have loaded, if that is of interest.
    pub(crate) modules: Option<std::path::PathBuf>,
    /// As what the instance runs.
    pub(crate) mode: Mode,
}

/// Settings of the instance, which mean nothing to a domain.
fn is_fulcrum_setting(name: &OsString) -> bool {
    let name = name.to_string_lossy();
    name.starts_with("FULCRUM_") && name.contains("__")
}

/// The whole environment of one life, in the order of the contract: inherited, Fulcrum's own, the
/// env files, `process.env`. Env files are read anew each time. `log_level` is `runtime.logs.level`.
///
/// # Errors
/// An env file that can't be read, or no port to be had.
pub(crate) fn environment(
    around: &EnvironmentBase,
    domain: &Domain,
    log_level: &str,
    token: &str,
) -> Result<BTreeMap<OsString, OsString>, StartError> {
    let mut env = around.inherited.clone();
    env.retain(|name, _| !is_fulcrum_setting(name));
    let mut set = |name: &str, value: &str| env.insert(name.into(), value.into());
    set("FULCRUM_GRPC_SERVER", &around.grpc);
    set("FULCRUM_DOMAIN_NAME", &domain.name);
    set("FULCRUM_LOG_LEVEL", log_level);
    set("FULCRUM_DOMAIN_TOKEN", token);
    if let Some(port) = domain.process.port {
        set("PORT", &port_number(port)?.to_string());
    }
    env.insert("FULCRUM_APP_PATH".into(), around.app.clone().into());
    match around.mode {
        Mode::Serve => drop(env.insert("NODE_ENV".into(), "production".into())),
        Mode::Dev => drop(
            env.entry("NODE_ENV".into())
                .or_insert_with(|| "development".into()),
        ),
    }
    for file in &domain.process.env_files {
        env.extend(read(file)?);
    }
    let own = domain.process.env.iter();
    env.extend(own.map(|(name, value)| (name.into(), value.into())));
    Ok(env)
}

fn read(file: &Path) -> Result<impl Iterator<Item = (OsString, OsString)> + use<>, StartError> {
    let variables =
        read_env_file(file).map_err(|problem| StartError::permanent(problem.to_string()))?;
    Ok(variables
        .into_iter()
        .map(|(name, value)| (name.into(), value.into())))
}

fn port_number(port: PortSetting) -> Result<u16, StartError> {
    match port {
        PortSetting::Fixed(number) => Ok(number),
        // Free now; whoever else takes it before the domain does is told by the domain's own error.
        PortSetting::Auto => TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .map(|address| address.port())
            .map_err(|error| StartError::transient(format!("no free port for it: {error}"))),
    }
}
