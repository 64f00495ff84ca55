//! The environment of a domain's process, merged from its layers.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener};
use std::path::Path;

use crate::StartError;

/// Environment variables by name.
pub type Environment = BTreeMap<OsString, OsString>;

/// How `NODE_ENV` is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeEnv {
    /// `production`, unless it is inherited.
    ProductionByDefault,
    /// `development`, unless it is inherited.
    DevelopmentByDefault,
}

/// Fulcrum's own variables in the environment of a domain's process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DomainVariables<'a> {
    /// `FULCRUM_DOMAIN_NAME`.
    pub domain: &'a str,
    /// `FULCRUM_GRPC_SERVER`: where the domain registers, `host:port`.
    pub grpc_server: &'a str,
    /// `FULCRUM_DOMAIN_TOKEN`: identifies the process when it registers.
    pub token: &'a str,
    /// `FULCRUM_LOG_LEVEL`.
    pub log_level: &'a str,
    /// `FULCRUM_APP_PATH`: the root of the app.
    pub app_root: &'a Path,
    /// `PORT`, where the domain has one.
    pub port: Option<u16>,
    /// `FULCRUM_PORT_…`: the ports of other domains, by variable.
    pub peer_ports: &'a BTreeMap<String, u16>,
    /// `NODE_ENV`.
    pub node_env: NodeEnv,
    /// `FORCE_COLOR`, where lines are shown on a color terminal.
    pub force_color: Option<&'a str>,
    /// The output is a pseudo-terminal, which has a `TERM`.
    pub terminal: bool,
}

/// Merges the environment of a domain's process. Each layer overrides those before it: `inherited`
/// without Fulcrum's own settings (`FULCRUM_…__…`) and without the ports of another app's domains,
/// then `variables`, then `configured` in its order (env files, then `process.env`).
/// `PYTHONUNBUFFERED` is 1 where none of them sets it, and `FORCE_COLOR` is that of the variables
/// where none sets it or `NO_COLOR`.
#[must_use]
pub fn merge_environment(
    inherited: &Environment,
    variables: &DomainVariables<'_>,
    configured: impl IntoIterator<Item = (String, String)>,
) -> Environment {
    let mut env = inherited.clone();
    env.retain(|name, _| !is_fulcrum_setting(name) && !is_peer_port(name));
    let mut set = |name: &str, value: &str| env.insert(name.into(), value.into());
    set("FULCRUM_GRPC_SERVER", variables.grpc_server);
    set("FULCRUM_DOMAIN_NAME", variables.domain);
    set("FULCRUM_LOG_LEVEL", variables.log_level);
    set("FULCRUM_DOMAIN_TOKEN", variables.token);
    if let Some(port) = variables.port {
        set("PORT", &port.to_string());
    }
    for (variable, port) in variables.peer_ports {
        set(variable, &port.to_string());
    }
    env.insert("FULCRUM_APP_PATH".into(), variables.app_root.into());
    // To a pipe, Python writes in blocks: lines come late, and the last ones are lost at a stop.
    env.entry("PYTHONUNBUFFERED".into())
        .or_insert_with(|| "1".into());
    let default = match variables.node_env {
        NodeEnv::ProductionByDefault => "production",
        NodeEnv::DevelopmentByDefault => "development",
    };
    // An empty one is none, as for Node's own packages.
    let node_env = env.entry("NODE_ENV".into()).or_default();
    if node_env.is_empty() {
        *node_env = default.into();
    }
    let configured = configured.into_iter();
    env.extend(configured.map(|(name, value)| (name.into(), value.into())));
    if let Some(level) = variables.force_color
        && !env.contains_key(OsStr::new("FORCE_COLOR"))
        && !is_set(&env, "NO_COLOR")
    {
        env.insert("FORCE_COLOR".into(), level.into());
    }
    if variables.terminal && !is_set(&env, "TERM") {
        env.insert("TERM".into(), "xterm-256color".into());
    }
    env
}

/// The value of `FORCE_COLOR` for a color terminal: 3 for all colors, 2 for 256, 1 for 16.
#[must_use]
pub fn color_level(environment: &Environment) -> &'static str {
    let value = |name: &str| {
        let value = environment.get(OsStr::new(name));
        value
            .map(|value| value.to_string_lossy())
            .unwrap_or_default()
    };
    if ["truecolor", "24bit"].contains(&&*value("COLORTERM")) {
        "3"
    } else if value("TERM").contains("256") {
        "2"
    } else {
        "1"
    }
}

fn is_set(env: &Environment, name: &str) -> bool {
    env.get(OsStr::new(name))
        .is_some_and(|value| !value.is_empty())
}

/// Whether a variable is a setting of Fulcrum itself, which has no meaning for a domain.
fn is_fulcrum_setting(name: &OsString) -> bool {
    let name = name.to_string_lossy();
    name.starts_with("FULCRUM_") && name.contains("__")
}

/// Whether a variable is the port of a domain. One that is inherited belongs to another app.
fn is_peer_port(name: &OsString) -> bool {
    name.to_string_lossy().starts_with("FULCRUM_PORT_")
}

/// The environment of a program that uses the app but is no domain: `inherited` as for domains, with
/// where domains register, the app's root and the ports of its domains.
#[must_use]
pub fn app_variables(
    inherited: &Environment,
    grpc_server: &str,
    app_root: &Path,
    ports: &BTreeMap<String, u16>,
) -> Environment {
    let mut env = inherited.clone();
    env.retain(|name, _| !is_peer_port(name));
    env.insert("FULCRUM_GRPC_SERVER".into(), grpc_server.into());
    env.insert("FULCRUM_APP_PATH".into(), app_root.into());
    for (variable, port) in ports {
        env.insert(variable.into(), port.to_string().into());
    }
    env
}

/// A TCP port on the loopback that is free at this moment. Another program may bind it before the
/// domain does; the domain's own error then names it.
///
/// # Errors
/// A transient failure if the system has no free port.
pub fn find_free_port() -> Result<u16, StartError> {
    TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|error| StartError::transient(format!("cannot find a free port: {error}")))
}

/// Whether a program could listen on a TCP port of the loopback, or of all addresses, at this moment.
#[must_use]
pub fn is_port_free(port: u16) -> bool {
    let addresses: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::UNSPECIFIED.into()];
    addresses.iter().all(|address| {
        let bound = TcpListener::bind((*address, port));
        // Other errors say nothing about the port: a system without IPv6, for one.
        !matches!(bound, Err(error) if error.kind() == io::ErrorKind::AddrInUse)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merge(
        inherited: &[(&str, &str)],
        node_env: NodeEnv,
        configured: &[(&str, &str)],
    ) -> Environment {
        let inherited = inherited
            .iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        let peer_ports = BTreeMap::from([("FULCRUM_PORT_ORDERS".to_owned(), 3001)]);
        let variables = DomainVariables {
            domain: "users",
            grpc_server: "127.0.0.1:50051",
            token: "t",
            log_level: "info",
            app_root: Path::new("/app"),
            port: Some(3000),
            peer_ports: &peer_ports,
            node_env,
            force_color: Some("2"),
            terminal: true,
        };
        let configured = configured
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        merge_environment(&inherited, &variables, configured)
    }

    fn value(env: &Environment, name: &str) -> Option<String> {
        let value = env.get(&OsString::from(name))?;
        Some(value.to_string_lossy().into_owned())
    }

    #[test]
    fn a_later_layer_overrides_an_earlier_one() {
        let inherited = [
            ("PORT", "1"),
            ("A", "inherited"),
            ("FULCRUM_RUNTIME__X", "1"),
            ("FULCRUM_PORT_OTHER", "1"),
            ("FULCRUM_LOG_LEVEL", "debug"),
        ];
        let configured = [("A", "file"), ("A", "own"), ("FULCRUM_LOG_LEVEL", "trace")];
        let env = merge(&inherited, NodeEnv::ProductionByDefault, &configured);
        for (name, expected) in [
            ("PORT", Some("3000")),
            ("A", Some("own")),
            ("FULCRUM_RUNTIME__X", None),
            ("FULCRUM_PORT_OTHER", None),
            ("FULCRUM_PORT_ORDERS", Some("3001")),
            ("FULCRUM_LOG_LEVEL", Some("trace")),
            ("FULCRUM_DOMAIN_NAME", Some("users")),
            ("FULCRUM_APP_PATH", Some("/app")),
        ] {
            assert_eq!(value(&env, name).as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn node_env_is_the_inherited_one_or_that_of_the_mode() {
        let node_env = |inherited: &[(&str, &str)], mode| {
            value(&merge(inherited, mode, &[]), "NODE_ENV").unwrap()
        };
        let inherited = [("NODE_ENV", "test")];
        assert_eq!(node_env(&inherited, NodeEnv::ProductionByDefault), "test");
        assert_eq!(
            node_env(&[("NODE_ENV", "")], NodeEnv::ProductionByDefault),
            "production"
        );
        assert_eq!(node_env(&inherited, NodeEnv::DevelopmentByDefault), "test");
        assert_eq!(node_env(&[], NodeEnv::DevelopmentByDefault), "development");
    }

    #[test]
    fn python_does_not_buffer_unless_the_user_says_so() {
        let buffered = |inherited: &[(&str, &str)], configured: &[(&str, &str)]| {
            let env = merge(inherited, NodeEnv::ProductionByDefault, configured);
            value(&env, "PYTHONUNBUFFERED")
        };
        assert_eq!(buffered(&[], &[]).as_deref(), Some("1"));
        let empty = [("PYTHONUNBUFFERED", "")];
        assert_eq!(buffered(&empty, &[]).as_deref(), Some(""));
        assert_eq!(buffered(&[], &empty).as_deref(), Some(""));
    }

    #[test]
    fn colors_are_forced_unless_the_user_says_something_about_them() {
        let forced = |inherited: &[(&str, &str)], configured: &[(&str, &str)]| {
            let env = merge(inherited, NodeEnv::DevelopmentByDefault, configured);
            value(&env, "FORCE_COLOR")
        };
        assert_eq!(forced(&[], &[]).as_deref(), Some("2"));
        assert_eq!(forced(&[("NO_COLOR", "")], &[]).as_deref(), Some("2"));
        assert_eq!(forced(&[("NO_COLOR", "1")], &[]), None);
        assert_eq!(forced(&[], &[("NO_COLOR", "1")]), None);
        assert_eq!(forced(&[("FORCE_COLOR", "0")], &[]).as_deref(), Some("0"));
        assert_eq!(forced(&[], &[("FORCE_COLOR", "")]).as_deref(), Some(""));
        let level =
            |name: &str, value: &str| color_level(&BTreeMap::from([(name.into(), value.into())]));
        assert_eq!(level("COLORTERM", "truecolor"), "3");
        assert_eq!(level("TERM", "xterm-256color"), "2");
        assert_eq!(level("TERM", "xterm"), "1");
    }

    #[test]
    fn a_terminal_has_a_type() {
        let term = |inherited: &[(&str, &str)]| {
            value(
                &merge(inherited, NodeEnv::DevelopmentByDefault, &[]),
                "TERM",
            )
        };
        assert_eq!(term(&[]).as_deref(), Some("xterm-256color"));
        assert_eq!(term(&[("TERM", "screen")]).as_deref(), Some("screen"));
    }

    #[test]
    fn a_free_port_can_be_bound() {
        let port = find_free_port().unwrap();
        assert!(is_port_free(port));
        for address in ["127.0.0.1", "0.0.0.0", "::"] {
            let Ok(listener) = TcpListener::bind((address, 0)) else {
                continue; // A system without IPv6.
            };
            let taken = listener.local_addr().unwrap().port();
            assert!(!is_port_free(taken), "{address}");
        }
    }
}
