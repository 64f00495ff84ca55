//! CPU and memory of every domain, looked at when somebody asks and now and then.

use std::collections::BTreeMap;
use std::time::Duration;

use fulcrum_health::Sampler;
use fulcrum_spawn::process::Containment;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::desk::Desks;

/// CPU use is the difference between two looks, so there is always one from not too long ago.
const BASELINE: Duration = Duration::from_secs(10);
/// How old figures may be that are shown to somebody.
const FRESH: Duration = Duration::from_secs(1);

/// Asks for fresh figures.
#[derive(Debug, Clone)]
pub(crate) struct Vitals {
    asked: mpsc::Sender<oneshot::Sender<()>>,
}

impl Vitals {
    /// Starts the task that looks.
    pub(crate) fn start(desks: Desks, containment: Containment) -> Self {
        let (asked, inbox) = mpsc::channel(8);
        tokio::spawn(look(desks, containment, inbox));
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

async fn look(
    desks: Desks,
    containment: Containment,
    mut inbox: mpsc::Receiver<oneshot::Sender<()>>,
) {
    let Ok(mut sampler) = Sampler::new() else {
        return;
    };
    let mut ticks = interval(BASELINE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last: Option<(Instant, BTreeMap<u32, String>)> = None;
    loop {
        let asked = tokio::select! {
            _ = ticks.tick() => None,
            asked = inbox.recv() => match asked {
                Some(asked) => Some(asked),
                None => return,
            },
        };
        let leaders: BTreeMap<u32, String> = desks
            .iter()
            .filter_map(|(name, desk)| Some((desk.living()?.pid?, name.clone())))
            .collect();
        // Old figures say nothing about a process that came since.
        let stale = |(at, of): &(Instant, _)| at.elapsed() > FRESH || *of != leaders;
        if asked.is_none() || last.as_ref().is_none_or(stale) {
            let now = Instant::now();
            last = Some((now, leaders.clone()));
            // It reads /proc, which may block: not on a thread that others wait for.
            let contained = containment.clone();
            let looked = tokio::task::spawn_blocking(move || {
                let wanted: Vec<u32> = leaders.keys().copied().collect();
                let members = contained.lives(&wanted);
                let named: Vec<(String, Vec<u32>)> = leaders
                    .into_iter()
                    .map(|(leader, name)| {
                        (
                            name,
                            members[&leader].iter().map(|member| member.pid).collect(),
                        )
                    })
                    .collect();
                let samples = sampler.sample(&named, now.into_std());
                (sampler, samples)
            });
            let Ok((back, samples)) = looked.await else {
                return;
            };
            sampler = back;
            for (name, desk) in desks.iter() {
                desk.sample
                    .send_replace(samples.get(name).copied().unwrap_or_default());
            }
        }
        if let Some(asked) = asked {
            let _ = asked.send(());
        }
    }
}
