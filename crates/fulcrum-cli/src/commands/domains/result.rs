//! The outcome of a request, for people or for programs.

use clap::ValueEnum;
use fulcrum_rpc::ControlClient;
use fulcrum_rpc::control::Outcome;
use fulcrum_rpc::control::outcome::Kind;
use serde::Serialize;

use crate::client;
use crate::exit::{Code, Stop};
use crate::output::{DomainShape, Output};

/// How an outcome is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Progress and outcome on standard error
    Table,
    /// Also {"outcome", "message", "domains"} on standard output
    Json,
}

#[derive(Debug, Serialize)]
struct Shape {
    outcome: &'static str,
    message: String,
    domains: Vec<DomainShape>,
}

/// Shows an outcome, and ends with what it means.
///
/// # Errors
/// Every outcome but done.
pub(super) async fn show(
    client: &ControlClient,
    outcome: Outcome,
    names: &[String],
    format: Format,
    output: &Output,
) -> Result<(), Stop> {
    if format == Format::Json {
        // What came of it is known; that the domains can't be looked at doesn't change it.
        let domains = match outcome.kind() {
            Kind::UnknownDomain => Vec::new(),
            _ => client::domains(client, names).await.unwrap_or_default(),
        };
        output.json(&Shape {
            outcome: word(outcome.kind()),
            message: outcome.message.clone(),
            domains: domains.into_iter().map(DomainShape::from).collect(),
        })?;
    }
    if let Err(stop) = client::settled(&outcome) {
        if stop.code != Code::UnknownDomain {
            client::last_words(client, names, output).await;
        }
        return Err(stop);
    }
    if format == Format::Table && !outcome.message.is_empty() {
        output.note(&outcome.message);
    }
    Ok(())
}

pub(crate) fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Done => "done",
        Kind::Failed | Kind::Unspecified => "failed",
        Kind::UnknownDomain => "unknown_domain",
        Kind::DomainFailed => "domain_failed",
        Kind::TimedOut => "timed_out",
        Kind::ConfigInvalid => "config_invalid",
    }
}
