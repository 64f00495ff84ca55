//! Access to the inspectors of Node domains, for one request.

use std::sync::Arc;
use std::time::Duration;

use fulcrum_config::select;
use fulcrum_logs::Hub;
use fulcrum_rpc::ControlError;
use fulcrum_spawn::inspect::Inspector;
use fulcrum_spawn::process::{GroupSnapshot, SharedProcessTable, exe_path};
use tokio::time::timeout;

use crate::liveness::hang_report::{select_process, stderr_lines};
use crate::state::desired::DesiredStateReceiver;
use crate::state::domain::{DomainState, SharedDomainStates};
use crate::state::process::ProcessIdentity;

/// How long Node may take to open its inspector.
const OPEN_TIMEOUT: Duration = Duration::from_secs(2);

/// How often it is asked to.
const OPEN_ATTEMPTS: usize = 3;

/// Finds domains and opens their inspectors.
#[derive(Clone)]
pub(crate) struct InspectorAccess {
    pub(crate) desired: DesiredStateReceiver,
    pub(crate) states: SharedDomainStates,
    pub(crate) hub: Hub,
}

/// A connection to an inspector.
pub(crate) struct OpenInspector {
    pub(crate) inspector: Inspector,
    /// It was opened for this request.
    opened: bool,
}

impl OpenInspector {
    /// Ends the connection, and the inspector if it was opened for this request.
    pub(crate) async fn close(self) {
        if self.opened {
            self.inspector.close().await;
        }
    }
}

impl InspectorAccess {
    /// The only domain that a pattern matches.
    pub(crate) fn single(&self, pattern: &str) -> Result<String, ControlError> {
        let desired = self.desired.current();
        let names = select(&desired.app, &[pattern.to_owned()])
            .map_err(|unknown| ControlError::NotFound(unknown.message(&desired.app)))?;
        match <[String; 1]>::try_from(names) {
            Ok([name]) => Ok(name),
            Err(names) => Err(ControlError::Invalid(format!(
                "`{pattern}` matches several domains: {}",
                names.join(", ")
            ))),
        }
    }

    /// The state of a domain, and its process.
    pub(crate) fn running(
        &self,
        name: &str,
    ) -> Result<(Arc<DomainState>, ProcessIdentity), ControlError> {
        let state = self.states.get(name).ok_or_else(|| not_running(name))?;
        let process = state.running().ok_or_else(|| not_running(name))?;
        Ok((state, process))
    }

    /// Connects to the inspector of a domain, which is opened if it was started without one.
    pub(crate) async fn open(
        &self,
        name: &str,
        state: &DomainState,
    ) -> Result<OpenInspector, ControlError> {
        if let Some(url) = state.inspector_url() {
            let inspector = Inspector::connect(&url)
                .await
                .map_err(|error| ControlError::Failed(format!("{name}: {url}: {error}")))?;
            return Ok(OpenInspector {
                inspector,
                opened: false,
            });
        }
        Ok(OpenInspector {
            inspector: self.open_by_signal(name, state).await?,
            opened: true,
        })
    }

    async fn open_by_signal(
        &self,
        name: &str,
        state: &DomainState,
    ) -> Result<Inspector, ControlError> {
        let process = state.running().ok_or_else(|| not_running(name))?;
        let pid = process.pid.ok_or_else(|| not_running(name))?;
        let snapshot = tokio::task::spawn_blocking(move || {
            let group = GroupSnapshot::at(pid, &SharedProcessTable::default());
            select_process(&group).cloned()
        });
        let node = snapshot.await.ok().flatten();
        // The signal means something else to other programs.
        let node = node.filter(|process| is_node(process.pid) && Inspector::can_open(process));
        let node = node.ok_or_else(|| {
            ControlError::Failed(format!(
                "{name} has no inspector that could be opened: it is not a Node program, or it has \
                 not started yet"
            ))
        })?;
        // One that is being closed does not open again; a busy program takes its time for that.
        for _ in 0..OPEN_ATTEMPTS {
            let lines = stderr_lines(&self.hub, name, process.generation);
            let opening = timeout(OPEN_TIMEOUT, Inspector::open(&node, lines)).await;
            if let Ok(Some(inspector)) = opening {
                return Ok(inspector);
            }
        }
        Err(ControlError::Failed(format!(
            "cannot open the inspector of {name}: its port may be in use, or it is open already\n  \
             hint: see `fulcrum logs {name}`; `fulcrum dev --inspect={name}` starts it with an \
             inspector of its own"
        )))
    }
}

fn is_node(pid: u32) -> bool {
    let name = exe_path(pid).and_then(|path| Some(path.file_name()?.to_owned()));
    name.is_some_and(|name| name == "node" || name == "nodejs")
}

fn not_running(name: &str) -> ControlError {
    ControlError::Failed(format!(
        "{name} is not running\n  hint: `fulcrum domains start {name}` starts it"
    ))
}
