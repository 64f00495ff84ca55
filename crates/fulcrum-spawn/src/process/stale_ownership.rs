//! Whose process is whose after an instance's death: the decision alone, over what was seen.

use std::collections::{BTreeMap, BTreeSet};

use super::run_record::PreviousRun;
use super::stat::Stat;

/// One process of the machine, as it was seen.
#[derive(Debug, Clone)]
pub(super) struct ObservedProcess {
    pub(super) stat: Stat,
    /// Its environment carries a token of the run.
    pub(super) has_token: bool,
    /// It is in the run's cgroup.
    pub(super) in_cgroup: bool,
}

/// Everybody alive who belongs to the run, and through which life's leader, where that can be told.
///
/// That is: who is in its cgroup; who carries its token; a leader of its record, by number and
/// start time; who is in the group of such a leader while it lives, or has been in it since before
/// the instance died (until then the instance held the leader, and so the number); and what descends
/// from any of those. Those in `spared` never belong, and nobody through them.
pub(super) fn processes_of_run(
    past: &PreviousRun,
    table: &[ObservedProcess],
    spared: &BTreeSet<u32>,
) -> BTreeMap<u32, Option<u32>> {
    let alive =
        |seen: &&ObservedProcess| !seen.stat.is_zombie() && !spared.contains(&seen.stat.pid);
    let by_pid: BTreeMap<u32, &ObservedProcess> = table
        .iter()
        .filter(alive)
        .map(|seen| (seen.stat.pid, seen))
        .collect();
    let leads = |pid: u32| {
        let life = past.processes.get(&pid)?;
        let stat = &by_pid.get(&pid)?.stat;
        (stat.started == life.started).then_some(pid)
    };
    let in_group = |stat: &Stat| {
        let life = past.processes.get(&stat.group)?;
        // What had got away was held by nobody, so that its number could be given anew.
        let kept = life.generation > 0;
        let since = kept
            && past
                .instance_died_at
                .is_some_and(|death| stat.started <= death);
        let ours = leads(stat.group).is_some() || (since && stat.started >= life.started);
        ours.then_some(stat.group)
    };
    let mut found = BTreeMap::new();
    for (pid, seen) in &by_pid {
        let life = leads(*pid).or_else(|| in_group(&seen.stat));
        if life.is_some() || seen.has_token || seen.in_cgroup {
            found.insert(*pid, life);
        }
    }
    // Down the tree, until a round finds nobody more.
    loop {
        let before = found.len();
        for (pid, seen) in &by_pid {
            let stat = &seen.stat;
            let parent = by_pid.get(&stat.parent);
            // Who is older than its parent has lost it, and the number is another's now.
            let real = parent.is_some_and(|parent| parent.stat.started <= stat.started);
            let through = found.get(&stat.parent).copied();
            if let (true, Some(life)) = (real, through) {
                let known = found.entry(*pid).or_insert(life);
                *known = known.or(life);
            }
        }
        if found.len() == before {
            return found;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::run_id::RunId;
    use super::super::run_record::RecordedProcess;
    use super::*;

    /// An instance 50 that was started at 100 and had a life led by 60 since 110.
    fn past(death: Option<u64>) -> PreviousRun {
        let life = RecordedProcess {
            leader: 60,
            started: 110,
            domain: "orders".to_owned(),
            generation: 1,
        };
        PreviousRun {
            run: RunId::parse(&"a".repeat(32)).expect("a run"),
            boot: "boot".to_owned(),
            instance: 50,
            instance_started: 100,
            cgroup: None,
            processes: BTreeMap::from([(60, life)]),
            instance_died_at: death,
            cleaned_up: None,
            finished: false,
        }
    }

    fn seen(pid: u32, parent: u32, group: u32, started: u64) -> ObservedProcess {
        ObservedProcess {
            stat: Stat {
                pid,
                name: "x".to_owned(),
                state: 'S',
                parent,
                group,
                started,
            },
            has_token: false,
            in_cgroup: false,
        }
    }

    fn found(past: &PreviousRun, table: &[ObservedProcess], spared: &[u32]) -> Vec<u32> {
        let spared = spared.iter().copied().collect();
        processes_of_run(past, table, &spared).into_keys().collect()
    }

    #[test]
    fn a_leader_its_group_and_their_descendants_belong() {
        let table = [
            seen(1, 0, 1, 0),
            seen(60, 1, 60, 110),
            seen(61, 60, 60, 120),
            // A session of its own, and below it another.
            seen(62, 61, 62, 130),
            seen(63, 62, 63, 131),
            seen(70, 1, 70, 90),
        ];
        assert_eq!(found(&past(None), &table, &[]), [60, 61, 62, 63]);
        let lives = processes_of_run(&past(None), &table, &BTreeSet::new());
        assert!(lives.values().all(|life| *life == Some(60)), "{lives:?}");
    }

    #[test]
    fn a_number_given_anew_is_nobody_of_ours() {
        // Another 60, with a group and children of its own.
        let table = [seen(60, 1, 60, 500), seen(61, 60, 60, 501)];
        assert!(found(&past(None), &table, &[]).is_empty());
        assert!(found(&past(Some(400)), &table, &[]).is_empty());
    }

    #[test]
    fn a_group_without_its_leader_belongs_as_far_as_it_is_older_than_the_death() {
        let table = [
            seen(61, 1, 60, 120),
            seen(62, 61, 62, 401),
            seen(63, 1, 60, 402),
        ];
        assert_eq!(found(&past(Some(400)), &table, &[]), [61, 62]);
        // Nobody knows when the instance died.
        assert!(found(&past(None), &table, &[]).is_empty());
    }

    #[test]
    fn a_token_or_a_cgroup_is_enough_and_zombies_are_nobody() {
        let mut table = [
            seen(80, 1, 80, 200),
            seen(81, 80, 81, 201),
            seen(82, 1, 82, 200),
        ];
        table[0].has_token = true;
        table[2].in_cgroup = true;
        assert_eq!(found(&past(None), &table, &[]), [80, 81, 82]);
        table[2].stat.state = 'Z';
        assert_eq!(found(&past(None), &table, &[]), [80, 81]);
    }

    #[test]
    fn who_looks_is_spared_with_all_that_is_above_and_its_own_below() {
        // We were started from a shell that a domain had left behind.
        let mut table = [
            seen(60, 1, 60, 110),
            seen(90, 60, 90, 300),
            seen(91, 90, 91, 301),
            seen(92, 91, 91, 302),
            seen(93, 60, 60, 303),
        ];
        table[1].has_token = true;
        assert_eq!(found(&past(None), &table, &[91, 90]), [60, 93]);
    }

    fn tables() -> impl Strategy<Value = Vec<ObservedProcess>> {
        let process = (1_u32..100, 0_u32..100, 1_u32..100, 0_u64..400);
        let process = (process, any::<(bool, bool, bool)>());
        let process = process.prop_map(|((pid, parent, group, started), (marked, held, dead))| {
            let mut seen = seen(pid, parent, group, started);
            (seen.has_token, seen.in_cgroup) = (marked && held, false);
            seen.stat.state = if dead && marked { 'Z' } else { 'S' };
            seen
        });
        prop::collection::btree_map(1_u32..100, process, 0..40).prop_map(|table| {
            let placed = table.into_iter().map(|(pid, mut seen)| {
                seen.stat.pid = pid;
                seen
            });
            placed.collect()
        })
    }

    proptest! {
        #[test]
        fn nobody_belongs_without_a_reason(table in tables(), spared in prop::collection::btree_set(1_u32..100, 0..5), death in prop::option::of(0_u64..400)) {
            let past = past(death);
            let found = processes_of_run(&past, &table, &spared);
            for pid in found.keys() {
                let one = table.iter().find(|seen| seen.stat.pid == *pid).expect("seen");
                let stat = &one.stat;
                let leader = *pid == 60 && stat.started == 110;
                let led = table.iter().any(|seen| seen.stat.pid == 60 && seen.stat.started == 110);
                let group = stat.group == 60 && (led || death.is_some_and(|at| stat.started <= at));
                let parent = found.contains_key(&stat.parent);
                prop_assert!(leader || group || parent || one.has_token, "{one:?}");
                prop_assert!(!spared.contains(pid) && !stat.is_zombie());
            }
        }

        #[test]
        fn whoever_carries_the_token_belongs(table in tables()) {
            let found = processes_of_run(&past(None), &table, &BTreeSet::new());
            for seen in table.iter().filter(|seen| seen.has_token && !seen.stat.is_zombie()) {
                prop_assert!(found.contains_key(&seen.stat.pid));
            }
        }
    }
}
