//! Is each registered life still there? One task a life, asleep until something may be wrong.
//!
//! [`Watch`] decides, purely; here are its clock, its looks at `/proc`, and what follows from what
//! it finds: a word, a note in the journal, and in the end the fact that the life hangs.

use std::collections::BTreeMap;
use std::future;
use std::time::Duration;

use fulcrum_logs::Level;
use fulcrum_rpc::{Activity, CAPABILITY_HEARTBEAT, StreamEnd};
use fulcrum_spawn::lifecycle::{Fact, Phase};
use fulcrum_spawn::process::Look;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use crate::context::{Shared, now};
use crate::format::elapsed;
use crate::liveness::hang_report;
use crate::liveness::monitor::{Ask, Finding, Sign, Watch};
use crate::liveness::timeouts::Limits;

/// The lives that are watched, by domain.
pub(crate) struct Lives {
    house: Shared,
    limits: Limits,
    tasks: BTreeMap<String, mpsc::UnboundedSender<News>>,
}

/// A stream as it was registered.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) generation: u64,
    pub(crate) activity: Activity,
    pub(crate) heartbeats: bool,
}

impl Stream {
    /// From what the registration says.
    pub(crate) fn new(generation: u64, activity: Activity, capabilities: &[String]) -> Self {
        let heartbeats = capabilities.iter().any(|one| one == CAPABILITY_HEARTBEAT);
        Self {
            generation,
            activity,
            heartbeats,
        }
    }
}

/// What a life's task hears.
enum News {
    Registered(Stream),
    Beat(u64, Duration),
    Ended(u64),
}

impl Lives {
    /// Nobody is watched yet.
    pub(crate) fn new(house: Shared) -> Self {
        let limits = Limits::of(&house.agenda().app);
        Self {
            house,
            limits,
            tasks: BTreeMap::new(),
        }
    }

    /// A process of ours has registered, for the first time or again.
    pub(crate) fn registered(&mut self, domain: &str, stream: Stream) {
        let stream = match self.tasks.get(domain) {
            None => stream,
            Some(task) => match task.send(News::Registered(stream)) {
                Ok(()) => return,
                // The last life's task is over.
                Err(mpsc::error::SendError(News::Registered(stream))) => stream,
                Err(_) => return,
            },
        };
        let (sender, news) = mpsc::unbounded_channel();
        if let Some(life) = Life::begin(&self.house, self.limits, domain, stream) {
            tokio::spawn(life.attend(news));
            self.tasks.insert(domain.to_owned(), sender);
        }
    }

    /// It has sent a heartbeat, with the lag of its event loop.
    pub(crate) fn beat(&self, domain: &str, generation: u64, lag: Duration) {
        self.tell(domain, News::Beat(generation, lag));
    }

    /// Its stream has ended.
    pub(crate) fn ended(&mut self, domain: &str, generation: u64, end: StreamEnd) {
        match end {
            // The life is over, or another stream is there already.
            StreamEnd::ByFulcrum => drop(self.tasks.remove(domain)),
            StreamEnd::Displaced => {}
            StreamEnd::ByClient
            | StreamEnd::Closed
            | StreamEnd::Lost
            | StreamEnd::Unanswered
            | StreamEnd::Misbehaved => self.tell(domain, News::Ended(generation)),
        }
    }

    fn tell(&self, domain: &str, news: News) {
        if let Some(task) = self.tasks.get(domain) {
            // A task that is over has nothing to watch any more.
            let _ = task.send(news);
        }
    }
}

/// The task of one domain's current life.
struct Life {
    house: Shared,
    limits: Limits,
    domain: String,
    stream: Stream,
    watch: Watch,
    look: Option<JoinHandle<Option<Look>>>,
    /// Node was started for a debugger, so that silence says nothing.
    inspected: bool,
}

enum Wake {
    News(Option<News>),
    Looked(Option<Look>),
    Due,
}

impl Life {
    fn begin(house: &Shared, limits: Limits, domain: &str, stream: Stream) -> Option<Self> {
        let watch = watch(house, limits, domain, &stream)?;
        let mut life = Self {
            house: Shared::clone(house),
            limits,
            domain: domain.to_owned(),
            stream,
            watch,
            look: None,
            inspected: false,
        };
        life.inspect();
        Some(life)
    }

    /// Runs until the life is over, or was found hung.
    async fn attend(mut self, mut news: mpsc::UnboundedReceiver<News>) {
        loop {
            match self.wake(&mut news).await {
                Wake::News(None) => return,
                Wake::News(Some(heard)) => self.hear(heard),
                // The process is gone, which is told elsewhere.
                Wake::Looked(None) => return,
                Wake::Looked(Some(look)) => {
                    self.look = None;
                    let heard = Some(self.stream.activity.last_heard().into_std());
                    let finding = self.watch.looked(look.clone(), clock(), heard);
                    if self.found(finding, look).await {
                        return;
                    }
                }
                Wake::Due => self.check(),
            }
        }
    }

    async fn wake(&mut self, news: &mut mpsc::UnboundedReceiver<News>) -> Wake {
        let deadline = match self.inspected {
            true => None,
            false => self.watch.deadline(clock()),
        };
        let due = async {
            match deadline {
                Some(at) => sleep_until(Instant::from_std(at)).await,
                None => future::pending().await,
            }
        };
        let looked = async {
            match &mut self.look {
                Some(look) => look.await.ok().flatten(),
                None => future::pending().await,
            }
        };
        tokio::select! {
            // Signs of life first: nobody is condemned who has spoken up.
            biased;
            heard = news.recv() => Wake::News(heard),
            look = looked => Wake::Looked(look),
            () = due => Wake::Due,
        }
    }

    fn hear(&mut self, news: News) {
        let now = clock();
        match news {
            News::Beat(generation, lag) if generation == self.watch.generation => {
                self.watch.beat(now, Some(lag));
            }
            News::Ended(generation) if generation == self.watch.generation => self.watch.lost(now),
            News::Beat(..) | News::Ended(_) => {}
            News::Registered(stream) => self.again(stream),
        }
    }

    /// A stream of the same process, after the last one was lost, or of the next life.
    fn again(&mut self, stream: Stream) {
        let away = self.watch.away(clock());
        let same = stream.generation == self.watch.generation;
        if let (Some(away), true) = (away, same) {
            let text = format!("its stream is back after {}", elapsed(away));
            self.note("reconnected", text.clone());
            self.say(Level::Debug, text);
        }
        self.look = None;
        if let Some(watch) = watch(&self.house, self.limits, &self.domain, &stream) {
            self.watch = watch;
        }
        self.stream = stream;
        if !same {
            self.inspect();
        }
    }

    fn check(&mut self) {
        let heard = Some(self.stream.activity.last_heard().into_std());
        let Ask::Look { late } = self.watch.check(clock(), heard) else {
            return;
        };
        if let Some(late) = late {
            self.note("late", late.clone());
            self.say(Level::Warn, late);
        }
        let leader = self.leader();
        // It reads /proc, which may block.
        self.look = Some(tokio::task::spawn_blocking(move || leader.map(Look::at)));
    }

    /// Does what follows from a look; true where this life needs no watching any more.
    async fn found(&mut self, finding: Finding, look: Look) -> bool {
        match finding {
            Finding::Nothing => {}
            Finding::Held(tracer) => self.say(
                Level::Info,
                format!("process {tracer} traces it: its silence is not judged meanwhile"),
            ),
            Finding::Freed => self.say(Level::Info, "no longer traced".to_owned()),
            Finding::Starved(time) => self.say(
                Level::Debug,
                format!("it had no CPU for {} of its silence", elapsed(time)),
            ),
            Finding::Hung(why, earlier) => match self.phase() {
                Some(Phase::Running) => {
                    self.condemn(why, earlier, look).await;
                    return true;
                }
                // Not yet this task's affair, or no longer.
                Some(Phase::Starting) => self.watch.start_over(clock()),
                _ => return true,
            },
            Finding::Gone => return true,
        }
        false
    }

    async fn condemn(&self, why: String, earlier: Look, look: Look) {
        self.note("unresponsive", why.clone());
        let case = hang_report::Case {
            domain: &self.domain,
            generation: self.watch.generation,
            earlier,
            look,
        };
        let found = hang_report::gather(&self.house, &case).await;
        if !found.is_empty() {
            self.note("evidence", found.join("; "));
            found
                .into_iter()
                .for_each(|line| self.say(Level::Warn, line));
        }
        if let Some(handle) = self.house.supervisor.domain(&self.domain) {
            handle.report(self.watch.generation, Fact::Hung(why));
        }
    }

    /// The phase, if this life is still the current one.
    fn phase(&self) -> Option<Phase> {
        let snapshot = self.house.supervisor.domain(&self.domain)?.snapshot();
        (snapshot.generation == self.watch.generation).then_some(snapshot.phase)
    }

    fn leader(&self) -> Option<u32> {
        let badge = self.house.desks.get(&self.domain)?.living()?;
        badge
            .pid
            .filter(|_| badge.generation == self.watch.generation)
    }

    /// A Node that was started for a debugger stands still for as long as somebody reads code.
    fn inspect(&mut self) {
        let badge = self
            .house
            .desks
            .get(&self.domain)
            .and_then(|desk| desk.living());
        let flag = badge.and_then(|badge| hang_report::inspector_flag(&badge.spec));
        self.inspected = flag.is_some();
        if let Some(flag) = flag {
            self.say(
                Level::Info,
                format!("it was started with {flag}: its silence is not judged"),
            );
        }
    }

    fn note(&self, kind: &'static str, text: String) {
        let journal = &self.house.journal;
        journal.note(&self.domain, self.watch.generation, kind, text);
    }

    fn say(&self, level: Level, text: String) {
        let generation = self.watch.generation;
        self.house
            .hub
            .announce(&self.domain, generation, level, text, now());
    }
}

fn watch(house: &Shared, limits: Limits, domain: &str, stream: &Stream) -> Option<Watch> {
    let heartbeat = &house.domain(domain)?.process.heartbeat;
    let (sign, config) = if stream.heartbeats {
        (Sign::Beats, crate::liveness::timeouts::beats(heartbeat))
    } else {
        (Sign::Traffic, limits.traffic(heartbeat))
    };
    let redial = crate::liveness::timeouts::redial(heartbeat);
    Some(Watch::new(stream.generation, sign, config, redial, clock()))
}

fn clock() -> std::time::Instant {
    Instant::now().into_std()
}
