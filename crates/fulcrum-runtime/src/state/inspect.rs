//! Which domains are started with Node's inspector, and its ports.

use std::path::Path;
use std::sync::Arc;

use fulcrum_config::{App, Domain, JsRuntime, Program, UnknownDomain};
use fulcrum_spawn::prepare::is_port_free;
use fulcrum_spawn::{CommandSpec, StartError};

use crate::state::ports::AutoPorts;

/// Node's own default, which debuggers try first, and those after it.
const PORTS: std::ops::RangeInclusive<u16> = 9229..=9999;

/// A request to start domains with Node's inspector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InspectRequest {
    /// The domain; `None` is every domain that runs with Node.
    pub domain: Option<String>,
    /// The port of its inspector; `None` chooses a free one, from 9229 on.
    pub port: Option<u16>,
    /// Whether it waits for a debugger before its first line.
    pub pause: bool,
}

/// Why a domain cannot be started with an inspector.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum InvalidInspect {
    /// There is no such domain.
    Unknown(UnknownDomain),
    /// Fulcrum does not run the domain with Node.
    NotNode(String),
}

/// The inspectors of an instance. A domain keeps its port, so that a debugger finds it again after a
/// restart.
#[derive(Clone, Debug, Default)]
pub(crate) struct Inspectors {
    requests: Arc<[InspectRequest]>,
    ports: AutoPorts,
}

impl Inspectors {
    /// The inspectors of these requests.
    ///
    /// # Errors
    /// A request names a domain that does not exist, or that does not run with Node.
    pub(crate) fn new(requests: Vec<InspectRequest>, app: &App) -> Result<Self, InvalidInspect> {
        for name in requests.iter().filter_map(|one| one.domain.as_ref()) {
            match app.domain(name) {
                None => return Err(InvalidInspect::Unknown(UnknownDomain(name.clone()))),
                Some(domain) if !has_inspector(domain) => {
                    return Err(InvalidInspect::NotNode(name.clone()));
                }
                Some(_) => {}
            }
        }
        Ok(Self {
            requests: requests.into(),
            ports: AutoPorts::default(),
        })
    }

    /// Chooses the ports of all domains, in alphabetical order. May block.
    pub(crate) fn choose_ports(&self, app: &App) {
        for domain in &app.domains {
            // Where there is none, the start of the domain says so.
            let _ = self.flag(domain);
        }
    }

    /// Whether a domain is started with its inspector.
    pub(crate) fn is_inspected(&self, domain: &Domain) -> bool {
        self.request(domain).is_some()
    }

    /// The flag with which Node opens the inspector of a domain, if it is to. May block.
    ///
    /// # Errors
    /// A transient failure if there is no free port.
    pub(crate) fn flag(&self, domain: &Domain) -> Result<Option<String>, StartError> {
        let Some(request) = self.request(domain) else {
            return Ok(None);
        };
        let (candidates, by_name) = match request.port {
            Some(port) => (port..=port, true),
            None => (PORTS, false),
        };
        let is_usable = |port| by_name || is_port_free(port);
        let port = self.ports.assign(&domain.name, candidates, is_usable);
        let port = port.ok_or_else(|| {
            StartError::transient(match request.port {
                Some(port) => format!("port {port} is that of another domain's inspector"),
                None => "no port is free for its inspector".to_owned(),
            })
        })?;
        let pause = if request.pause { "-brk" } else { "" };
        Ok(Some(format!("--inspect{pause}=127.0.0.1:{port}")))
    }

    /// The request for a domain: one that names it, else one for all.
    fn request(&self, domain: &Domain) -> Option<&InspectRequest> {
        let of = |name: Option<&String>| {
            let mut requests = self.requests.iter();
            requests.find(|request| request.domain.as_ref() == name)
        };
        of(Some(&domain.name))
            .or_else(|| of(None))
            .filter(|_| has_inspector(domain))
    }
}

/// Whether Node's inspector can be opened for a domain by a flag.
fn has_inspector(domain: &Domain) -> bool {
    match &domain.program {
        Program::Node { .. } => domain.process.runtime == JsRuntime::Node,
        Program::Command(command) => command.first().is_some_and(is_node),
        Program::NoProcess => false,
    }
}

/// Whether a program is Node, by its name.
pub(crate) fn is_node(program: impl AsRef<Path>) -> bool {
    let name = program.as_ref().file_name();
    name.is_some_and(|name| name == "node" || name == "nodejs")
}

/// The flag in a command that opens Node's inspector, if there is one.
pub(crate) fn inspector_flag(spec: &CommandSpec) -> Option<String> {
    if !is_node(&spec.program) {
        return None;
    }
    let inspector_flag = |arg: &str| {
        let flag = arg.split('=').next().unwrap_or_default();
        matches!(flag, "--inspect" | "--inspect-brk" | "--inspect-wait").then(|| flag.to_owned())
    };
    let mut takes_value = false;
    let args = spec.args.iter().filter_map(|arg| arg.to_str());
    // The first argument that is neither a flag nor the value of one is the entry point; those
    // after it belong to the program.
    let flags = args.take_while(move |arg| {
        let is_flag = takes_value || arg.starts_with('-');
        takes_value = matches!(*arg, "--require" | "-r" | "--import" | "--loader" | "-C");
        is_flag
    });
    let options = spec
        .env
        .iter()
        .find(|(key, _)| key.as_os_str() == "NODE_OPTIONS");
    let options = options
        .and_then(|(_, value)| value.to_str())
        .unwrap_or_default();
    flags
        .chain(options.split_ascii_whitespace())
        .find_map(inspector_flag)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::test_support;

    fn request(domain: Option<&str>, port: Option<u16>) -> InspectRequest {
        InspectRequest {
            domain: domain.map(str::to_owned),
            port,
            pause: false,
        }
    }

    fn app() -> (tempfile::TempDir, App) {
        test_support::app(&[
            ("domains/db/fulcrum.yml", "process: {command: [postgres]}"),
            ("domains/orders/domain.js", ""),
            (
                "domains/script/fulcrum.yml",
                "process: {command: [node, x.js]}",
            ),
            ("domains/users/domain.js", ""),
        ])
    }

    fn flags(app: &App, requests: Vec<InspectRequest>) -> Vec<Option<String>> {
        let inspectors = Inspectors::new(requests, app).expect("valid requests");
        let domains = app.domains.iter();
        domains
            .map(|domain| inspectors.flag(domain).expect("a port"))
            .collect()
    }

    #[test]
    fn every_node_domain_has_a_port_of_its_own() {
        let (_dir, app) = app();
        let flags = flags(&app, vec![request(None, None)]);
        assert_eq!(flags[0], None, "not Node");
        let mut ports: Vec<&str> = flags.iter().flatten().map(String::as_str).collect();
        assert!(
            ports
                .iter()
                .all(|flag| flag.starts_with("--inspect=127.0.0.1:9"))
        );
        ports.dedup();
        assert_eq!(ports.len(), 3, "{flags:?}");
    }

    #[test]
    fn a_request_that_names_a_domain_precedes_one_for_all() {
        let (_dir, app) = app();
        let pause = InspectRequest {
            pause: true,
            ..request(Some("users"), Some(4000))
        };
        let flags = flags(&app, vec![request(None, None), pause]);
        assert_eq!(flags[3].as_deref(), Some("--inspect-brk=127.0.0.1:4000"));
        let only = Inspectors::new(vec![request(Some("users"), None)], &app).expect("valid");
        let inspected = app
            .domains
            .iter()
            .filter(|domain| only.is_inspected(domain));
        let names: Vec<_> = inspected.map(|domain| domain.name.as_str()).collect();
        assert_eq!(names, ["users"]);
    }

    #[test]
    fn a_domain_that_has_no_inspector_is_an_error() {
        let (_dir, app) = app();
        let error = |name| {
            let error = Inspectors::new(vec![request(Some(name), None)], &app);
            error.expect_err("not possible")
        };
        let unknown = InvalidInspect::Unknown(UnknownDomain("userz".to_owned()));
        assert_eq!(error("userz"), unknown);
        assert_eq!(error("db"), InvalidInspect::NotNode("db".to_owned()));
        // Two domains cannot have one port.
        let both = ["orders", "users"].map(|name| request(Some(name), Some(4000)));
        let inspectors = Inspectors::new(both.into(), &app).expect("valid");
        inspectors.choose_ports(&app);
        let second = app.domain("users").expect("it is configured");
        assert!(inspectors.flag(second).is_err());
    }

    fn spec(program: &str, args: &[&str], options: &str) -> CommandSpec {
        CommandSpec {
            terminal: None,
            program: program.into(),
            args: args.iter().map(Into::into).collect(),
            cwd: "/".into(),
            env: BTreeMap::from([("NODE_OPTIONS".into(), options.into())]),
            runner: String::new(),
        }
    }

    #[test]
    fn the_inspector_flag_of_a_command_is_found() {
        let flag = |args: &[&str], options| inspector_flag(&spec("/usr/bin/node", args, options));
        assert_eq!(
            flag(&["--require", "/x/bootstrap.cjs", "/a/domain.js"], ""),
            None
        );
        assert_eq!(
            flag(&["--inspect=9230", "/a/domain.js"], "").as_deref(),
            Some("--inspect")
        );
        assert_eq!(
            flag(&["/a/domain.js"], "--trace-gc --inspect-brk").as_deref(),
            Some("--inspect-brk")
        );
        assert_eq!(flag(&["--inspect-port=0", "/a/domain.js"], ""), None);
        assert_eq!(
            inspector_flag(&spec("/usr/bin/tool", &["--inspect"], "")),
            None
        );
    }
}
