//! What the instance still knows of a domain's past.

use std::collections::BTreeMap;

use fulcrum_rpc::control::{Event, EventsRequest, LogsRequest, log_record};
use fulcrum_rpc::{ControlClient, ControlError};
use tokio_stream::{Stream, StreamExt};

use super::logs::received;
use crate::client::refused;
use crate::exit::Stop;

/// As many of the newest lines are looked through for those of standard error.
const LINES: u64 = 2_000;

/// What happened to a domain, oldest first.
///
/// # Errors
/// The instance's refusal, and a stream that breaks.
pub(super) async fn events(client: &ControlClient, domain: &str) -> Result<Vec<Event>, Stop> {
    let request = EventsRequest {
        domains: vec![domain.to_owned()],
        follow: false,
    };
    gathered(client.events(request).await.map_err(refused)?).await
}

/// What each of its lives wrote to standard error, as far as it is kept.
///
/// # Errors
/// Those of [`events`].
pub(super) async fn stderr(
    client: &ControlClient,
    domain: &str,
) -> Result<BTreeMap<u64, Vec<String>>, Stop> {
    let request = LogsRequest {
        domains: vec![domain.to_owned()],
        tail: Some(LINES),
        ..LogsRequest::default()
    };
    let records = gathered(client.logs(request).await.map_err(refused)?).await?;
    let mut said: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    for record in records {
        if let Some(log_record::Record::Line(line)) = record.record
            && line.stream == "stderr"
        {
            let generation = line.generation;
            let text = received::read(line).text().into_owned();
            said.entry(generation).or_default().push(text);
        }
    }
    Ok(said)
}

async fn gathered<T>(
    mut items: impl Stream<Item = Result<T, ControlError>> + Unpin,
) -> Result<Vec<T>, Stop> {
    let mut all = Vec::new();
    while let Some(item) = items.next().await {
        all.push(item.map_err(refused)?);
    }
    Ok(all)
}
