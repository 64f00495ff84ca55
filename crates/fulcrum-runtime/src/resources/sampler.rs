//! CPU and memory of every domain, looked at when somebody asks and now and then.

use std::collections::BTreeMap;
use std::time::Duration;

use fulcrum_health::{Sample, Sampler};
use fulcrum_spawn::process::{Member, ProcessTracker, Stat};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use crate::resources::limits;
use crate::state::desired::DesiredStateReceiver;
use crate::state::domain::SharedDomainStates;

/// CPU use is the difference between two looks, so there is always one from not too long ago.
const BASELINE: Duration = Duration::from_secs(10);
/// How often to look where a limit depends on it.
const LIMITED_INTERVAL: Duration = Duration::from_secs(1);
/// How old figures may be that are shown to somebody.
const MAX_AGE: Duration = Duration::from_secs(1);

/// What one life was seen to use.
#[derive(Debug)]
pub(crate) struct UsageSample {
    pub(crate) domain: String,
    pub(crate) generation: u64,
    pub(crate) sample: Sample,
}

/// Asks for fresh figures.
#[derive(Debug, Clone)]
pub(crate) struct UsageSampler {
    asked: mpsc::Sender<oneshot::Sender<()>>,
}

impl UsageSampler {
    /// Starts the task that looks. Where limits depend on it, it looks more often, and `limits`
    /// hears of every sample.
    pub(crate) fn start(
        desks: SharedDomainStates,
        agendas: DesiredStateReceiver,
        containment: ProcessTracker,
        limits: mpsc::UnboundedSender<UsageSample>,
    ) -> Self {
        let (asked, inbox) = mpsc::channel(8);
        tokio::spawn(run(desks, agendas, containment, limits, inbox));
        Self { asked }
    }

    /// Returns when the figures on the desks are fresh, or can't be had.
    pub(crate) async fn refresh(&self) {
        let (done, looked) = oneshot::channel();
        if self.asked.send(done).await.is_ok() {
            let _ = looked.await;
        }
    }
}

async fn run(
    desks: SharedDomainStates,
    mut agendas: DesiredStateReceiver,
    containment: ProcessTracker,
    limits: mpsc::UnboundedSender<UsageSample>,
    mut inbox: mpsc::Receiver<oneshot::Sender<()>>,
) {
    let Ok(mut sampler) = Sampler::new() else {
        return;
    };
    let mut limited = limits::has_limits(&agendas.borrow_and_update().app);
    let mut due = Instant::now();
    let mut last: Option<(Instant, Leaders)> = None;
    loop {
        let asked = tokio::select! {
            () = sleep_until(due) => {
                due = Instant::now() + if limited { LIMITED_INTERVAL } else { BASELINE };
                None
            }
            Ok(()) = agendas.changed() => {
                limited = limits::has_limits(&agendas.borrow_and_update().app);
                due = Instant::now();
                continue;
            }
            asked = inbox.recv() => match asked {
                Some(asked) => Some(asked),
                None => return,
            },
        };
        let leaders: Leaders = desks
            .all()
            .iter()
            .filter_map(|(name, desk)| {
                let badge = desk.running()?;
                Some((badge.pid?, (name.clone(), badge.generation)))
            })
            .collect();
        // Old figures say nothing about a process that came since.
        let stale = |(at, of): &(Instant, _)| at.elapsed() > MAX_AGE || *of != leaders;
        if asked.is_none() || last.as_ref().is_none_or(stale) {
            let now = Instant::now();
            last = Some((now, leaders.clone()));
            // It reads /proc, which may block: not on a thread that others wait for.
            let contained = containment.clone();
            let looked = tokio::task::spawn_blocking(move || {
                let taken = sample_all(&mut sampler, &contained, leaders, now);
                (sampler, taken)
            });
            let Ok((back, taken)) = looked.await else {
                return;
            };
            sampler = back;
            store(&desks, &taken);
            if limited {
                // Who heeds limits may be gone while the instance ends.
                taken.into_iter().for_each(|one| drop(limits.send(one)));
            }
        }
        if let Some(asked) = asked {
            let _ = asked.send(());
        }
    }
}

/// Domains and the numbers of their lives, by the leaders' process ids.
type Leaders = BTreeMap<u32, (String, u64)>;

/// One look at all of them. What is seen of a process counts only if it is still the one that was
/// found to be a member: its number may have gone to a stranger meanwhile.
fn sample_all(
    sampler: &mut Sampler,
    containment: &ProcessTracker,
    leaders: Leaders,
    now: Instant,
) -> Vec<UsageSample> {
    let wanted: Vec<u32> = leaders.keys().copied().collect();
    let members = containment.members_of(&wanted);
    let known: BTreeMap<u32, &Member> = members
        .values()
        .flatten()
        .map(|member| (member.pid, member))
        .collect();
    let still = |pid| known.get(&pid).is_some_and(|member| lives_on(member));
    let pids = |leader| members.get(leader).into_iter().flatten();
    let named: Vec<(String, Vec<u32>)> = leaders
        .iter()
        .map(|(leader, (name, _))| {
            let pids = pids(leader).map(|member| member.pid).collect();
            (name.clone(), pids)
        })
        .collect();
    let samples = sampler.sample(&named, &still, now.into_std());
    leaders
        .into_values()
        .map(|(domain, generation)| UsageSample {
            sample: samples.get(&domain).copied().unwrap_or_default(),
            domain,
            generation,
        })
        .collect()
}

/// Whether this very process is there, and not another one of its number.
fn lives_on(member: &Member) -> bool {
    Stat::read(member.pid).is_some_and(|now| now.started == member.started)
}

/// Puts each sample on its domain's desk, unless another life has begun there meanwhile.
fn store(desks: &SharedDomainStates, taken: &[UsageSample]) {
    for (name, desk) in desks.all().iter() {
        let own = taken.iter().find(|one| one.domain == *name);
        let living = desk.running().map(|badge| badge.generation);
        let own = own.filter(|one| living == Some(one.generation));
        desk.usage
            .send_replace(own.map(|one| one.sample).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_process_of_the_same_number_is_not_the_one_that_was_meant() {
        let own = Stat::read(std::process::id()).expect("this process lives");
        assert!(lives_on(&own));
        let before = Member {
            started: own.started - 1,
            ..own
        };
        assert!(!lives_on(&before));
    }
}
