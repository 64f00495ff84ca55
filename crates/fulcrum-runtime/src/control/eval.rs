//! Evaluates expressions in Node domains, through their inspector.

use std::time::Duration;

use fulcrum_config::Mode;
use fulcrum_rpc::ControlError;
use fulcrum_rpc::control::progress::timeout_or_max;
use fulcrum_rpc::control::{EvalRequest, EvalResponse};
use fulcrum_spawn::inspect::{Evaluation, EvaluationError};
use tokio::time::timeout;

use crate::control::inspector::InspectorAccess;
use crate::format::format_duration;
use crate::state::domain::DomainState;

/// How long a program may take to close its inspector.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Evaluates expressions for the control API.
#[derive(Clone)]
pub(crate) struct EvalService {
    pub(crate) mode: Mode,
    pub(crate) inspectors: InspectorAccess,
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
        let name = self.inspectors.single(&request.domain)?;
        let (state, _) = self.inspectors.running(&name)?;
        let limit = timeout_or_max(request.timeout_ms);
        let Evaluation {
            success,
            text,
            json,
        } = self
            .evaluate(&name, &state, &request.expression, limit)
            .await?;
        Ok(EvalResponse {
            success,
            text,
            json,
        })
    }

    /// An inspector that was opened for this is closed in any case: the next request opens it again.
    async fn evaluate(
        &self,
        name: &str,
        state: &DomainState,
        expression: &str,
        limit: Duration,
    ) -> Result<Evaluation, ControlError> {
        let mut open = self.inspectors.open(name, state).await?;
        let evaluation = open.inspector.evaluate(expression, limit).await;
        // Of no use if the program is busy: it answers to nothing.
        let _ = timeout(CLOSE_TIMEOUT, open.close()).await;
        evaluation.map_err(|error| {
            let text = match error {
                EvaluationError::TimedOut => format!(
                    "no value within {}\n  hint: it waits for a promise, runs too long, or the domain \
                     is busy",
                    format_duration(limit)
                ),
                EvaluationError::Closed => "the inspector has closed the connection\n  \
                                            hint: the value may be too large"
                    .to_owned(),
            };
            ControlError::Failed(format!("{name}: {text}"))
        })
    }
}
