//! Warm standby: booted processes that wait to become the next life of a domain.
//!
//! A spare is started as the domain would be, with the environment of that life, and stops short
//! of the domain's code (`sdk/node/src/bootstrap/standby.ts`). To the containment it is a life of
//! its own with a token of its own, which is on nobody's desk, so it can't register. When the
//! domain starts and its plan still is what the spare was started for, that token becomes the
//! generation's, and one line tells the process to begin. Whatever differs ends the spare instead,
//! and the start is a cold one.
//!
//! One task owns all spares; what it decides is [`Shelf`]'s, how one is made is the [`Maker`]'s.

use crate::standby::node::{NodeStandby, NodeStandbyFactory};
use std::future::Future;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use crate::standby::policy::{PoolPolicy, PoolWork};

/// Makes spares, and ends them.
pub(crate) trait StandbyFactory: Clone + Send + Sync + 'static {
    /// A spare that was started.
    type Spare: Send + Sync + 'static;

    /// Starts one for a domain; none where that isn't possible, for whatever reason.
    fn make(&self, domain: &str) -> impl Future<Output = Option<Self::Spare>> + Send;

    /// Returns when it has ended by itself and nothing of it is left.
    fn ended(spare: &Self::Spare) -> impl Future<Output = ()> + Send;

    /// Ends it, and returns when nothing of it is left.
    fn end(spare: &Self::Spare) -> impl Future<Output = ()> + Send;
}

/// Asks the task that owns the spares. Clones ask the same one.
#[derive(Debug)]
pub(crate) struct Standby<S> {
    orders: mpsc::UnboundedSender<PoolMessage<S>>,
}

impl<S> Clone for Standby<S> {
    fn clone(&self) -> Self {
        Self {
            orders: self.orders.clone(),
        }
    }
}

#[derive(Debug)]
enum PoolMessage<S> {
    Warm(String),
    Take(String, oneshot::Sender<Option<PooledProcess<S>>>),
    Made(String, u64, Option<S>),
    Gone(String, u64),
    DropAll(oneshot::Sender<()>),
}

/// A spare that waits, and the task that waits for its end.
#[derive(Debug)]
struct PooledProcess<S> {
    spare: Arc<S>,
    watch: JoinHandle<()>,
}

impl<S> PooledProcess<S> {
    /// Gives it away: from now on its end is the other's affair alone.
    async fn release(self) -> Arc<S> {
        self.watch.abort();
        let _ = self.watch.await;
        self.spare
    }
}

impl<S: Send + Sync + 'static> Standby<S> {
    /// Starts the task, for an instance that may have `places` spares altogether.
    pub(crate) fn start(places: u32, maker: impl StandbyFactory<Spare = S>) -> Self {
        let (orders, inbox) = mpsc::unbounded_channel();
        let keeper = PoolTask {
            maker,
            orders: orders.downgrade(),
            shelf: PoolPolicy::new(usize::try_from(places).unwrap_or(usize::MAX)),
        };
        tokio::spawn(keeper.run(inbox));
        Self { orders }
    }

    /// A domain was edited or has crashed, and is up: a spare for its next life is made soon.
    pub(crate) fn prepare(&self, domain: &str) {
        // The task ends with the last handle; without it starts are cold, and nothing else is lost.
        let _ = self.orders.send(PoolMessage::Warm(domain.to_owned()));
    }

    /// The spare of a domain that starts, if there is one; it is the caller's from now on.
    pub(crate) async fn acquire(&self, domain: &str) -> Option<Arc<S>> {
        let (answer, taken) = oneshot::channel();
        self.orders
            .send(PoolMessage::Take(domain.to_owned(), answer))
            .ok()?;
        Some(taken.await.ok()??.release().await)
    }

    /// Ends every spare, and returns when nothing of them is left. No new ones are made.
    pub(crate) async fn clear(&self) {
        let (answer, done) = oneshot::channel();
        if self.orders.send(PoolMessage::DropAll(answer)).is_ok() {
            let _ = done.await;
        }
    }
}

struct PoolTask<M: StandbyFactory> {
    maker: M,
    orders: mpsc::WeakUnboundedSender<PoolMessage<M::Spare>>,
    shelf: PoolPolicy<PooledProcess<M::Spare>>,
}

impl<M: StandbyFactory> PoolTask<M> {
    async fn run(mut self, mut inbox: mpsc::UnboundedReceiver<PoolMessage<M::Spare>>) {
        loop {
            let due = self.shelf.due().map(Instant::from_std);
            let order = tokio::select! {
                order = inbox.recv() => match order {
                    Some(order) => Some(order),
                    None => break,
                },
                () = at(due) => None,
            };
            if let Some(order) = order {
                self.handle_message(order);
            }
            let PoolWork { make, end } = self.shelf.work(Instant::now().into_std());
            end.into_iter().for_each(end_soon::<M>);
            for (domain, id) in make {
                self.make(domain, id);
            }
        }
        self.shelf.close().into_iter().for_each(end_soon::<M>);
    }

    fn handle_message(&mut self, order: PoolMessage<M::Spare>) {
        let now = Instant::now().into_std();
        let unwanted = match order {
            PoolMessage::Warm(domain) => self.shelf.ask(&domain, now),
            PoolMessage::Take(domain, answer) => {
                let taken = self.shelf.take(&domain);
                // Who asked may be gone: then it is nobody's.
                answer.send(taken).err().flatten()
            }
            PoolMessage::Made(domain, id, made) => {
                let kept = made.map(|spare| self.watched(&domain, id, spare));
                self.shelf.insert(&domain, id, kept)
            }
            PoolMessage::Gone(domain, id) => {
                // Nothing is left that had to be ended.
                drop(self.shelf.on_exit(&domain, id));
                None
            }
            PoolMessage::DropAll(answer) => {
                let all = self.shelf.close();
                tokio::spawn(async move {
                    for kept in all {
                        M::end(&*kept.release().await).await;
                    }
                    let _ = answer.send(());
                });
                None
            }
        };
        unwanted.into_iter().for_each(end_soon::<M>);
    }

    fn make(&self, domain: String, id: u64) {
        let (maker, orders) = (self.maker.clone(), self.orders.clone());
        tokio::spawn(async move {
            let made = maker.make(&domain).await;
            let order = PoolMessage::Made(domain, id, made);
            match orders.upgrade() {
                Some(orders) => drop(orders.send(order)),
                None => {
                    if let PoolMessage::Made(_, _, Some(spare)) = order {
                        M::end(&spare).await;
                    }
                }
            }
        });
    }

    fn watched(&self, domain: &str, id: u64, spare: M::Spare) -> PooledProcess<M::Spare> {
        let (orders, domain) = (self.orders.clone(), domain.to_owned());
        let spare = Arc::new(spare);
        let held = Arc::clone(&spare);
        let watch = tokio::spawn(async move {
            M::ended(&held).await;
            if let Some(orders) = orders.upgrade() {
                let _ = orders.send(PoolMessage::Gone(domain, id));
            }
        });
        PooledProcess { spare, watch }
    }
}

async fn at(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}

/// Ends one that was taken and isn't needed.
pub(crate) fn end(spare: Arc<NodeStandby>) {
    tokio::spawn(async move { NodeStandbyFactory::end(&spare).await });
}

fn end_soon<M: StandbyFactory>(kept: PooledProcess<M::Spare>) {
    tokio::spawn(async move { M::end(&*kept.release().await).await });
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    use tokio::sync::Notify;
    use tokio::time::sleep;

    use super::*;

    /// Makes numbers, and knows which of them are there.
    #[derive(Clone, Default)]
    struct Fake {
        made: Arc<AtomicU64>,
        alive: Arc<AtomicU64>,
        /// Ends all.
        death: Arc<Notify>,
    }

    struct Number(u64, Fake);

    impl StandbyFactory for Fake {
        type Spare = Number;

        async fn make(&self, domain: &str) -> Option<Number> {
            if domain == "impossible" {
                return None;
            }
            sleep(Duration::from_millis(40)).await;
            self.alive.fetch_add(1, Ordering::Relaxed);
            Some(Number(
                self.made.fetch_add(1, Ordering::Relaxed) + 1,
                self.clone(),
            ))
        }

        async fn ended(spare: &Number) {
            spare.1.death.notified().await;
            spare.1.alive.fetch_sub(1, Ordering::Relaxed);
        }

        async fn end(spare: &Number) {
            sleep(Duration::from_millis(5)).await;
            spare.1.alive.fetch_sub(1, Ordering::Relaxed);
        }
    }

    impl Fake {
        fn alive(&self) -> u64 {
            self.alive.load(Ordering::Relaxed)
        }
    }

    async fn number(standby: &Standby<Number>, domain: &str) -> Option<u64> {
        standby.acquire(domain).await.map(|spare| spare.0)
    }

    const BOOTED: Duration = Duration::from_millis(200);

    #[tokio::test(start_paused = true)]
    async fn a_spare_is_taken_once_and_another_domain_has_none() {
        let fake = Fake::default();
        let standby = Standby::start(1, fake.clone());
        standby.prepare("users");
        assert_eq!(
            number(&standby, "users").await,
            None,
            "so soon there is none"
        );
        standby.prepare("users");
        sleep(BOOTED).await;
        assert_eq!(number(&standby, "orders").await, None);
        assert_eq!(number(&standby, "users").await, Some(1));
        assert_eq!(number(&standby, "users").await, None);
        // It is the taker's now: nobody else waits for its end.
        fake.death.notify_waiters();
        sleep(BOOTED).await;
        assert_eq!(fake.alive(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_dies_is_just_gone() {
        let fake = Fake::default();
        let standby = Standby::start(1, fake.clone());
        standby.prepare("users");
        sleep(BOOTED).await;
        fake.death.notify_waiters();
        sleep(BOOTED).await;
        assert_eq!(number(&standby, "users").await, None);
        assert_eq!(fake.alive(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn memory_is_bounded_and_what_is_too_much_is_ended() {
        let fake = Fake::default();
        let standby = Standby::start(2, fake.clone());
        for domain in ["a", "b", "impossible", "c"] {
            standby.prepare(domain);
            sleep(BOOTED).await;
            assert!(fake.alive() <= 2);
        }
        assert_eq!(number(&standby, "c").await, Some(3));
        sleep(Duration::from_secs(301)).await;
        assert_eq!(fake.alive(), 1, "only the one that was taken");
    }

    #[tokio::test(start_paused = true)]
    async fn at_the_end_all_are_ended_and_none_is_made_any_more() {
        let fake = Fake::default();
        let standby = Standby::start(2, fake.clone());
        standby.prepare("a");
        sleep(BOOTED).await;
        standby.prepare("b");
        // While it is being made.
        sleep(Duration::from_millis(160)).await;
        standby.clear().await;
        standby.prepare("c");
        sleep(BOOTED).await;
        assert_eq!((fake.alive(), fake.made.load(Ordering::Relaxed)), (0, 2));
        standby.prepare("a");
        drop(standby);
        sleep(BOOTED).await;
        assert_eq!(fake.alive(), 0);
    }
}
