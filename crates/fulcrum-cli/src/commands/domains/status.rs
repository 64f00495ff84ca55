//! `fulcrum domains status`

use std::time::SystemTime;

use clap::ValueEnum;
use fulcrum_rpc::control::{Domain, Event, StatusRequest, StatusResponse};
use serde::Serialize;

use super::history;
use crate::client;
use crate::commands::context::Context;
use crate::exit::{CliError, Code};
use crate::output::{
    DomainJson, GenerationJson, InstanceJson, Output, describe_domain, describe_instance,
    domain_table, lives,
};

/// How many generations are shown with a domain, the current one included.
const SHOWN_GENERATIONS: usize = 5;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Name a domain to print in detail
    name: Option<String>,
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
    reason = "the edge: what was then is told as ago"
)]
pub(super) async fn run(args: Args, context: Context) -> Result<(), CliError> {
    let client = context.connect().await?;
    let request = StatusRequest {
        domains: args.name.iter().cloned().collect(),
        details: args.name.is_some(),
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
    let mut lives = lives(events);
    lives.retain(|life| life.generation > 0);
    let last = &lives[lives.len().saturating_sub(SHOWN_GENERATIONS)..];
    if format == Format::Table {
        let page = describe_domain(&domain, last, now, output.stdout().color);
        return output.data(page.as_bytes());
    }
    let shape =
        DomainJson::from(domain).with_lives(last.iter().map(GenerationJson::from).collect());
    if format == Format::Json {
        output.json(&shape)
    } else {
        output.yaml(&shape)
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
        let face = output.stdout();
        let mut page = describe_instance(&instance, now, face.color);
        page.push('\n');
        page.push_str(&domain_table(&response.domains).render(face.color, face.width));
        return output.data(page.as_bytes());
    }
    let whole = StatusJson {
        instance: instance.into(),
        domains: response.domains.into_iter().map(DomainJson::from).collect(),
    };
    if format == Format::Json {
        output.json(&whole)
    } else {
        output.yaml(&whole)
    }
}

/// The one domain that `name` matches. With several, the shape of the output would depend on
/// what is running.
pub(super) fn single_domain(domains: Vec<Domain>, name: &str) -> Result<Domain, CliError> {
    let names: Vec<_> = domains.iter().map(|domain| domain.name.as_str()).collect();
    let wrong = match names.as_slice() {
        [_] => String::new(),
        [] => format!("`{name}` matches no domain"),
        many => format!(
            "`{name}` matches {}; name one of them, or use `fulcrum domains list`",
            many.join(", ")
        ),
    };
    let code = if names.is_empty() {
        Code::UnknownDomain
    } else {
        Code::Usage
    };
    let mut domains = domains.into_iter();
    match (domains.next(), domains.next()) {
        (Some(domain), None) => Ok(domain),
        _ => Err(CliError::new(code, wrong)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domain(name: &str) -> Domain {
        Domain {
            name: name.into(),
            ..Domain::default()
        }
    }

    #[test]
    fn one_name_is_one_domain() {
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
