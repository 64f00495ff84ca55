//! Facts about domains: their Node, their code, their ports.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use fulcrum_config::{App, Domain, JsRuntime, PortSetting, Program};
use fulcrum_spawn::StartError;
use fulcrum_spawn::prepare::{
    NodeProgram, NodeRequest, NodeRuntime, Runner, choose_runner, find_node,
};
use fulcrum_spawn::process::{descends_from, find_listener};

use super::request::Request;
use crate::facts::{CodeFacts, DomainFacts, Holder, NodeFacts, NodeOptionsFacts, Problem};
use crate::node_options;

/// Facts about all domains; `instance` is the running one.
pub(super) fn domains(app: &App, instance: Option<u32>, request: &Request<'_>) -> Vec<DomainFacts> {
    let domains = app.domains.iter();
    domains
        .map(|domain| facts(app, domain, instance, request))
        .collect()
}

fn facts(app: &App, domain: &Domain, instance: Option<u32>, request: &Request<'_>) -> DomainFacts {
    let environment = environment(app, domain, request);
    let process = &domain.process;
    let port = match process.port {
        Some(PortSetting::Fixed(port)) => Some((port, holder(port, instance))),
        _ => None,
    };
    let mut facts = DomainFacts {
        name: domain.name.clone(),
        port,
        has_limits: process.limits.memory.is_some() || process.limits.cpu.is_some(),
        node_options: options(domain, &environment),
        ..DomainFacts::default()
    };
    if let Program::Node { entry } = &domain.program
        && process.runtime == JsRuntime::Node
    {
        let found = node(app, domain, &environment, request);
        if let Ok(node) = &found {
            facts.code = Some(code(app, domain, entry, environment, node, request));
        }
        facts.node = Some(found.map_err(problem).map(|node| NodeFacts {
            description: node.to_string(),
            warning: node.warning.as_ref().map(ToString::to_string),
            path: node.path,
        }));
    }
    facts
}

/// The environment of a domain, as far as it is known without starting it.
fn environment(app: &App, domain: &Domain, request: &Request<'_>) -> BTreeMap<OsString, OsString> {
    let mut environment = request.environment.clone();
    for (name, value) in &domain.process.file_env {
        let name = OsString::from(name);
        if app.runtime.env_override || !environment.contains_key(&name) {
            environment.insert(name, value.into());
        }
    }
    let own = domain.process.env.iter();
    environment.extend(own.map(|(name, value)| (name.into(), value.into())));
    environment
}

fn node(
    app: &App,
    domain: &Domain,
    environment: &BTreeMap<OsString, OsString>,
    request: &Request<'_>,
) -> Result<NodeRuntime, StartError> {
    let variable = |name: &str| environment.get(OsStr::new(name));
    let search = NodeRequest {
        configured: domain.process.node.as_deref(),
        domain_dir: &domain.dir,
        app_root: &app.root,
        path: variable("PATH").map_or(OsStr::new(""), |path| path.as_os_str()),
        home: variable("HOME").map(Path::new),
    };
    find_node(&search, request.prepare)
}

fn code(
    app: &App,
    domain: &Domain,
    entry: &Path,
    environment: BTreeMap<OsString, OsString>,
    node: &NodeRuntime,
    request: &Request<'_>,
) -> Result<CodeFacts, Problem> {
    let program = NodeProgram {
        name: &domain.name,
        entry,
        dir: &domain.dir,
        app_root: &app.root,
        node: domain.process.node.as_deref(),
        node_args: &domain.process.node_args,
        args: &domain.process.args,
        cwd: &domain.process.cwd,
        env: environment,
        modules: None,
        parent: std::process::id(),
    };
    let (runner, warnings) = choose_runner(&program, node, request.prepare).map_err(problem)?;
    Ok(CodeFacts {
        is_compiled: matches!(runner, Runner::TypeScript { .. }),
        warnings: warnings.iter().map(ToString::to_string).collect(),
    })
}

fn problem(error: StartError) -> Problem {
    Problem {
        message: error.message,
        hint: error.hint,
    }
}

fn options(domain: &Domain, environment: &BTreeMap<OsString, OsString>) -> NodeOptionsFacts {
    let value = environment.get(OsStr::new("NODE_OPTIONS"));
    let value = value.map(|value| value.to_string_lossy());
    node_options::analyze(
        &value.unwrap_or_default(),
        &domain.process.cwd,
        Path::exists,
    )
}

/// The process that listens on a port, on any address.
pub(super) fn holder(port: u16, instance: Option<u32>) -> Option<Holder> {
    holder_of(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)), instance)
}

pub(super) fn holder_of(address: SocketAddr, instance: Option<u32>) -> Option<Holder> {
    let owner = find_listener(address)?;
    Some(Holder {
        pid: owner.pid,
        command: owner.command,
        is_own: instance.is_some_and(|instance| descends_from(owner.pid, instance)),
    })
}
