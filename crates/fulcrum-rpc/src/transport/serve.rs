//! Serving with an end that comes.

use std::convert::Infallible;
use std::future::Future;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt};
use tokio_util::sync::CancellationToken;

use super::MonitoredConnection;

/// Runs what `serve` makes of the incoming connections until `stop` is cancelled, then
/// gives open streams `grace` to end before all connections are cut.
///
/// The outer deadline is needed: tonic waits for streams that are open for life, and hyper
/// for connections that idle, both without limit.
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
    // Whatever ends this future, also its being dropped: no connection outlives it.
    let _cut_at_the_end = cut.clone().drop_guard();
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
    // Cut connections end as soon as they are polled; this waits for their tasks.
    tokio::time::timeout(grace, serving).await.unwrap_or(Ok(()))
}

/// Accepted connections, as tonic takes them.
pub(crate) type Incoming<S> =
    std::pin::Pin<Box<dyn Stream<Item = Result<MonitoredConnection<S>, Infallible>> + Send>>;
