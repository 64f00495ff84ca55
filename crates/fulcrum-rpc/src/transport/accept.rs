//! The accept loop: takes connections from a listener, sees who they are, and hands the
//! good ones on.

use std::collections::VecDeque;
use std::fmt::Display;
use std::future::{Future, poll_fn};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use rustix::io::Errno;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{EXHAUSTED_PAUSE, Guarded, Limiter, MAX_CONNECTIONS, MAX_HANDSHAKES};

/// What the accept loops of one service share.
///
/// A connection is refused where all places are taken; while it hasn't shown who it is, it
/// also gives way to newer ones, so that idle strangers can't keep a domain out.
pub(crate) struct Acceptor<S> {
    /// For log lines: what listens.
    name: &'static str,
    places: Arc<Semaphore>,
    complaints: Mutex<Limiter>,
    cut: CancellationToken,
    accepted: mpsc::Sender<Guarded<S>>,
}

impl<S: Send + 'static> Acceptor<S> {
    /// An acceptor whose connections come out of the returned receiver and live until
    /// `cut` is cancelled at the latest.
    pub(crate) fn new(
        name: &'static str,
        cut: CancellationToken,
    ) -> (Arc<Self>, mpsc::Receiver<Guarded<S>>) {
        let (accepted, incoming) = mpsc::channel(16);
        let complaints = Mutex::new(Limiter::new(Duration::from_secs(1)));
        let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        (
            Arc::new(Self {
                name,
                places,
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
        let mut unproven: VecDeque<CancellationToken> = VecDeque::new();
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
            let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
                self.complain(&format_args!(
                    "all {MAX_CONNECTIONS} places are taken; a client opens connections and keeps them"
                ));
                continue;
            };
            unproven.retain(|token| !token.is_cancelled());
            if unproven.len() >= MAX_HANDSHAKES
                && let Some(oldest) = unproven.pop_front()
            {
                oldest.cancel();
            }
            let proven = self.cut.child_token();
            unproven.push_back(proven.clone());
            let checking = check(stream);
            let this = Arc::clone(&self);
            tokio::spawn(async move {
                // Cancelled at the end in any case, so that the list above forgets it.
                let given_up = proven.clone();
                let _forget = proven.drop_guard();
                let checked = tokio::select! {
                    () = given_up.cancelled() => return,
                    checked = checking => checked,
                };
                match checked {
                    Ok((stream, prefix)) => {
                        let guarded = Guarded::new(stream, prefix, this.cut.clone(), place);
                        // An error means that the server is gone, and the connection with it.
                        let _ = this.accepted.send(guarded).await;
                    }
                    Err(stranger) => this.complain(&stranger),
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
            self.complain(&format_args!(
                "{error}; raise the limit of open files (ulimit -n)"
            ));
        } else {
            self.complain(error);
        }
        // The connection stays in the backlog: without a pause this loop would spin.
        let pause = if exhausted {
            EXHAUSTED_PAUSE
        } else {
            EXHAUSTED_PAUSE / 100
        };
        tokio::time::sleep(pause).await;
    }

    /// At most one log line a second, whatever comes.
    fn complain(&self, why: &dyn Display) {
        let now = Instant::now();
        let passed = self
            .complaints
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .allow(now);
        if let Some(held) = passed {
            tracing::warn!(
                held_back = held,
                "{}: a connection was closed: {why}",
                self.name
            );
        }
    }
}
