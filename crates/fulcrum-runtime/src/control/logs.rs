//! Log lines as messages of the control API.

use std::collections::BTreeSet;
use std::time::SystemTime;

use fulcrum_logs::{Delivery, LogQuery, ParseNameError};
use fulcrum_rpc::ControlError;
use fulcrum_rpc::control::{LogLine, LogRecord, LogSeam, LogsRequest, log_record};

use crate::state::desired::DesiredState;
use crate::state::domain::DomainStates;

/// The query of a request; `None` as domains means all.
///
/// # Errors
/// There is no such stream or level.
pub(crate) fn query(
    request: &LogsRequest,
    domains: Option<BTreeSet<String>>,
) -> Result<LogQuery, ControlError> {
    let invalid = |error: ParseNameError| ControlError::Invalid(error.to_string());
    let non_empty = |word: &str| (!word.is_empty()).then(|| word.to_owned());
    let stream = non_empty(&request.stream).map(|word| word.parse());
    let level = non_empty(&request.level).map(|word| word.parse());
    Ok(LogQuery {
        domains,
        generation: request.generation,
        stream: stream.transpose().map_err(invalid)?,
        level: level.transpose().map_err(invalid)?,
        since: request.since.and_then(|t| SystemTime::try_from(t).ok()),
        until: request.until.and_then(|t| SystemTime::try_from(t).ok()),
        tail: request
            .tail
            .map(|n| usize::try_from(n).unwrap_or(usize::MAX)),
    })
}

/// The message between the lines that were in memory and those that follow.
pub(crate) fn snapshot_marker(
    states: &DomainStates,
    desired: &DesiredState,
    log_run: u64,
    last_seq: u64,
    domains: Option<BTreeSet<String>>,
) -> LogRecord {
    let states = states.all();
    let running = states.iter().filter_map(|(name, state)| {
        let process = state.running()?;
        Some((name.clone(), process.generation))
    });
    let all = || {
        let domains = desired.app.domains.iter();
        domains.map(|domain| domain.name.clone()).collect()
    };
    let marker = LogSeam {
        last_seq,
        run: log_run,
        living: running.collect(),
        domains: domains.map_or_else(all, |names| names.into_iter().collect()),
    };
    LogRecord {
        record: Some(log_record::Record::Seam(marker)),
    }
}

/// A line or a gap as a message.
pub(crate) fn log_record(delivery: Delivery) -> LogRecord {
    let record = match delivery {
        Delivery::Gap(gap) => log_record::Record::Missed(gap.missed),
        Delivery::Line(line) => log_record::Record::Line(LogLine {
            seq: line.seq,
            time: Some(line.time.into()),
            domain: line.source.domain.to_string(),
            generation: line.source.generation,
            pid: line.source.pid,
            stream: line.stream.as_str().to_owned(),
            level: line.level.map(|level| level.as_str().to_owned()),
            message: line.message.to_vec(),
            partial: line.partial,
        }),
    };
    LogRecord {
        record: Some(record),
    }
}
