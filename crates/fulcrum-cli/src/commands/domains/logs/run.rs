//! `logs` from an instance and from the store.

use std::collections::BTreeSet;

use fulcrum_logs::LogQuery;
use fulcrum_logs::store::{StoreQuery, StoreReader};
use fulcrum_rpc::ControlClient;
use fulcrum_rpc::control::log_record::Record;
use fulcrum_rpc::control::{LogRecord, LogsRequest};

use super::backlog::{self, Backlog};
use super::printer::Printer;
use super::remote;
use super::request::{Args, LogRequest};
use crate::commands::context::Context;
use crate::commands::domains::stream;
use crate::exit::{CliError, Code};
use crate::load;
use crate::wiring::log_store;

pub(crate) async fn run(args: Args, context: Context) -> Result<(), CliError> {
    let request = LogRequest::of(args);
    let connected = match context.connect().await {
        Ok(client) => run_with_instance(&client, &request, &context).await,
        Err(error) => Err(error),
    };
    match connected {
        // Not running; or a domain that no longer exists but may have logs.
        Err(error) if matches!(error.code, Code::NotRunning | Code::UnknownDomain) => {
            run_from_store(&request, &context, error).await
        }
        done => done,
    }
}

async fn run_with_instance(
    client: &ControlClient,
    request: &LogRequest,
    context: &Context,
) -> Result<(), CliError> {
    let folder = log_store::store_dir(&load::app_root(context.app())?);
    let (past, _) = remote::fetch_backlog(client, request.request(false)).await?;
    let mut printer = Printer::new(request, &past.names(), &context.output);
    let before = past.snapshot_marker.last_seq;
    printer = backlog::print(past, request.store_query(), folder.clone(), printer).await?;
    if !request.args.follow {
        return Ok(());
    }
    // Lines written meanwhile come from the store, however many: the queue of this follower is
    // bounded.
    let follow = LogsRequest {
        tail: None,
        ..request.request(true)
    };
    let (past, live) = remote::fetch_backlog(client, follow).await?;
    let wanted = StoreQuery {
        after_seq: before,
        query: LogQuery {
            tail: None,
            ..request.query.clone()
        },
        ..request.store_query()
    };
    let mut printer = backlog::print(past, wanted, folder, printer).await?;
    let pattern = request.args.grep.as_ref();
    let print = |record: LogRecord, out: &mut Vec<u8>| match record.record {
        Some(Record::Line(line)) => {
            let line = remote::from_message(line);
            if pattern.is_none_or(|pattern| pattern.is_match(line.content())) {
                printer.line(0, &line, out);
            }
        }
        Some(Record::Missed(missed)) => printer.gap(missed, out),
        Some(Record::Seam(_)) | None => {}
    };
    stream::print(live, true, &context.output, print).await
}

/// Reads the log store for domains that are not available, as `error` says.
async fn run_from_store(
    request: &LogRequest,
    context: &Context,
    error: CliError,
) -> Result<(), CliError> {
    let root = load::app_root(context.app())?;
    let folder = log_store::store_dir(&root);
    let archive =
        StoreReader::open(&folder).map_err(|error| backlog::store_error(&folder, &error))?;
    let mut kept: BTreeSet<String> = archive.domains().map(str::to_owned).collect();
    if error.code == Code::UnknownDomain {
        // The instance knows the domains without logs.
        if request.select(&kept).is_err() {
            return Err(error);
        }
    } else if kept.is_empty() {
        return Err(error);
    } else if let Ok(loaded) = load::read(context.app(), fulcrum_config::Mode::Dev) {
        let domains = loaded.app.into_iter().flat_map(|app| app.domains);
        kept.extend(domains.map(|domain| domain.name));
    }
    let domains = request.select(&kept)?;
    let past = Backlog::from_store(&domains);
    let printer = Printer::new(request, &past.names(), &context.output);
    let wanted = StoreQuery {
        query: LogQuery {
            domains: (!request.args.names.is_empty()).then_some(domains),
            ..request.query.clone()
        },
        ..request.store_query()
    };
    backlog::print(past, wanted, folder, printer).await?;
    if request.args.follow {
        Err(error)
    } else {
        Ok(())
    }
}
