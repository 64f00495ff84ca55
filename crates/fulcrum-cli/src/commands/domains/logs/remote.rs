//! Log lines from an instance.

use std::time::SystemTime;

use fulcrum_logs::{LogLine, Source, Stream};
use fulcrum_rpc::control::log_record::Record;
use fulcrum_rpc::control::{self, LogRecord, LogSeam, LogsRequest};
use fulcrum_rpc::{ControlClient, ControlError};
use tokio_stream::StreamExt;

use super::backlog::Backlog;
use crate::client::control_error;
use crate::exit::CliError;

/// The lines that the instance has in memory, and the stream of later ones.
pub(super) async fn fetch_backlog(
    client: &ControlClient,
    request: LogsRequest,
) -> Result<
    (
        Backlog,
        impl tokio_stream::Stream<Item = Result<LogRecord, ControlError>> + use<>,
    ),
    CliError,
> {
    let mut records = Box::pin(client.logs(request).await.map_err(control_error)?);
    let mut backlog = Backlog {
        lines: Vec::new(),
        received: Vec::new(),
        snapshot_marker: LogSeam {
            last_seq: u64::MAX,
            ..LogSeam::default()
        },
    };
    while let Some(record) = records.next().await {
        match record.map_err(control_error)?.record {
            Some(Record::Line(line)) => backlog.lines.push(from_message(line)),
            Some(Record::Seam(seam)) => {
                backlog.snapshot_marker = seam;
                break;
            }
            // Lines are dropped only from the stream of later ones.
            Some(Record::Missed(_)) | None => {}
        }
    }
    Ok((backlog, records))
}

/// The line of a message. An unknown stream, from a later version, becomes `fulcrum`; an unknown
/// level becomes none.
pub(in crate::commands::domains) fn from_message(line: control::LogLine) -> LogLine {
    LogLine {
        seq: line.seq,
        time: line
            .time
            .and_then(|time| SystemTime::try_from(time).ok())
            .unwrap_or(SystemTime::UNIX_EPOCH),
        source: Source {
            domain: line.domain.into(),
            generation: line.generation,
            pid: line.pid,
        },
        stream: line.stream.parse().unwrap_or(Stream::Fulcrum),
        level: line.level.and_then(|level| level.parse().ok()),
        message: line.message.into(),
        partial: line.partial,
        continues: false,
        message_trace: None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use fulcrum_logs::Level;

    use super::*;

    #[test]
    fn a_line_has_all_values_of_its_message() {
        let line = from_message(control::LogLine {
            seq: 7,
            time: Some((SystemTime::UNIX_EPOCH + Duration::from_secs(1)).into()),
            domain: "users".into(),
            generation: 2,
            pid: 42,
            stream: "stderr".into(),
            level: Some("warn".into()),
            message: b"x\xff".to_vec(),
            partial: true,
        });
        assert_eq!(
            (line.seq, line.source.generation, line.source.pid),
            (7, 2, 42)
        );
        assert_eq!(
            (line.stream, line.level, line.partial),
            (Stream::Stderr, Some(Level::Warn), true)
        );
        assert_eq!(line.message.as_ref(), b"x\xff");
        assert_eq!(line.time, SystemTime::UNIX_EPOCH + Duration::from_secs(1));
        let unknown = from_message(control::LogLine {
            stream: "fd3".into(),
            ..control::LogLine::default()
        });
        assert_eq!(unknown.stream, Stream::Fulcrum);
    }
}
