//! The environment of a domain's process, from its settings.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use fulcrum_config::{Domain, Mode, PortSetting, RuntimeSettings, read_env_file};
use fulcrum_spawn::StartError;
use fulcrum_spawn::prepare::{DomainVariables, NodeEnv, find_free_port, merge_environment};

/// The names of the loopback, where domains register.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// The variables with names that are not reached through a proxy. Each program reads some of them;
/// the first that is set rules for gRPC.
const EXEMPTIONS: [&str; 3] = ["no_grpc_proxy", "no_proxy", "NO_PROXY"];

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

/// The variables of an environment by which gRPC clients connect through a proxy.
pub(crate) fn proxy_variables(environment: &BTreeMap<OsString, OsString>) -> Vec<&str> {
    const NAMES: [&str; 4] = ["grpc_proxy", "http_proxy", "https_proxy", "all_proxy"];
    let is_proxy = |name: &str| NAMES.contains(&name.to_ascii_lowercase().as_str());
    let set = environment.iter().filter(|(_, value)| !value.is_empty());
    set.filter_map(|(name, _)| name.to_str())
        .filter(|name| is_proxy(name))
        .collect()
}

/// Exempts the loopback from a proxy in the environment: a client that dials Fulcrum through it
/// never connects. Without a proxy nothing is changed.
fn exempt_loopback(environment: &mut BTreeMap<OsString, OsString>) {
    if proxy_variables(environment).is_empty() {
        return;
    }
    let value = |name: &str| {
        let value = environment.get(&OsString::from(name))?.to_str()?;
        (!value.trim().is_empty()).then(|| value.to_owned())
    };
    // One that is not set must not hide the names of the others.
    let fallback = value("no_proxy").or_else(|| value("NO_PROXY"));
    let exempted = EXEMPTIONS.map(|name| {
        let mut text = value(name).or_else(|| fallback.clone()).unwrap_or_default();
        let names: Vec<String> = text.split(',').map(|name| name.trim().to_owned()).collect();
        if !names.iter().any(|name| name == "*") {
            for name in LOOPBACK
                .iter()
                .filter(|name| !names.iter().any(|one| one == *name))
            {
                if !text.is_empty() {
                    text.push(',');
                }
                text.push_str(name);
            }
        }
        (OsString::from(name), OsString::from(text))
    });
    environment.extend(exempted);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exempted(variables: &[(&str, &str)]) -> [Option<String>; 3] {
        let mut environment = variables
            .iter()
            .map(|(name, value)| (OsString::from(name), OsString::from(value)))
            .collect();
        exempt_loopback(&mut environment);
        EXEMPTIONS.map(|name| {
            let value = environment.get(&OsString::from(name))?;
            value.to_str().map(str::to_owned)
        })
    }

    #[test]
    fn the_loopback_is_exempt_from_a_proxy_and_other_exemptions_stay() {
        let all = |text: &str| [(); 3].map(|()| Some(text.to_owned()));
        assert_eq!(exempted(&[("PATH", "/bin")]), [None, None, None]);
        assert_eq!(exempted(&[("http_proxy", "")]), [None, None, None]);
        assert_eq!(
            exempted(&[("HTTP_PROXY", "http://proxy:3128")]),
            all("localhost,127.0.0.1,::1")
        );
        assert_eq!(
            exempted(&[
                ("grpc_proxy", "p:1"),
                ("NO_PROXY", "intra.example, localhost")
            ]),
            all("intra.example, localhost,127.0.0.1,::1")
        );
        assert_eq!(
            exempted(&[("https_proxy", "p:1"), ("no_proxy", "*")]),
            all("*")
        );
        assert_eq!(
            exempted(&[
                ("http_proxy", "p:1"),
                ("no_proxy", "a"),
                ("no_grpc_proxy", "b")
            ])[0],
            Some("b,localhost,127.0.0.1,::1".to_owned())
        );
    }
}
