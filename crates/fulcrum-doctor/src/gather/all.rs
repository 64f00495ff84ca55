//! All facts, each from its module.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use fulcrum_spawn::prepare::{exempt_loopback, proxy_variables};

use super::request::Request;
use super::{app, files, limits, machine};
use crate::facts::{EnvironmentFacts, Facts, SizeFacts};

/// Reads everything that the checks are about. May take a second: Node is asked for its version, and
/// the log store is read.
#[must_use]
pub fn gather(request: &Request<'_>) -> Facts {
    Facts {
        machine: machine::machine(),
        limits: limits::limits(),
        cgroup: limits::cgroup(),
        environment: environment(request),
        clock: machine::clock(request),
        disks: machine::disks(request),
        cache: SizeFacts {
            dir: request.prepare.cache.clone(),
            bytes: files::compiled_size(&request.prepare.cache),
            limit: request.app.map_or(0, |app| app.runtime.cache_size),
            warning: request.cache_warning.clone(),
        },
        app: request.root.map(|root| app::app(root, request)),
    }
}

fn environment(request: &Request<'_>) -> EnvironmentFacts {
    let before = &request.environment;
    let mut exempted = before.clone();
    exempt_loopback(&mut exempted);
    EnvironmentFacts {
        proxies: proxy_variables(before)
            .into_iter()
            .map(str::to_owned)
            .collect(),
        loopback_is_exempt: is_exempt(before, &exempted),
        runtime_dir_problem: request
            .variable("XDG_RUNTIME_DIR")
            .and_then(|dir| files::runtime_dir_problem(Path::new(dir))),
    }
}

/// Whether one of the variables that most programs read has all that Fulcrum would add.
fn is_exempt(before: &BTreeMap<OsString, OsString>, after: &BTreeMap<OsString, OsString>) -> bool {
    ["no_proxy", "NO_PROXY"].iter().any(|name| {
        let name = OsString::from(name);
        before
            .get(&name)
            .is_some_and(|value| after.get(&name) == Some(value))
    })
}
