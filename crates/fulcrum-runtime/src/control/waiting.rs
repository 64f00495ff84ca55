//! What a client that waits is told meanwhile.

use std::time::Duration;

use fulcrum_rpc::control::Progress;
use fulcrum_rpc::control::progress::MessageSender;
use tokio::time::{Instant, timeout_at};

/// When a client is told for the first time what it waits for. Most requests have ended by then.
const FIRST_REPORT: Duration = Duration::from_secs(5);

/// The longest time between two reports.
const MAX_INTERVAL: Duration = Duration::from_secs(60);

/// Completes as `work` does. Until then, the client is told at growing intervals what is waited for;
/// one that is slow or gone delays nothing.
pub(crate) async fn with_reports<T>(
    work: impl Future<Output = T>,
    pending: impl Fn() -> String,
    client: &MessageSender<Progress>,
) -> T {
    tokio::pin!(work);
    let started = Instant::now();
    let mut due = FIRST_REPORT;
    loop {
        if let Ok(done) = timeout_at(started + due, &mut work).await {
            return done;
        }
        let pending = pending();
        if !pending.is_empty() {
            let _ = client.try_send(Ok(Progress {
                message: format!("still waiting: {pending}"),
                ..Progress::default()
            }));
        }
        due += (due * 2).min(MAX_INTERVAL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_client_is_told_at_growing_intervals_what_is_waited_for() {
        let (sender, mut messages) = tokio::sync::mpsc::channel(8);
        let started = Instant::now();
        let elapsed = || format!("users for {} s", started.elapsed().as_secs());
        let work = tokio::time::sleep(Duration::from_secs(50));
        with_reports(work, elapsed, &sender).await;
        drop(sender);
        let mut told = Vec::new();
        while let Some(Ok(progress)) = messages.recv().await {
            told.push(progress.message);
        }
        let expected = [5, 15, 45].map(|after| format!("still waiting: users for {after} s"));
        assert_eq!(told, expected);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_done_soon_is_not_reported() {
        let (sender, mut messages) = tokio::sync::mpsc::channel(8);
        let work = tokio::time::sleep(Duration::from_secs(4));
        with_reports(work, || "users".to_owned(), &sender).await;
        drop(sender);
        assert!(messages.recv().await.is_none());
    }
}
