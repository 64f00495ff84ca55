//! Message streams, outcomes and time limits for implementations of
//! [`ControlHandler`](super::handler::ControlHandler).

use std::time::Duration;

use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::handler::{ControlError, MessageStream};
use crate::generated::control::outcome::Kind;
use crate::generated::control::{Outcome, Progress};

/// Messages that may wait for a client that reads slowly.
const STREAM_BUFFER: usize = 64;

/// The time limit of a request without one: one year.
const NO_LIMIT: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// The sending side of a [`MessageStream`]. Sending waits while the client reads slowly and
/// fails once the client is gone.
pub type MessageSender<T> = mpsc::Sender<Result<T, ControlError>>;

/// A stream of messages to one client, and its sending side. The stream ends when the sender
/// is dropped.
pub fn message_channel<T: Send + 'static>() -> (MessageSender<T>, MessageStream<T>) {
    let (sender, receiver) = mpsc::channel(STREAM_BUFFER);
    (sender, Box::pin(ReceiverStream::new(receiver)))
}

/// The last message of a stream of progress.
pub fn outcome(kind: Kind, message: impl Into<String>) -> Progress {
    let outcome = Outcome {
        kind: kind.into(),
        message: message.into(),
    };
    Progress {
        outcome: Some(outcome),
        ..Progress::default()
    }
}

/// A stream whose only message is an outcome.
pub fn single_outcome(kind: Kind, message: impl Into<String>) -> MessageStream<Progress> {
    Box::pin(tokio_stream::once(Ok(outcome(kind, message))))
}

/// The time limit from a request's field `timeout_ms`, in milliseconds. 0 means no limit, which is
/// one year here.
pub fn timeout_or_max(timeout_ms: u64) -> Duration {
    if timeout_ms == 0 {
        NO_LIMIT
    } else {
        Duration::from_millis(timeout_ms)
    }
}

#[cfg(test)]
mod tests {
    use tokio_stream::StreamExt;

    use super::*;

    #[tokio::test]
    async fn a_stream_ends_when_its_sender_is_dropped() {
        let (sender, mut stream) = message_channel();
        sender
            .send(Ok(outcome(Kind::Done, "stopped")))
            .await
            .expect("the stream is open");
        drop(sender);
        assert_eq!(
            stream.next().await,
            Some(Ok(outcome(Kind::Done, "stopped")))
        );
        assert_eq!(stream.next().await, None);
    }

    #[tokio::test]
    async fn a_single_outcome_is_one_message() {
        let messages: Vec<_> = single_outcome(Kind::Failed, "why").collect().await;
        assert_eq!(messages, [Ok(outcome(Kind::Failed, "why"))]);
    }

    #[test]
    fn zero_is_no_time_limit() {
        assert_eq!(timeout_or_max(0), NO_LIMIT);
        assert_eq!(timeout_or_max(1500), Duration::from_millis(1500));
    }
}
