//! Prints the outcome of a request.

use clap::ValueEnum;
use fulcrum_rpc::ControlClient;
use fulcrum_rpc::control::Outcome;
use fulcrum_rpc::control::outcome::Kind;
use serde::Serialize;

use crate::client;
use crate::exit::{CliError, Code};
use crate::output::{DomainJson, Output};

/// How an outcome is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Progress and outcome on standard error
    Table,
    /// Also {"outcome", "message", "domains"} on standard output
    Json,
}

#[derive(Debug, Serialize)]
struct OutcomeJson {
    outcome: &'static str,
    message: String,
    /// The code of a failure.
    code: Option<String>,
    domains: Vec<DomainJson>,
}

/// Prints an outcome and maps it to an exit code.
///
/// # Errors
/// Every outcome but success.
pub(super) async fn print_outcome(
    client: &ControlClient,
    outcome: Outcome,
    names: &[String],
    format: Format,
    output: &Output,
) -> Result<(), CliError> {
    if format == Format::Json {
        // The outcome is known, whether or not the domains can still be listed.
        let domains = match outcome.kind() {
            Kind::UnknownDomain => Vec::new(),
            _ => client::domains(client, names).await.unwrap_or_default(),
        };
        output.json(&OutcomeJson {
            outcome: outcome_name(outcome.kind()),
            code: client::into_result(&outcome).err().map(|error| error.id),
            message: outcome.message.clone(),
            domains: domains.into_iter().map(DomainJson::from).collect(),
        })?;
    }
    if let Err(error) = client::into_result(&outcome) {
        if error.code != Code::UnknownDomain {
            client::print_stderr_tails(client, names, output).await;
        }
        return Err(error);
    }
    if format == Format::Table && !outcome.message.is_empty() {
        output.progress(&outcome.message);
    }
    Ok(())
}

pub(crate) fn outcome_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Done => "done",
        Kind::Failed | Kind::Unspecified => "failed",
        Kind::UnknownDomain => "unknown_domain",
        Kind::DomainFailed => "domain_failed",
        Kind::TimedOut => "timed_out",
        Kind::ConfigInvalid => "config_invalid",
    }
}
