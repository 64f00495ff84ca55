//! The accept loop: accepts connections from a listener, checks them, and passes on those that
//! succeed.

use std::fmt::Display;
use std::future::{Future, poll_fn};
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustix::io::Errno;
use rustix::process::{Resource, getrlimit};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::connection_table::{AdmitResult, ConnectionSlot, ConnectionTable};
use super::limits::{ACCEPT_BACKOFF, MAX_CONNECTIONS};
use super::monitored_connection::MonitoredConnection;
use super::rate_limited_log::RateLimitedLog;

/// Why a connection is not served.
pub(crate) trait Rejection: Display {
    /// Whether it tells nothing of a mistake, such as a check that the port is open.
    fn is_harmless(&self) -> bool;
}

/// The state that the accept loops of one service share.
pub(crate) struct Acceptor<S> {
    table: Arc<ConnectionTable>,
    log: RateLimitedLog,
    cut: CancellationToken,
    accepted: mpsc::Sender<MonitoredConnection<S>>,
}

impl<S: Send + 'static> Acceptor<S> {
    /// An acceptor, and the receiver of its connections. They are closed when `cut` is
    /// canceled, at the latest.
    pub(crate) fn new(
        name: &'static str,
        cut: CancellationToken,
    ) -> (Arc<Self>, mpsc::Receiver<MonitoredConnection<S>>) {
        let (accepted, incoming) = mpsc::channel(16);
        let log = RateLimitedLog::new(name);
        (
            Arc::new(Self {
                table: ConnectionTable::new(max_connections(), log.clone()),
                log,
                cut,
                accepted,
            }),
            incoming,
        )
    }

    /// Its connections.
    pub(crate) fn table(&self) -> &Arc<ConnectionTable> {
        &self.table
    }

    /// Accepts connections until `stop` is canceled, then drops `poll_accept` and with it the
    /// listener.
    ///
    /// `poll_accept` accepts the next connection. `check` decides whether it is served, and
    /// returns it with the bytes that were read.
    pub(crate) async fn run<A, C, Checked, E>(
        self: Arc<Self>,
        mut poll_accept: A,
        check: C,
        stop: CancellationToken,
    ) where
        A: FnMut(&mut Context<'_>) -> Poll<io::Result<S>>,
        C: Fn(S) -> Checked,
        Checked: Future<Output = Result<(S, Vec<u8>), E>> + Send + 'static,
        E: Rejection + Send + 'static,
    {
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => return,
                accepted = poll_fn(&mut poll_accept) => accepted,
            };
            let stream = match accepted {
                Ok(stream) => stream,
                Err(error) => {
                    self.after_error(&error).await;
                    continue;
                }
            };
            let Some(slot) = self.admit() else { continue };
            let checking = check(stream);
            let this = Arc::clone(&self);
            tokio::spawn(async move {
                let checked = tokio::select! {
                    () = slot.connection().cut().cancelled() => return,
                    checked = checking => checked,
                };
                match checked {
                    Ok((stream, prefix)) => {
                        slot.handshake_done();
                        let log = this.log.clone();
                        let connection = MonitoredConnection::new(stream, prefix, slot, log);
                        // An error means that the server has ended; the connection is dropped.
                        let _ = this.accepted.send(connection).await;
                    }
                    Err(rejected) if rejected.is_harmless() => this.log.debug(&rejected),
                    Err(rejected) => this.log.warn(&rejected),
                }
            });
        }
    }

    /// A slot for a new connection; `None` if there is none, which closes the connection.
    fn admit(&self) -> Option<ConnectionSlot> {
        let capacity = self.table.capacity();
        match self.table.admit(self.cut.child_token()) {
            AdmitResult::Accepted(slot) => Some(slot),
            AdmitResult::EvictedOther(slot) => {
                self.log.warn(&format_args!(
                    "limit of {capacity} connections reached, and this one had no request for the \
                     longest time"
                ));
                Some(slot)
            }
            AdmitResult::Full => {
                self.log.warn(&format_args!(
                    "limit of {capacity} connections reached, and domains are registered on all of \
                     them"
                ));
                None
            }
        }
    }

    /// Logs an error of accepting, and waits before the next attempt.
    async fn after_error(&self, error: &io::Error) {
        let errno = error.raw_os_error().map(Errno::from_raw_os_error);
        let exhausted = matches!(
            errno,
            Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM)
        );
        if exhausted {
            self.log.warn(&format_args!(
                "{error}; raise the limit of open files (ulimit -n)"
            ));
        } else {
            self.log.warn(error);
        }
        // The connection stays in the backlog, so this loop would spin without a pause.
        let pause = if exhausted {
            ACCEPT_BACKOFF
        } else {
            ACCEPT_BACKOFF / 100
        };
        tokio::time::sleep(pause).await;
    }
}

/// The most connections of one service. They must not take all file descriptors of the process,
/// which are needed for other tasks, such as starting a process.
fn max_connections() -> usize {
    let descriptors = getrlimit(Resource::Nofile).current;
    let half = descriptors.and_then(|count| usize::try_from(count / 2).ok());
    half.map_or(MAX_CONNECTIONS, |half| half.clamp(16, MAX_CONNECTIONS))
}
