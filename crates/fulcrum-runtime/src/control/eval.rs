//! Evaluates expressions in Node domains, through their inspector.

use std::time::Duration;

use fulcrum_config::{Mode, select};
use fulcrum_logs::Hub;
use fulcrum_rpc::ControlError;
use fulcrum_rpc::control::progress::timeout_or_max;
use fulcrum_rpc::control::{EvalRequest, EvalResponse};
use fulcrum_spawn::inspect::{Evaluation, Inspector};
use fulcrum_spawn::process::{GroupSnapshot, SharedProcessTable};
use tokio::time::timeout;

use crate::format::format_duration;
use crate::liveness::hang_report::{select_process, stderr_lines};
use crate::state::desired::DesiredStateReceiver;
use crate::state::domain::{DomainState, SharedDomainStates};

/// How long Node may take to open its inspector.
const OPEN_TIMEOUT: Duration = Duration::from_secs(3);

/// Evaluates expressions for the control API.
#[derive(Clone)]
pub(crate) struct EvalService {
    pub(crate) mode: Mode,
    pub(crate) desired: DesiredStateReceiver,
    pub(crate) states: SharedDomainStates,
    pub(crate) hub: Hub,
}

impl EvalService {
    pub(crate) async fn eval(&self, request: EvalRequest) -> Result<EvalResponse, ControlError> {
        if self.mode != Mode::Dev {
            return Err(ControlError::Failed(
                "expressions are only evaluated under `fulcrum dev`; this instance was started with \
                 `fulcrum serve`"
                    .to_owned(),
            ));
        }
        let name = self.single(&request.domain)?;
        let state = self.states.get(&name);
        let state = state.ok_or_else(|| not_running(&name))?;
        let limit = timeout_or_max(request.timeout_ms);
        let evaluating = self.evaluate(&name, &state, &request.expression);
        let evaluation = timeout(limit, evaluating).await.map_err(|_| {
            ControlError::Failed(format!(
                "{name}: no value within {}\n  hint: it may wait for a promise, or be busy",
                format_duration(limit)
            ))
        })??;
        Ok(EvalResponse {
            success: evaluation.success,
            text: evaluation.text,
            json: evaluation.json,
        })
    }

    /// The only domain that a pattern matches.
    fn single(&self, pattern: &str) -> Result<String, ControlError> {
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

    async fn evaluate(
        &self,
        name: &str,
        state: &DomainState,
        expression: &str,
    ) -> Result<Evaluation, ControlError> {
        let lost = || {
            ControlError::Failed(format!(
                "{name}: the inspector has closed the connection\n  hint: the value may be too large"
            ))
        };
        if let Some(url) = state.inspector_url() {
            let mut inspector = Inspector::connect(&url)
                .await
                .map_err(|error| ControlError::Failed(format!("{name}: {url}: {error}")))?;
            return inspector.evaluate(expression).await.ok_or_else(lost);
        }
        let mut inspector = self.open(name, state).await?;
        let evaluation = inspector.evaluate(expression).await;
        // It was opened for this only.
        inspector.close().await;
        evaluation.ok_or_else(lost)
    }

    /// Opens the inspector of a domain that was started without one.
    async fn open(&self, name: &str, state: &DomainState) -> Result<Inspector, ControlError> {
        let process = state.running().ok_or_else(|| not_running(name))?;
        let pid = process.pid.ok_or_else(|| not_running(name))?;
        let snapshot = tokio::task::spawn_blocking(move || {
            let group = GroupSnapshot::at(pid, &SharedProcessTable::default());
            select_process(&group).cloned()
        });
        let node = snapshot.await.ok().flatten();
        let node = node.filter(Inspector::can_open).ok_or_else(|| {
            ControlError::Failed(format!(
                "{name} has no inspector that could be opened: it is not a Node program, or it has \
                 not started yet"
            ))
        })?;
        let lines = stderr_lines(&self.hub, name, process.generation);
        let opening = timeout(OPEN_TIMEOUT, Inspector::open(&node, lines)).await;
        opening.ok().flatten().ok_or_else(|| {
            ControlError::Failed(format!(
                "cannot open the inspector of {name}: its port may be in use, or it is open already\n  \
                 hint: see `fulcrum logs {name}`; `fulcrum dev --inspect={name}` starts it with an \
                 inspector of its own"
            ))
        })
    }
}

fn not_running(name: &str) -> ControlError {
    ControlError::Failed(format!(
        "{name} is not running\n  hint: `fulcrum domains start {name}` starts it"
    ))
}
