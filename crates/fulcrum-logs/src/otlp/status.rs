//! The meaning of the exporter's errors.

use opentelemetry_sdk::error::OTelSdkError;

/// An error of the exporter: the gRPC status code, and the cause where the error arose on this side.
pub(super) struct ExportStatus {
    code: String,
    cause: Option<String>,
}

impl ExportStatus {
    /// The exporter's errors are texts: `… failed with gRPC code: Unavailable: tcp connect error`.
    pub(super) fn from_error(error: &OTelSdkError) -> Self {
        let text = match error {
            OTelSdkError::InternalFailure(text) => text.clone(),
            other => other.to_string(),
        };
        let status = text.split_once("gRPC code: ").map(|(_, status)| status);
        match status.map(|status| status.split_once(": ").unwrap_or((status, ""))) {
            Some((code, "")) => Self {
                code: code.to_owned(),
                cause: None,
            },
            Some((code, cause)) => Self {
                code: code.to_owned(),
                cause: Some(cause.to_owned()),
            },
            None => Self {
                code: String::new(),
                cause: Some(text),
            },
        }
    }

    /// Whether the receiver would reject the same lines again, by OTLP's table of status codes. An
    /// error that arose on this side concerns the connection and not the lines, whatever its code.
    pub(super) fn is_final(&self) -> bool {
        let retryable = [
            "Cancelled",
            "DeadlineExceeded",
            "Aborted",
            "OutOfRange",
            "Unavailable",
            "DataLoss",
        ];
        self.cause.is_none() && !retryable.contains(&self.code.as_str())
    }

    pub(super) fn describe(&self) -> String {
        let Some(cause) = &self.cause else {
            return format!("receiver responded {}", self.code);
        };
        // Each layer above the socket repeats the error of the one below it.
        let mut parts: Vec<&str> = cause.split(": ").collect();
        parts.dedup();
        parts.join(": ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(text: &str) -> ExportStatus {
        ExportStatus::from_error(&OTelSdkError::InternalFailure(text.to_owned()))
    }

    #[test]
    fn a_rejection_differs_from_an_unreachable_receiver() {
        let rejected = status("TonicLogsClient export failed with gRPC code: Unauthenticated");
        assert!(rejected.is_final());
        assert_eq!(rejected.describe(), "receiver responded Unauthenticated");
        let busy = status("TonicLogsClient export failed with gRPC code: Unavailable");
        assert!(!busy.is_final());
        let unreachable = status(
            "TonicLogsClient export failed with gRPC code: Unknown: tcp error: tcp error: refused",
        );
        assert!(!unreachable.is_final());
        assert_eq!(unreachable.describe(), "tcp error: refused");
        let unknown = status("something new");
        assert!(!unknown.is_final());
        assert_eq!(unknown.describe(), "something new");
    }
}
