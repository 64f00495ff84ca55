//! The retained history of a domain: its events and its standard error.

use std::collections::BTreeMap;

use fulcrum_rpc::control::{Event, EventsRequest, LogsRequest, log_record};
use fulcrum_rpc::{ControlClient, ControlError};
use tokio_stream::{Stream, StreamExt};

use super::logs::remote;
use crate::client::control_error;
use crate::exit::CliError;

/// How many of the latest log lines are searched for standard error.
const MAX_LINES: u64 = 2_000;

/// The events of a domain, oldest first.
///
/// # Errors
/// The request is rejected, or the stream breaks.
pub(super) async fn events(client: &ControlClient, domain: &str) -> Result<Vec<Event>, CliError> {
    let request = EventsRequest {
        domains: vec![domain.to_owned()],
        follow: false,
    };
    collect(client.events(request).await.map_err(control_error)?).await
}

/// The retained standard error of each generation.
///
/// # Errors
/// Those of [`events`].
pub(super) async fn stderr(
    client: &ControlClient,
    domain: &str,
) -> Result<BTreeMap<u64, Vec<String>>, CliError> {
    let request = LogsRequest {
        domains: vec![domain.to_owned()],
        tail: Some(MAX_LINES),
        ..LogsRequest::default()
    };
    let records = collect(client.logs(request).await.map_err(control_error)?).await?;
    let mut stderr: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    for record in records {
        if let Some(log_record::Record::Line(line)) = record.record
            && line.stream == "stderr"
        {
            let generation = line.generation;
            let text = remote::from_message(line).text().into_owned();
            stderr.entry(generation).or_default().push(text);
        }
    }
    Ok(stderr)
}

async fn collect<T>(
    mut items: impl Stream<Item = Result<T, ControlError>> + Unpin,
) -> Result<Vec<T>, CliError> {
    let mut all = Vec::new();
    while let Some(item) = items.next().await {
        all.push(item.map_err(control_error)?);
    }
    Ok(all)
}
