//! Serves connections, and ends in bounded time.

use std::convert::Infallible;
use std::future::Future;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt};
use tokio_util::sync::CancellationToken;

use super::monitored_connection::MonitoredConnection;

/// Runs the server that `serve` builds for the incoming connections until `stop` is canceled.
/// Then open streams have `grace` to end before all connections are cut by cancelling `cut`.
///
/// The outer deadline is necessary. tonic waits without limit for open streams, and a domain's
/// stream stays open as long as its process runs; hyper does so for idle connections.
pub(crate) async fn serve_until<S, F, E>(
    incoming: mpsc::Receiver<MonitoredConnection<S>>,
    stop: CancellationToken,
    cut: CancellationToken,
    grace: Duration,
    serve: impl FnOnce(Incoming<S>) -> F,
) -> Result<(), E>
where
    S: Send + 'static,
    F: Future<Output = Result<(), E>>,
{
    // No connection outlives this future, even if the future is dropped.
    let _cut_on_drop = cut.clone().drop_guard();
    let serving = serve(Box::pin(ReceiverStream::new(incoming).map(Ok)));
    tokio::pin!(serving);
    let deadline = async {
        stop.cancelled().await;
        tokio::time::sleep(grace).await;
    };
    tokio::select! {
        served = &mut serving => return served,
        () = deadline => {}
    }
    cut.cancel();
    // A cut connection ends at its next poll. This waits for the tasks.
    tokio::time::timeout(grace, serving).await.unwrap_or(Ok(()))
}

/// Accepted connections, in the form that tonic expects.
pub(crate) type Incoming<S> =
    std::pin::Pin<Box<dyn Stream<Item = Result<MonitoredConnection<S>, Infallible>> + Send>>;
