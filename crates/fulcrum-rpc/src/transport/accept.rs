//! The accept loop: takes connections from a listener, sees who they are, and hands the
//! good ones on.

use std::fmt::Display;
use std::future::{Future, poll_fn};
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustix::io::Errno;
use rustix::process::{Resource, getrlimit};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::connection_table::{AdmitResult, ConnectionTable};
use super::rate_limited_log::RateLimitedLog;
use super::{ACCEPT_BACKOFF, MAX_CONNECTIONS, MonitoredConnection};

/// What the accept loops of one service share.
pub(crate) struct Acceptor<S> {
    guests: Arc<ConnectionTable>,
    complaints: RateLimitedLog,
    cut: CancellationToken,
    accepted: mpsc::Sender<MonitoredConnection<S>>,
}

impl<S: Send + 'static> Acceptor<S> {
    /// An acceptor whose connections come out of the returned receiver and live until
    /// `cut` is cancelled at the latest.
    pub(crate) fn new(
        name: &'static str,
        cut: CancellationToken,
    ) -> (Arc<Self>, mpsc::Receiver<MonitoredConnection<S>>) {
        let (accepted, incoming) = mpsc::channel(16);
        let complaints = RateLimitedLog::new(name);
        (
            Arc::new(Self {
                guests: ConnectionTable::new(places(), complaints.clone()),
                complaints,
                cut,
                accepted,
            }),
            incoming,
        )
    }

    /// Accepts until `stop` is cancelled, which drops the listener held by `poll_accept`.
    ///
    /// `poll_accept` takes the next connection and `check` sees whether it may pass,
    /// returning it with the bytes it read.
    pub(crate) async fn run<A, C, Checked, E>(
        self: Arc<Self>,
        mut poll_accept: A,
        check: C,
        stop: CancellationToken,
    ) where
        A: FnMut(&mut Context<'_>) -> Poll<io::Result<S>>,
        C: Fn(S) -> Checked,
        Checked: Future<Output = Result<(S, Vec<u8>), E>> + Send + 'static,
        E: Display + Send + 'static,
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
            let places = self.guests.places();
            let seat = match self.guests.admit(self.cut.child_token()) {
                AdmitResult::Accepted(seat) => seat,
                AdmitResult::EvictedOther(seat) => {
                    self.complaints.warn(&format_args!(
                        "all {places} places are taken, and it asked for nothing for longest"
                    ));
                    seat
                }
                AdmitResult::Full => {
                    self.complaints
                        .warn(&format_args!("domains have all {places} places"));
                    continue;
                }
            };
            let checking = check(stream);
            let this = Arc::clone(&self);
            tokio::spawn(async move {
                let checked = tokio::select! {
                    () = seat.guest().cut().cancelled() => return,
                    checked = checking => checked,
                };
                match checked {
                    Ok((stream, prefix)) => {
                        seat.handshake_done();
                        let complaints = this.complaints.clone();
                        let guarded = MonitoredConnection::new(stream, prefix, seat, complaints);
                        // An error means that the server is gone, and the connection with it.
                        let _ = this.accepted.send(guarded).await;
                    }
                    Err(stranger) => this.complaints.warn(&stranger),
                }
            });
        }
    }

    async fn after_error(&self, error: &io::Error) {
        let errno = error.raw_os_error().map(Errno::from_raw_os_error);
        let exhausted = matches!(
            errno,
            Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM)
        );
        if exhausted {
            self.complaints.warn(&format_args!(
                "{error}; raise the limit of open files (ulimit -n)"
            ));
        } else {
            self.complaints.warn(error);
        }
        // The connection stays in the backlog: without a pause this loop would spin.
        let pause = if exhausted {
            ACCEPT_BACKOFF
        } else {
            ACCEPT_BACKOFF / 100
        };
        tokio::time::sleep(pause).await;
    }
}

/// The places of one service: not so many that connections could take all file descriptors
/// from what else needs some, such as starting a process.
fn places() -> usize {
    let descriptors = getrlimit(Resource::Nofile).current;
    let half = descriptors.and_then(|count| usize::try_from(count / 2).ok());
    half.map_or(MAX_CONNECTIONS, |half| half.clamp(16, MAX_CONNECTIONS))
}
