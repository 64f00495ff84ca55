//! `fulcrum domains status`

use std::time::SystemTime;

use clap::ValueEnum;
use fulcrum_rpc::control::{Domain, Event, StatusRequest, StatusResponse};
use fulcrum_runtime::history::group_by_generation;
use serde::Serialize;

use super::history;
use crate::client;
use crate::commands::context::Context;
use crate::error_code::ErrorCode;
use crate::exit::CliError;
use crate::output::{
    Columns, DomainJson, GenerationJson, InstanceJson, Output, describe_domain, describe_instance,
    domain_table,
};

/// How many generations are printed for a domain, including the current one.
const SHOWN_GENERATIONS: usize = 5;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Name a domain to print in detail
    name: Option<String>,
    /// Print passwords, tokens and keys instead of `***`
    #[arg(long, requires = "name")]
    show_secrets: bool,
    /// Choose the output format
    #[arg(short, long, value_enum, default_value = "table")]
    output: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Table,
    Json,
    Yaml,
}

/// `domains status -o json`.
#[derive(Debug, Serialize)]
struct StatusJson {
    instance: InstanceJson,
    domains: Vec<DomainJson>,
}

#[expect(
    clippy::disallowed_methods,
    reason = "ages are relative to the current time"
)]
pub(super) async fn run(args: Args, context: Context) -> Result<(), CliError> {
    let client = context.connect().await?;
    let request = StatusRequest {
        domains: args.name.iter().cloned().collect(),
        details: args.name.is_some(),
        show_secrets: args.show_secrets,
        ..StatusRequest::default()
    };
    let response = client
        .status(request)
        .await
        .map_err(client::control_error)?;
    let now = SystemTime::now();
    match &args.name {
        Some(name) => {
            let domain = single_domain(response.domains, name)?;
            let events = history::events(&client, &domain.name).await?;
            print_one(domain, &events, args.output, now, &context.output)
        }
        None => print_all(response, args.output, now, &context.output),
    }
}

fn print_one(
    domain: Domain,
    events: &[Event],
    format: Format,
    now: SystemTime,
    output: &Output,
) -> Result<(), CliError> {
    let mut generations = group_by_generation(events);
    generations.retain(|history| history.generation > 0);
    let latest = &generations[generations.len().saturating_sub(SHOWN_GENERATIONS)..];
    if format == Format::Table {
        let text = describe_domain(&domain, latest, now, output.stdout().color);
        return output.data(text.as_bytes());
    }
    let latest = latest.iter().map(GenerationJson::from).collect();
    let json = DomainJson::from(domain).with_generations(latest);
    if format == Format::Json {
        output.json(&json)
    } else {
        output.yaml(&json)
    }
}

fn print_all(
    response: StatusResponse,
    format: Format,
    now: SystemTime,
    output: &Output,
) -> Result<(), CliError> {
    let instance = response.instance.unwrap_or_default();
    if format == Format::Table {
        let stdout = output.stdout();
        let mut text = describe_instance(&instance, now, stdout.color);
        text.push('\n');
        let table = domain_table(&response.domains, Columns::Usual);
        text.push_str(&table.render(stdout.color, stdout.width));
        return output.data(text.as_bytes());
    }
    let json = StatusJson {
        instance: instance.into(),
        domains: response.domains.into_iter().map(DomainJson::from).collect(),
    };
    if format == Format::Json {
        output.json(&json)
    } else {
        output.yaml(&json)
    }
}

/// The only domain that `name` matches. With several, the structure of the output would depend on
/// which domains there are.
///
/// # Errors
/// [`ErrorCode::UnknownDomain`] without a match, [`ErrorCode::SeveralDomains`] with several.
pub(crate) fn single_domain(mut domains: Vec<Domain>, name: &str) -> Result<Domain, CliError> {
    if domains.len() > 1 {
        let names: Vec<_> = domains.iter().map(|domain| domain.name.as_str()).collect();
        let names = names.join(", ");
        return Err(CliError::new(
            ErrorCode::SeveralDomains,
            format!("`{name}` matches several domains: {names}\n  hint: name one of them"),
        ));
    }
    domains.pop().ok_or_else(|| {
        CliError::new(
            ErrorCode::UnknownDomain,
            format!("`{name}` matches no domain\n  hint: see `fulcrum domains list`"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Code;

    fn domain(name: &str) -> Domain {
        Domain {
            name: name.into(),
            ..Domain::default()
        }
    }

    #[test]
    fn a_pattern_must_match_one_domain() {
        assert_eq!(
            single_domain(vec![domain("users")], "u*").map(|domain| domain.name),
            Ok("users".to_owned())
        );
        let error = single_domain(vec![domain("users"), domain("uploads")], "u*").expect_err("two");
        assert_eq!(error.code, Code::Usage);
        assert!(error.message.contains("users, uploads"), "{error}");
        assert_eq!(
            single_domain(vec![], "x").expect_err("none").code,
            Code::UnknownDomain
        );
    }
}
