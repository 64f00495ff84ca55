//! What the instance remembers of what was said, for its clients.

use std::collections::BTreeSet;
use std::time::SystemTime;

use fulcrum_logs::{Delivery, LogQuery, ParseNameError};
use fulcrum_rpc::ControlError;
use fulcrum_rpc::control::{LogLine, LogRecord, LogSeam, LogsRequest, log_record};

use crate::context::RuntimeContext;

/// What a request asks the hub for; no domains are all.
///
/// # Errors
/// A stream or a level that there is none of.
pub(crate) fn query(
    request: &LogsRequest,
    domains: Option<BTreeSet<String>>,
) -> Result<LogQuery, ControlError> {
    let invalid = |error: ParseNameError| ControlError::Invalid(error.to_string());
    let some = |word: &str| (!word.is_empty()).then(|| word.to_owned());
    let parsed = |word: &str| some(word).map(|word| word.parse()).transpose();
    let level = some(&request.level).map(|word| word.parse()).transpose();
    Ok(LogQuery {
        domains,
        generation: request.generation,
        stream: parsed(&request.stream).map_err(invalid)?,
        level: level.map_err(invalid)?,
        since: request.since.and_then(|t| SystemTime::try_from(t).ok()),
        until: request.until.and_then(|t| SystemTime::try_from(t).ok()),
        tail: request
            .tail
            .map(|n| usize::try_from(n).unwrap_or(usize::MAX)),
    })
}

/// What comes between the lines that were there and those to come.
pub(crate) fn snapshot_marker(
    house: &RuntimeContext,
    last_seq: u64,
    domains: Option<BTreeSet<String>>,
) -> LogRecord {
    let (desks, agenda) = (house.desks.all(), house.agenda());
    let living = desks.iter().filter_map(|(name, desk)| {
        let badge = desk.running()?;
        Some((name.clone(), badge.generation))
    });
    let all = || agenda.app.domains.iter().map(|domain| domain.name.clone());
    let seam = LogSeam {
        last_seq,
        run: house.log_run,
        living: living.collect(),
        domains: domains.map_or_else(|| all().collect(), |names| names.into_iter().collect()),
    };
    LogRecord {
        record: Some(log_record::Record::Seam(seam)),
    }
}

/// A line, or a gap, for a client.
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
