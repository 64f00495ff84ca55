//! Finds the Bun or Deno that runs a domain in the place of Node.

use std::fmt;
use std::path::PathBuf;

use super::detect;
use super::find::NodeRequest;
use super::other_runtime::OtherRuntime;
use crate::prepare::context::PrepareContext;
use crate::prepare::executable::{find_in_path, named_program};
use crate::{Code, StartError};

/// A Bun or Deno. Displays as `bun 1.4.5 (PATH)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::prepare) struct FoundRuntime {
    /// The real executable.
    pub(in crate::prepare) path: PathBuf,
    runtime: OtherRuntime,
    version: String,
    is_configured: bool,
}

impl fmt::Display for FoundRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let origin = if self.is_configured {
            "process.node"
        } else {
            "PATH"
        };
        write!(f, "{} {} ({origin})", self.runtime.program(), self.version)
    }
}

/// Finds the program of another runtime: `process.node`, else the one in `PATH`.
///
/// # Errors
/// A permanent failure if there is none, or it is another program.
pub(in crate::prepare) fn find_runtime(
    runtime: OtherRuntime,
    request: &NodeRequest<'_>,
    context: &PrepareContext,
) -> Result<FoundRuntime, StartError> {
    search(runtime, request, context).map_err(|failure| failure.code(Code::NoRuntime))
}

fn search(
    runtime: OtherRuntime,
    request: &NodeRequest<'_>,
    context: &PrepareContext,
) -> Result<FoundRuntime, StartError> {
    let name = runtime.program();
    let in_path = || find_in_path(name.as_ref(), request.path);
    let configured = request.configured;
    let configured = configured.map(|program| named_program(program, request.path));
    let Some(path) = configured.or_else(in_path) else {
        return Err(StartError::permanent(format!(
            "{name} not found in PATH={}",
            request.path.to_string_lossy()
        ))
        .hint(format!(
            "install {runtime} (`npm install --global {name}`), or give its path in process.node"
        )));
    };
    let is_configured = request.configured.is_some();
    let role = if is_configured {
        "process.node".to_owned()
    } else {
        format!("{name} in PATH")
    };
    let info = detect::detect(
        &path,
        &role,
        request.domain_dir,
        request.home,
        &context.cache,
    )?;
    match info.other {
        Some((found, version)) if found == runtime => Ok(FoundRuntime {
            path: info.exec_path,
            runtime,
            version,
            is_configured,
        }),
        other => {
            let found = other.map_or_else(
                || format!("Node {}", info.version),
                |(other, version)| format!("{other} {version}"),
            );
            Err(StartError::permanent(format!(
                "{role}: {} is {found}, and process.runtime is {name}",
                path.display()
            ))
            .hint("correct process.runtime or process.node"))
        }
    }
}
