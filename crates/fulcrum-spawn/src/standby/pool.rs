//! The task that owns the standby processes, and the handle to it.

use std::future::Future;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use super::policy::{PoolPolicy, PoolWork};

/// Starts and ends standby processes. Clones are equivalent.
pub trait StandbyFactory: Clone + Send + Sync + 'static {
    /// A standby process that was started.
    type Standby: Send + Sync + 'static;

    /// Starts one for a domain; `None` where that is not possible.
    fn start(&self, domain: &str) -> impl Future<Output = Option<Self::Standby>> + Send;

    /// Completes when it has exited by itself and none of its processes is left.
    fn exited(standby: &Self::Standby) -> impl Future<Output = ()> + Send;

    /// Ends it, and completes when none of its processes is left.
    fn end(standby: &Self::Standby) -> impl Future<Output = ()> + Send;
}

/// A handle to the task that owns the standby processes. Clones reach the same task. When the last
/// handle is dropped, the task ends, and with it every standby process.
#[derive(Debug)]
pub struct StandbyPool<S> {
    messages: mpsc::UnboundedSender<PoolMessage<S>>,
}

impl<S> Clone for StandbyPool<S> {
    fn clone(&self) -> Self {
        Self {
            messages: self.messages.clone(),
        }
    }
}

#[derive(Debug)]
enum PoolMessage<S> {
    Prepare(String),
    Acquire(String, oneshot::Sender<Option<PooledProcess<S>>>),
    Started(String, u64, Option<S>),
    Exited(String, u64),
    Clear(oneshot::Sender<()>),
}

/// A standby process that waits, and the task that waits for its exit.
#[derive(Debug)]
struct PooledProcess<S> {
    standby: Arc<S>,
    watcher: JoinHandle<()>,
}

impl<S> PooledProcess<S> {
    /// Removes it from the pool: its exit is no longer observed here.
    async fn release(self) -> Arc<S> {
        self.watcher.abort();
        let _ = self.watcher.await;
        self.standby
    }
}

impl<S: Send + Sync + 'static> StandbyPool<S> {
    /// Starts the task, for at most `capacity` standby processes at a time.
    pub fn start(capacity: u32, factory: impl StandbyFactory<Standby = S>) -> Self {
        let (messages, inbox) = mpsc::unbounded_channel();
        let task = PoolTask {
            factory,
            messages: messages.downgrade(),
            policy: PoolPolicy::new(usize::try_from(capacity).unwrap_or(usize::MAX)),
        };
        tokio::spawn(task.run(inbox));
        Self { messages }
    }

    /// Starts a standby process for a domain soon, since its next start is likely: it was edited or
    /// has crashed, and is up again.
    pub fn prepare(&self, domain: &str) {
        // Without the task starts are cold, and nothing else is lost.
        let _ = self.messages.send(PoolMessage::Prepare(domain.to_owned()));
    }

    /// Removes the standby process of a domain from the pool and returns it, if there is one.
    pub async fn acquire(&self, domain: &str) -> Option<Arc<S>> {
        let (response, acquired) = oneshot::channel();
        self.messages
            .send(PoolMessage::Acquire(domain.to_owned(), response))
            .ok()?;
        Some(acquired.await.ok()??.release().await)
    }

    /// Ends every standby process, and returns when none is left. No new ones are started.
    pub async fn clear(&self) {
        let (response, done) = oneshot::channel();
        if self.messages.send(PoolMessage::Clear(response)).is_ok() {
            let _ = done.await;
        }
    }
}

struct PoolTask<F: StandbyFactory> {
    factory: F,
    messages: mpsc::WeakUnboundedSender<PoolMessage<F::Standby>>,
    policy: PoolPolicy<PooledProcess<F::Standby>>,
}

impl<F: StandbyFactory> PoolTask<F> {
    async fn run(mut self, mut inbox: mpsc::UnboundedReceiver<PoolMessage<F::Standby>>) {
        loop {
            let due = self.policy.due().map(Instant::from_std);
            let message = tokio::select! {
                message = inbox.recv() => match message {
                    Some(message) => Some(message),
                    None => break,
                },
                () = sleep_until_due(due) => None,
            };
            if let Some(message) = message {
                self.handle_message(message);
            }
            let PoolWork { start, end } = self.policy.work(Instant::now().into_std());
            end.into_iter().for_each(end_pooled::<F>);
            for (domain, id) in start {
                self.start_standby(domain, id);
            }
        }
        self.policy.close().into_iter().for_each(end_pooled::<F>);
    }

    fn handle_message(&mut self, message: PoolMessage<F::Standby>) {
        let now = Instant::now().into_std();
        let unused = match message {
            PoolMessage::Prepare(domain) => self.policy.prepare(&domain, now),
            PoolMessage::Acquire(domain, response) => {
                let acquired = self.policy.take(&domain);
                // The caller may be gone: then the standby process has no owner.
                response.send(acquired).err().flatten()
            }
            PoolMessage::Started(domain, id, started) => {
                let pooled = started.map(|standby| self.watch_exit(&domain, id, standby));
                self.policy.insert(&domain, id, pooled)
            }
            PoolMessage::Exited(domain, id) => {
                // No process is left that had to be ended.
                drop(self.policy.on_exit(&domain, id));
                None
            }
            PoolMessage::Clear(response) => {
                let all = self.policy.close();
                tokio::spawn(async move {
                    for pooled in all {
                        F::end(&*pooled.release().await).await;
                    }
                    let _ = response.send(());
                });
                None
            }
        };
        unused.into_iter().for_each(end_pooled::<F>);
    }

    fn start_standby(&self, domain: String, id: u64) {
        let (factory, messages) = (self.factory.clone(), self.messages.clone());
        tokio::spawn(async move {
            let started = factory.start(&domain).await;
            let message = PoolMessage::Started(domain, id, started);
            match messages.upgrade() {
                Some(messages) => drop(messages.send(message)),
                None => {
                    if let PoolMessage::Started(_, _, Some(standby)) = message {
                        F::end(&standby).await;
                    }
                }
            }
        });
    }

    fn watch_exit(&self, domain: &str, id: u64, standby: F::Standby) -> PooledProcess<F::Standby> {
        let (messages, domain) = (self.messages.clone(), domain.to_owned());
        let standby = Arc::new(standby);
        let watched = Arc::clone(&standby);
        let watcher = tokio::spawn(async move {
            F::exited(&watched).await;
            if let Some(messages) = messages.upgrade() {
                let _ = messages.send(PoolMessage::Exited(domain, id));
            }
        });
        PooledProcess { standby, watcher }
    }
}

async fn sleep_until_due(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}

/// Ends an acquired standby process that is not used, without waiting for it.
pub fn end_in_background<F: StandbyFactory>(standby: Arc<F::Standby>) {
    tokio::spawn(async move { F::end(&standby).await });
}

fn end_pooled<F: StandbyFactory>(pooled: PooledProcess<F::Standby>) {
    tokio::spawn(async move { F::end(&*pooled.release().await).await });
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    use tokio::sync::Notify;
    use tokio::time::sleep;

    use super::*;

    /// Starts numbers, and counts those that are alive.
    #[derive(Clone, Default)]
    struct Fake {
        started: Arc<AtomicU64>,
        alive: Arc<AtomicU64>,
        /// Makes all exit.
        exit: Arc<Notify>,
    }

    struct Number(u64, Fake);

    impl StandbyFactory for Fake {
        type Standby = Number;

        async fn start(&self, domain: &str) -> Option<Number> {
            if domain == "impossible" {
                return None;
            }
            sleep(Duration::from_millis(40)).await;
            self.alive.fetch_add(1, Ordering::Relaxed);
            Some(Number(
                self.started.fetch_add(1, Ordering::Relaxed) + 1,
                self.clone(),
            ))
        }

        async fn exited(standby: &Number) {
            standby.1.exit.notified().await;
            standby.1.alive.fetch_sub(1, Ordering::Relaxed);
        }

        async fn end(standby: &Number) {
            sleep(Duration::from_millis(5)).await;
            standby.1.alive.fetch_sub(1, Ordering::Relaxed);
        }
    }

    impl Fake {
        fn alive(&self) -> u64 {
            self.alive.load(Ordering::Relaxed)
        }
    }

    async fn number(pool: &StandbyPool<Number>, domain: &str) -> Option<u64> {
        pool.acquire(domain).await.map(|standby| standby.0)
    }

    const BOOTED: Duration = Duration::from_millis(200);

    #[tokio::test(start_paused = true)]
    async fn a_standby_process_is_acquired_once_and_only_by_its_domain() {
        let fake = Fake::default();
        let pool = StandbyPool::start(1, fake.clone());
        pool.prepare("users");
        assert_eq!(number(&pool, "users").await, None, "none is started yet");
        pool.prepare("users");
        sleep(BOOTED).await;
        assert_eq!(number(&pool, "orders").await, None);
        assert_eq!(number(&pool, "users").await, Some(1));
        assert_eq!(number(&pool, "users").await, None);
        // The pool no longer observes its exit.
        fake.exit.notify_waiters();
        sleep(BOOTED).await;
        assert_eq!(fake.alive(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_standby_process_that_exits_is_removed() {
        let fake = Fake::default();
        let pool = StandbyPool::start(1, fake.clone());
        pool.prepare("users");
        sleep(BOOTED).await;
        fake.exit.notify_waiters();
        sleep(BOOTED).await;
        assert_eq!(number(&pool, "users").await, None);
        assert_eq!(fake.alive(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn the_number_is_bounded_and_idle_processes_are_ended() {
        let fake = Fake::default();
        let pool = StandbyPool::start(2, fake.clone());
        for domain in ["a", "b", "impossible", "c"] {
            pool.prepare(domain);
            sleep(BOOTED).await;
            assert!(fake.alive() <= 2);
        }
        assert_eq!(number(&pool, "c").await, Some(3));
        sleep(Duration::from_secs(301)).await;
        assert_eq!(fake.alive(), 1, "only the acquired one");
    }

    #[tokio::test(start_paused = true)]
    async fn after_clear_all_are_ended_and_none_is_started() {
        let fake = Fake::default();
        let pool = StandbyPool::start(2, fake.clone());
        pool.prepare("a");
        sleep(BOOTED).await;
        pool.prepare("b");
        // While it is being started.
        sleep(Duration::from_millis(160)).await;
        pool.clear().await;
        pool.prepare("c");
        sleep(BOOTED).await;
        assert_eq!((fake.alive(), fake.started.load(Ordering::Relaxed)), (0, 2));
        pool.prepare("a");
        drop(pool);
        sleep(BOOTED).await;
        assert_eq!(fake.alive(), 0);
    }
}
