//! What an earlier instance of this app has left, if it was killed: found by its record, ended and
//! told of before anything is started. Nothing is taken over: the pipes of a domain end with its
//! instance.

use std::collections::BTreeSet;
use std::path::PathBuf;

use fulcrum_logs::Level;
use fulcrum_rpc::RuntimeDir;
use fulcrum_spawn::process::{CleanupReport, PreviousRun, StaleProcess, kill_stale};

use crate::error::Error;

/// Where the record of an app's instance is.
pub(crate) fn record_of(dir: &RuntimeDir) -> PathBuf {
    dir.dir().join("record")
}

/// Something to be told once there is somebody to tell it to.
pub type StartupMessage = (Level, String);

/// Ends what is left, and gives what to say about it. To be called by the holder of the lock, before
/// it starts anything; takes two seconds at most.
///
/// # Errors
/// The earlier instance is still there: somebody has removed its lock.
pub fn clean_up(dir: &RuntimeDir) -> Result<Vec<StartupMessage>, Error> {
    let path = record_of(dir);
    let past = match PreviousRun::read(&path) {
        Ok(Some(past)) => past,
        Ok(None) => return Ok(Vec::new()),
        Err(error) => {
            let text = format!(
                "what an earlier instance left can't be told, since its record {} can't be read: {error}",
                path.display()
            );
            return Ok(vec![(Level::Warn, text)]);
        }
    };
    if past.finished {
        return Ok(Vec::new());
    }
    if past.instance_is_alive() {
        let pid = past.instance;
        return Err(Error::failed(format!(
            "this app still runs (pid {pid}), though its lock {} is gone\n  hint: stop it with `kill {pid}`",
            dir.lock_path().display()
        )));
    }
    let swept = kill_stale(&past);
    Ok(describe(&past, &swept))
}

fn describe(past: &PreviousRun, swept: &CleanupReport) -> Vec<StartupMessage> {
    let mut said = Vec::new();
    let lead = format!(
        "the instance before (pid {}) ended without stopping its domains",
        past.instance
    );
    if !swept.ended.is_empty() {
        let what = describe_processes(past, &swept.ended);
        said.push((Level::Warn, format!("{lead}: ended {what}")));
    } else if past.cleaned_up.is_some() && !past.processes.is_empty() {
        let names: BTreeSet<&str> = past.processes.values().map(|life| &*life.domain).collect();
        let names = names.into_iter().collect::<Vec<_>>().join(", ");
        said.push((
            Level::Info,
            format!("{lead} ({names}); its guard has seen to their end"),
        ));
    } else if !past.processes.is_empty() && swept.survived.is_empty() {
        said.push((Level::Info, format!("{lead}; nothing of them is left")));
    }
    if !swept.survived.is_empty() {
        let what = describe_processes(past, &swept.survived);
        said.push((
            Level::Error,
            format!("left by the instance before, and still alive after SIGKILL: {what}"),
        ));
    }
    said
}

/// `orders (pid 4713, generation 3) and 2 processes below it`
fn describe_processes(past: &PreviousRun, processes: &[StaleProcess]) -> String {
    let leads = |pid| {
        past.processes
            .get(&pid)
            .is_some_and(|life| life.generation > 0)
    };
    let (leaders, others): (Vec<_>, Vec<_>) =
        processes.iter().partition(|process| leads(process.pid));
    let mut parts: Vec<String> = leaders
        .iter()
        .filter_map(|process| past.processes.get(&process.pid))
        .map(|life| {
            format!(
                "{} (pid {}, generation {})",
                life.domain, life.leader, life.generation
            )
        })
        .collect();
    match others.as_slice() {
        [] => {}
        [one] => parts.push(format!("pid {} ({})", one.pid, one.command)),
        several => {
            let whose = match leaders.as_slice() {
                [] => "of them",
                [_] => "below it",
                _ => "below them",
            };
            parts.push(format!("{} processes {whose}", several.len()));
        }
    }
    match parts.pop() {
        Some(last) if !parts.is_empty() => format!("{} and {last}", parts.join(", ")),
        last => last.unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use fulcrum_spawn::process::{RecordedProcess, RunId};

    use super::*;

    fn past(names: &[&str], swept: Option<u64>) -> PreviousRun {
        let lives = names.iter().zip(60..).map(|(name, leader)| {
            let life = RecordedProcess {
                leader,
                started: 1,
                domain: (*name).to_owned(),
                generation: 3,
            };
            (leader, life)
        });
        PreviousRun {
            run: RunId::parse(&"a".repeat(32)).expect("a run"),
            boot: "boot".to_owned(),
            instance: 4711,
            instance_started: 1,
            cgroup: None,
            processes: lives.collect::<BTreeMap<_, _>>(),
            instance_died_at: None,
            cleaned_up: swept,
            finished: false,
        }
    }

    fn leftover(pid: u32) -> StaleProcess {
        StaleProcess {
            pid,
            command: "sleep 60".to_owned(),
            leader: Some(60),
        }
    }

    fn said(past: &PreviousRun, ended: &[u32], survived: &[u32]) -> Vec<String> {
        let swept = CleanupReport {
            ended: ended.iter().copied().map(leftover).collect(),
            survived: survived.iter().copied().map(leftover).collect(),
        };
        let words = describe(past, &swept).into_iter();
        words
            .map(|(_, text)| {
                let lead = "the instance before (pid 4711) ended without stopping its domains";
                text.strip_prefix(lead).map_or(text.clone(), str::to_owned)
            })
            .collect()
    }

    #[test]
    fn what_was_ended_is_told_by_domain_and_number() {
        let one = past(&["orders"], None);
        assert_eq!(
            said(&one, &[60, 70, 71], &[]),
            [": ended orders (pid 60, generation 3) and 2 processes below it"]
        );
        assert_eq!(said(&one, &[70], &[]), [": ended pid 70 (sleep 60)"]);
        let two = past(&["orders", "users"], Some(1));
        assert_eq!(
            said(&two, &[60, 61, 70], &[]),
            [
                ": ended orders (pid 60, generation 3), users (pid 61, generation 3) and pid 70 (sleep 60)"
            ]
        );
    }

    #[test]
    fn what_the_guard_has_ended_and_what_nobody_could_is_told_too() {
        let two = past(&["orders", "users"], Some(1));
        assert_eq!(
            said(&two, &[], &[]),
            [" (orders, users); its guard has seen to their end"]
        );
        assert_eq!(
            said(&past(&["orders"], None), &[], &[]),
            ["; nothing of them is left"]
        );
        assert!(said(&past(&[], Some(0)), &[], &[]).is_empty());
        assert_eq!(
            said(&past(&["orders"], None), &[], &[60]),
            [
                "left by the instance before, and still alive after SIGKILL: orders (pid 60, generation 3)"
            ]
        );
    }
}
