//! The message types that a domain handles: their list, and a suggestion for a mistyped one.

use fulcrum_config::closest;
use fulcrum_rpc::ControlClient;
use fulcrum_rpc::control::{Domain, StatusRequest};

use crate::client;
use crate::error_code::ErrorCode;
use crate::exit::CliError;
use crate::output::Output;

/// Prints the types, one in a line or as a JSON array.
///
/// # Errors
/// There is no such domain, or it does not say which types it handles.
pub(super) async fn print(
    client: &ControlClient,
    domain: &str,
    json: bool,
    output: &Output,
) -> Result<(), CliError> {
    let status = status(client, domain).await?;
    let types = &status.message_types;
    if types.is_empty() {
        return Err(CliError::new(
            ErrorCode::UnknownTypes,
            describe_unknown(domain, &status),
        ));
    }
    match json {
        true => output.json(types),
        false => output.data(format!("{}\n", types.join("\n")).as_bytes()),
    }
}

/// Why the types are not known, and what to do.
fn describe_unknown(domain: &str, status: &Domain) -> String {
    match status.ready {
        true => format!(
            "no message type given, and domain {domain:?} does not say which ones it handles: its client does not name them when it registers\n  usage: fulcrum domains call {domain} TYPE [JSON]"
        ),
        false => format!(
            "no message type given, and domain {domain:?} is not ready: {}\n  usage: fulcrum domains call {domain} TYPE [JSON]",
            status.reason
        ),
    }
}

/// What to add to a failure if the domain does not handle this type, but one with a similar name;
/// empty otherwise.
pub(super) async fn hint(client: &ControlClient, domain: &str, type_: &str) -> String {
    let Ok(status) = status(client, domain).await else {
        return String::new();
    };
    let types = status.message_types;
    if types.is_empty() || types.iter().any(|known| known == type_) {
        return String::new();
    }
    let known = suggestion(type_, &types);
    known.map_or_else(String::new, |known| {
        format!("\n  hint: did you mean {known}?")
    })
}

fn suggestion<'a>(type_: &str, types: &'a [String]) -> Option<&'a str> {
    let names = || types.iter().map(String::as_str);
    let whole = format!("{type_}_request");
    closest(type_, names()).or_else(|| closest(&whole, names()))
}

async fn status(client: &ControlClient, domain: &str) -> Result<Domain, CliError> {
    let request = StatusRequest {
        domains: vec![domain.to_owned()],
        details: true,
        ..StatusRequest::default()
    };
    let status = client
        .status(request)
        .await
        .map_err(client::control_error)?;
    let mut domains = status.domains.into_iter();
    domains.find(|known| known.name == domain).ok_or_else(|| {
        CliError::new(
            ErrorCode::SeveralDomains,
            format!("{domain:?} is not the name of one domain"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_or_shortened_type_has_a_suggestion() {
        let types = [
            "user_create_request".to_owned(),
            "user_index_request".to_owned(),
        ];
        for type_ in ["user_creat_request", "userCreateRequest", "user_create"] {
            assert_eq!(suggestion(type_, &types), Some("user_create_request"));
        }
        assert_eq!(suggestion("order_list_request", &types), None);
    }

    #[test]
    fn a_domain_that_does_not_say_its_types_is_told_why() {
        let ready = Domain {
            ready: true,
            ..Domain::default()
        };
        assert!(describe_unknown("users", &ready).contains("when it registers"));
        let failed = Domain {
            reason: "it has exited".into(),
            ..Domain::default()
        };
        assert!(describe_unknown("users", &failed).contains("is not ready: it has exited"));
    }
}
