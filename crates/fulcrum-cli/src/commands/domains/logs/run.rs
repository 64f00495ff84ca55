//! Prints logs from an instance, or from the store without one.

use std::collections::BTreeSet;
use std::time::Duration;

use fulcrum_logs::store::{StoreQuery, StoreReader};
use fulcrum_logs::{LogQuery, MessageFilter};
use fulcrum_rpc::ControlClient;
use fulcrum_rpc::control::log_record::Record;
use fulcrum_rpc::control::{LogRecord, LogsRequest};
use tokio_stream::StreamExt;

use super::backlog::{self, Backlog};
use super::printer::Printer;
use super::remote;
use super::request::{Args, LogRequest};
use crate::client;
use crate::commands::context::Context;
use crate::commands::domains::stream;
use crate::exit::{CliError, Code};
use crate::load;
use crate::wiring::log_store;

/// After this long without a line, no line continues the last message.
const MESSAGE_PAUSE: Duration = Duration::from_millis(150);

pub(crate) async fn run(args: Args, context: Context) -> Result<(), CliError> {
    let request = LogRequest::new(args)?;
    let limit = request.args.timeout;
    let client = match client::connect_within(context.app(), limit).await {
        Ok(client) => client,
        Err(error) if error.code == Code::NotRunning => {
            return run_from_store(&request, &context, error).await;
        }
        // It does not respond; what it has stored can be read all the same.
        Err(error) if error.code == Code::Failed => {
            context.output.error(&error);
            return run_from_store(&request, &context, error).await;
        }
        Err(error) => return Err(error),
    };
    match run_with_instance(&client, &request, &context).await {
        // A domain that no longer exists may have logs.
        Err(error) if error.code == Code::UnknownDomain => {
            run_from_store(&request, &context, error).await
        }
        result => result,
    }
}

async fn run_with_instance(
    client: &ControlClient,
    request: &LogRequest,
    context: &Context,
) -> Result<(), CliError> {
    let dir = log_store::store_dir(&load::app_root(context.app())?);
    let (backlog, _) = remote::fetch_backlog(client, request.to_message(false)).await?;
    let mut printer = Printer::new(request, &backlog.names(), &context.output);
    let before = backlog.snapshot_marker.last_seq;
    printer = backlog::print(backlog, request.store_query(), dir.clone(), printer).await?;
    if !request.args.follow {
        return Ok(());
    }
    // Lines written in between are read from the store, since the follower's queue is bounded.
    let follow = LogsRequest {
        tail: None,
        ..request.to_message(true)
    };
    let (backlog, live) = remote::fetch_backlog(client, follow).await?;
    let query = StoreQuery {
        after_seq: before,
        query: LogQuery {
            tail: None,
            ..request.query.clone()
        },
        ..request.store_query()
    };
    let mut printer = backlog::print(backlog, query, dir, printer).await?;
    let mut messages = MessageFilter::new(None, request.args.grep.clone());
    let print = |item: Option<LogRecord>, out: &mut Vec<u8>| {
        let mut missed = 0;
        match item.and_then(|record| record.record) {
            Some(Record::Line(line)) => messages.push(remote::from_message(line), 0),
            Some(Record::Missed(lines)) => missed = lines,
            Some(Record::Seam(_)) => {}
            // Nothing has followed for a while.
            None => messages.finish(),
        }
        while let Some((line, run)) = messages.pop() {
            printer.line(run, &line, out);
        }
        if missed > 0 {
            printer.gap(missed, out);
        }
    };
    let live = live.timeout(MESSAGE_PAUSE).map(|item| match item {
        Ok(record) => record.map(Some),
        Err(_elapsed) => Ok(None),
    });
    stream::print(live, true, &context.output, print).await
}

/// Prints logs without an instance; `error` is why there is none, or not for these domains.
async fn run_from_store(
    request: &LogRequest,
    context: &Context,
    error: CliError,
) -> Result<(), CliError> {
    let root = load::app_root(context.app())?;
    let dir = log_store::store_dir(&root);
    let store = StoreReader::open(&dir).map_err(|error| backlog::store_error(&dir, &error))?;
    let mut known: BTreeSet<String> = store.domains().map(str::to_owned).collect();
    if error.code == Code::UnknownDomain {
        // The instance has checked the domains of the configuration.
        if request.select(&known).is_err() {
            return Err(error);
        }
    } else if known.is_empty() {
        return Err(error);
    } else if let Ok(loaded) = load::read(context.app(), fulcrum_config::Mode::Dev) {
        let domains = loaded.app.into_iter().flat_map(|app| app.domains);
        known.extend(domains.map(|domain| domain.name));
    }
    let domains = request.select(&known)?;
    let backlog = Backlog::from_store(&domains);
    let printer = Printer::new(request, &backlog.names(), &context.output);
    let query = StoreQuery {
        query: LogQuery {
            domains: (!request.args.names.is_empty()).then_some(domains),
            ..request.query.clone()
        },
        ..request.store_query()
    };
    backlog::print(backlog, query, dir, printer).await?;
    if request.args.follow {
        Err(error)
    } else {
        Ok(())
    }
}
