//! CPU and memory of every domain, sampled on request and at intervals.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fulcrum_health::{Sample, Sampler};
use fulcrum_spawn::process::{Member, ProcessTracker, Stat};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use crate::state::desired::DesiredStateReceiver;
use crate::state::domain::SharedDomainStates;

/// CPU usage is the difference between two samples, so there is always one of the last minute.
const BASELINE: Duration = Duration::from_secs(60);
/// The same without cgroups: there, a sample also observes which processes belong to a domain, which
/// may not show any more once they have lost their parents.
const OBSERVING: Duration = Duration::from_secs(10);
/// The sample interval while somebody looks.
const WATCHED_INTERVAL: Duration = Duration::from_secs(10);
/// Somebody looks for this long after a request.
const WATCHED: Duration = Duration::from_secs(300);
/// The first sample: when an app starts, there is other work to do.
const FIRST: Duration = Duration::from_secs(2);
/// The sample interval if a domain has a memory limit.
const LIMITED_INTERVAL: Duration = Duration::from_secs(1);
/// How old a sample may be that is returned to a client.
const MAX_AGE: Duration = Duration::from_secs(1);

/// The resource usage of one generation.
#[derive(Debug)]
pub(crate) struct UsageSample {
    pub(crate) domain: String,
    pub(crate) generation: u64,
    pub(crate) sample: Sample,
}

/// Requests samples from the sampler task. Clones are handles to the same task.
#[derive(Debug, Clone)]
pub(crate) struct UsageSampler {
    requests: mpsc::Sender<oneshot::Sender<()>>,
}

impl UsageSampler {
    /// Starts the task. If a domain has a memory limit, it samples more often and sends every
    /// sample to `limits`.
    pub(crate) fn start(
        states: SharedDomainStates,
        desired: DesiredStateReceiver,
        tracker: ProcessTracker,
        limits: mpsc::UnboundedSender<UsageSample>,
    ) -> Self {
        let (requests, inbox) = mpsc::channel(8);
        tokio::spawn(run(states, desired, tracker, limits, inbox));
        Self { requests }
    }

    /// Waits until the samples in the domain states are recent, or cannot be taken.
    pub(crate) async fn refresh(&self) {
        let (done, sampled) = oneshot::channel();
        if self.requests.send(done).await.is_ok() {
            let _ = sampled.await;
        }
    }
}

async fn run(
    states: SharedDomainStates,
    mut desired: DesiredStateReceiver,
    tracker: ProcessTracker,
    limits: mpsc::UnboundedSender<UsageSample>,
    mut inbox: mpsc::Receiver<oneshot::Sender<()>>,
) {
    let Ok(mut sampler) = Sampler::new() else {
        return;
    };
    let mut memory_limits = Arc::new(desired.current().memory_limits());
    let mut schedule = Schedule::new(memory_limits.is_empty(), tracker.cgroup().is_some());
    let mut last: Option<LastPass> = None;
    loop {
        let request = tokio::select! {
            () = sleep_until(schedule.due) => {
                schedule.on_due(Instant::now());
                None
            }
            Some(desired) = desired.changed() => {
                memory_limits = Arc::new(desired.memory_limits());
                schedule.on_reload(memory_limits.is_empty(), Instant::now());
                continue;
            }
            request = inbox.recv() => match request {
                Some(request) => {
                    schedule.on_request(Instant::now());
                    Some(request)
                }
                None => return,
            },
        };
        let leaders = leaders_of(&states);
        let shown = request.is_some();
        if !shown || last.as_ref().is_none_or(|last| last.is_stale(&leaders)) {
            let now = Instant::now();
            last = Some(LastPass {
                at: now,
                leaders: leaders.clone(),
                shown,
            });
            // Reads /proc, which may block.
            let (tracker, limits_in_force) = (tracker.clone(), Arc::clone(&memory_limits));
            let sampling = tokio::task::spawn_blocking(move || {
                // The resident memory is cheap to read, and an upper bound.
                let needs_exact = |domain: &str, resident| {
                    shown
                        || limits_in_force
                            .get(domain)
                            .is_some_and(|limit| resident > *limit)
                };
                let samples = sample_all(&mut sampler, &tracker, leaders, &needs_exact, now);
                (sampler, samples)
            });
            let Ok((returned, samples)) = sampling.await else {
                return;
            };
            sampler = returned;
            store(&states, &samples);
            if !memory_limits.is_empty() {
                // During shutdown the limit task may be gone.
                samples
                    .into_iter()
                    .for_each(|usage| drop(limits.send(usage)));
            }
        }
        if let Some(request) = request {
            let _ = request.send(());
        }
    }
}

/// The processes that are sampled, each with what runs below it.
fn leaders_of(states: &SharedDomainStates) -> Leaders {
    let all = states.all();
    let leaders = all.iter().filter_map(|(name, state)| {
        let process = state.running()?;
        Some((process.pid?, (name.clone(), process.generation)))
    });
    leaders.collect()
}

/// When the next sample is due that nobody requests.
struct Schedule {
    due: Instant,
    watched_until: Option<Instant>,
    is_unlimited: bool,
    has_cgroup: bool,
}

impl Schedule {
    fn new(is_unlimited: bool, has_cgroup: bool) -> Self {
        let first = if is_unlimited { FIRST } else { Duration::ZERO };
        Self {
            due: Instant::now() + first,
            watched_until: None,
            is_unlimited,
            has_cgroup,
        }
    }

    fn on_due(&mut self, now: Instant) {
        self.due = now + self.interval(now);
    }

    fn on_request(&mut self, now: Instant) {
        self.watched_until = Some(now + WATCHED);
        self.due = self.due.min(now + self.interval(now));
    }

    fn on_reload(&mut self, is_unlimited: bool, now: Instant) {
        self.is_unlimited = is_unlimited;
        self.due = now;
    }

    fn interval(&self, now: Instant) -> Duration {
        let is_watched = self.watched_until > Some(now);
        match (self.is_unlimited, is_watched, self.has_cgroup) {
            (false, ..) => LIMITED_INTERVAL,
            (true, true, _) => WATCHED_INTERVAL,
            (true, false, true) => BASELINE,
            (true, false, false) => OBSERVING,
        }
    }
}

/// Domains and their generations, by the process id of the leader.
type Leaders = BTreeMap<u32, (String, u64)>;

/// The last pass over all domains.
struct LastPass {
    at: Instant,
    leaders: Leaders,
    /// Whether it was for a client: then all memory is exact.
    shown: bool,
}

impl LastPass {
    /// Whether its samples may not be shown. They do not cover a process that was spawned since.
    fn is_stale(&self, leaders: &Leaders) -> bool {
        !self.shown || self.at.elapsed() > MAX_AGE || self.leaders != *leaders
    }
}

/// Samples all domains. A process counts only if it is still the member that the tracker found:
/// meanwhile its process id may belong to another one.
fn sample_all(
    sampler: &mut Sampler,
    tracker: &ProcessTracker,
    leaders: Leaders,
    needs_exact: &dyn Fn(&str, u64) -> bool,
    now: Instant,
) -> Vec<UsageSample> {
    let pids: Vec<u32> = leaders.keys().copied().collect();
    let members = tracker.members_of(&pids);
    let known: BTreeMap<u32, &Member> = members
        .values()
        .flatten()
        .map(|member| (member.pid, member))
        .collect();
    let is_member = |pid| {
        known
            .get(&pid)
            .is_some_and(|member| is_same_process(member))
    };
    let members_of = |leader| members.get(leader).into_iter().flatten();
    let named: Vec<(String, Vec<u32>)> = leaders
        .iter()
        .map(|(leader, (name, _))| {
            let pids = members_of(leader).map(|member| member.pid).collect();
            (name.clone(), pids)
        })
        .collect();
    let samples = sampler.sample(&named, &is_member, needs_exact, now.into_std());
    leaders
        .into_values()
        .map(|(domain, generation)| UsageSample {
            sample: samples.get(&domain).copied().unwrap_or_default(),
            domain,
            generation,
        })
        .collect()
}

/// Whether the process is alive, and not another one with its process id.
fn is_same_process(member: &Member) -> bool {
    Stat::read(member.pid).is_some_and(|stat| stat.started == member.started)
}

/// Stores each sample in its domain's state, unless another generation was started meanwhile.
fn store(states: &SharedDomainStates, samples: &[UsageSample]) {
    for (name, state) in states.all().iter() {
        let usage = samples.iter().find(|usage| usage.domain == *name);
        let running = state.running().map(|process| process.generation);
        if let Some(usage) = usage {
            let used = usage.sample.cpu_time;
            state.cpu_time.send_modify(|total| *total += used);
        }
        let usage = usage.filter(|usage| running == Some(usage.generation));
        state
            .usage
            .send_replace(usage.map(|usage| usage.sample).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn samples_are_rare_while_nobody_needs_them() {
        let now = Instant::now();
        let mut schedule = Schedule::new(true, true);
        assert_eq!(schedule.interval(now), BASELINE);
        schedule.on_request(now);
        assert_eq!(schedule.interval(now), WATCHED_INTERVAL);
        assert_eq!(schedule.interval(now + WATCHED), BASELINE);
        schedule.on_reload(false, now);
        assert_eq!(schedule.interval(now + WATCHED), LIMITED_INTERVAL);
        let observing = Schedule::new(true, false);
        assert_eq!(observing.interval(now), OBSERVING);
    }

    #[test]
    fn a_reused_process_id_is_not_the_same_process() {
        let member = Stat::read(std::process::id()).expect("this process is alive");
        assert!(is_same_process(&member));
        let before = Member {
            started: member.started - 1,
            ..member
        };
        assert!(!is_same_process(&before));
    }
}
