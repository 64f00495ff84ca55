//! `fulcrum reload`

use std::time::Duration;

use fulcrum_rpc::control::{Outcome, ReloadPlan, ReloadProgress, ReloadRequest, reload_progress};
use fulcrum_rpc::{ControlClient, ControlError};
use serde::Serialize;
use tokio_stream::{Stream, StreamExt};

use super::domains::result::{Format, outcome_name};
use crate::args::duration;
use crate::client;
use crate::commands::context::Context;
use crate::commands::executor;
use crate::exit::{CliError, Code};
use crate::output::{Output, PlanJson, plan_table};

/// How long a comparison may take that only a hint needs.
const COMPARE_TIMEOUT_MS: u64 = 5_000;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print the reload plan without applying it
    #[arg(long)]
    dry_run: bool,
    /// Set the maximum wait (0 = no limit)
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "60s")]
    timeout: Duration,
    /// Choose the output format
    #[arg(short, long, value_enum, default_value = "table")]
    pub(super) output: Format,
}

/// `reload -o json`.
#[derive(Debug, Serialize)]
struct ReloadJson {
    outcome: &'static str,
    message: String,
    /// Diagnostics of the configuration.
    problems: Vec<String>,
    /// Null if the configuration is invalid.
    plan: Option<PlanJson>,
}

pub(crate) fn run(args: Args, context: Context) -> Result<(), CliError> {
    executor::run_client(Some("the reload"), reload(args, context))
}

async fn reload(args: Args, context: Context) -> Result<(), CliError> {
    let output = &context.output;
    let client = context.connect().await?;
    let request = ReloadRequest {
        dry_run: args.dry_run,
        timeout_ms: duration::to_millis(args.timeout),
    };
    let steps = client
        .reload(request)
        .await
        .map_err(client::control_error)?;
    let result = follow(steps, args.output, output).await?;
    if args.output == Format::Json {
        output.json(&ReloadJson {
            outcome: outcome_name(result.outcome.kind()),
            message: result.outcome.message.clone(),
            problems: result.problems,
            plan: result.plan.as_ref().map(PlanJson::from),
        })?;
    }
    if let Err(error) = client::into_result(&result.outcome) {
        if error.code == Code::DomainFailed {
            client::print_stderr_tails(&client, &changed_domains(result.plan.as_ref()), output)
                .await;
        }
        return Err(error);
    }
    if !result.outcome.message.is_empty() {
        output.progress(&result.outcome.message);
    }
    Ok(())
}

/// Everything that a reload reported.
#[derive(Debug, Default)]
struct ReloadResult {
    problems: Vec<String>,
    plan: Option<ReloadPlan>,
    outcome: Outcome,
}

/// Prints the steps of a reload until its outcome.
async fn follow(
    mut steps: impl Stream<Item = Result<ReloadProgress, ControlError>> + Unpin,
    format: Format,
    output: &Output,
) -> Result<ReloadResult, CliError> {
    let mut result = ReloadResult::default();
    while let Some(step) = steps.next().await {
        match step.map_err(client::control_error)?.step {
            Some(reload_progress::Step::Findings(findings)) => {
                findings.texts.iter().for_each(|text| output.eprint(text));
                result.problems.extend(findings.texts);
            }
            Some(reload_progress::Step::Plan(plan)) => {
                if format == Format::Table {
                    let table = plan_table(&plan, output.stdout().color);
                    output.data(table.as_bytes())?;
                }
                result.plan = Some(plan);
            }
            Some(reload_progress::Step::Progress(progress)) => match progress.outcome {
                Some(outcome) => {
                    result.outcome = outcome;
                    return Ok(result);
                }
                None => output.progress(&client::format_progress(&progress)),
            },
            // A step of a later version.
            None => {}
        }
    }
    Err(client::connection_lost())
}

/// Whether the configuration differs from that of the instance: whether a reload would change
/// something, or be rejected. A configuration that cannot be compared counts as equal.
pub(super) async fn is_needed(client: &ControlClient) -> bool {
    let request = ReloadRequest {
        dry_run: true,
        timeout_ms: COMPARE_TIMEOUT_MS,
    };
    let Ok(mut steps) = client.reload(request).await else {
        return false;
    };
    while let Some(Ok(step)) = steps.next().await {
        if let Some(reload_progress::Step::Plan(plan)) = step.step {
            return has_changes(&plan);
        }
    }
    false
}

fn has_changes(plan: &ReloadPlan) -> bool {
    use fulcrum_rpc::control::planned_domain::Action;
    let mut domains = plan.domains.iter();
    domains.any(|domain| domain.action() != Action::Unchanged)
        || !plan.app.is_empty()
        || !plan.needs_new_instance.is_empty()
}

/// The domains that the reload changed and that still exist.
fn changed_domains(plan: Option<&ReloadPlan>) -> Vec<String> {
    use fulcrum_rpc::control::planned_domain::Action;
    let domains = plan.into_iter().flat_map(|plan| &plan.domains);
    let started = domains.filter(|one| matches!(one.action(), Action::Start | Action::Restart));
    started.map(|one| one.domain.clone()).collect()
}

#[cfg(test)]
mod tests {
    use fulcrum_rpc::control::outcome::Kind;
    use fulcrum_rpc::control::{Findings, Progress};

    use super::*;

    #[test]
    fn a_plan_in_which_something_differs_has_changes() {
        use fulcrum_rpc::control::planned_domain::Action;
        use fulcrum_rpc::control::{Difference, PlannedDomain};
        let with = |action: Action| ReloadPlan {
            domains: vec![PlannedDomain {
                action: action.into(),
                ..PlannedDomain::default()
            }],
            ..ReloadPlan::default()
        };
        assert!(!has_changes(&with(Action::Unchanged)));
        assert!(has_changes(&with(Action::Adopt)));
        let app = ReloadPlan {
            needs_new_instance: vec![Difference::default()],
            ..with(Action::Unchanged)
        };
        assert!(has_changes(&app));
    }

    fn step(step: reload_progress::Step) -> Result<ReloadProgress, ControlError> {
        Ok(ReloadProgress { step: Some(step) })
    }

    #[tokio::test]
    async fn diagnostics_are_reported_with_the_outcome_and_a_missing_one_is_a_failure() {
        let output = Output::from_process(true, true);
        let findings = Findings {
            texts: vec!["fulcrum.yml:1:1: error".into()],
        };
        let outcome = Outcome {
            kind: Kind::ConfigInvalid.into(),
            message: "invalid configuration (1 error)".into(),
        };
        let end = Progress {
            outcome: Some(outcome.clone()),
            ..Progress::default()
        };
        let steps = [
            step(reload_progress::Step::Findings(findings)),
            step(reload_progress::Step::Progress(end)),
        ];
        let result = follow(tokio_stream::iter(steps), Format::Json, &output).await;
        let result = result.expect("an outcome");
        assert_eq!(result.outcome, outcome);
        assert_eq!(result.problems.len(), 1);
        assert_eq!(result.plan, None);
        assert_eq!(
            client::into_result(&outcome).expect_err("invalid").code,
            Code::ConfigInvalid
        );
        let none = follow(tokio_stream::iter([]), Format::Json, &output).await;
        assert_eq!(none.expect_err("no outcome").code, Code::Failed);
    }
}
