//! Decides which processes belong to a dead run, over observed processes.

use std::collections::{BTreeMap, BTreeSet};

use super::run_record::PreviousRun;
use super::stat::Stat;

/// One process of the machine, as it was observed.
#[derive(Debug, Clone)]
pub(super) struct ObservedProcess {
    pub(super) stat: Stat,
    /// Its environment contains a token of the run.
    pub(super) has_token: bool,
    /// It is in the run's cgroup.
    pub(super) in_cgroup: bool,
}

/// Every living process of the run, with the leader of its generation, if known.
///
/// These are: processes in the run's cgroup; processes with a token of the run; recorded leaders,
/// by pid and start time; members of a group whose leader runs, or that have been in it since
/// before the instance died (until then the instance held the leader, and so the number); and
/// descendants of any of those. Processes in `excluded` never belong to the run, and neither do
/// processes that would only belong through them.
pub(super) fn processes_of_run(
    previous: &PreviousRun,
    table: &[ObservedProcess],
    excluded: &BTreeSet<u32>,
) -> BTreeMap<u32, Option<u32>> {
    let alive = |observed: &&ObservedProcess| {
        !observed.stat.is_zombie() && !excluded.contains(&observed.stat.pid)
    };
    let by_pid: BTreeMap<u32, &ObservedProcess> = table
        .iter()
        .filter(alive)
        .map(|observed| (observed.stat.pid, observed))
        .collect();
    let leads = |pid: u32| {
        let process = previous.processes.get(&pid)?;
        let stat = &by_pid.get(&pid)?.stat;
        (stat.started == process.started).then_some(pid)
    };
    let in_group = |stat: &Stat| {
        let process = previous.processes.get(&stat.group)?;
        // A detached process was not held, so its pid may have been reused.
        let was_held = process.generation > 0;
        let since = was_held
            && previous
                .instance_died_at
                .is_some_and(|death| stat.started <= death);
        let belongs = leads(stat.group).is_some() || (since && stat.started >= process.started);
        belongs.then_some(stat.group)
    };
    let mut found = BTreeMap::new();
    for (pid, observed) in &by_pid {
        let process = leads(*pid).or_else(|| in_group(&observed.stat));
        if process.is_some() || observed.has_token || observed.in_cgroup {
            found.insert(*pid, process);
        }
    }
    // Down the tree, until a pass finds no further process.
    loop {
        let before = found.len();
        for (pid, observed) in &by_pid {
            let stat = &observed.stat;
            let parent = by_pid.get(&stat.parent);
            // A process that is older than its parent has lost it: the pid was reused.
            let real = parent.is_some_and(|parent| parent.stat.started <= stat.started);
            let through = found.get(&stat.parent).copied();
            if let (true, Some(process)) = (real, through) {
                let known = found.entry(*pid).or_insert(process);
                *known = known.or(process);
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

    /// Instance 50, started at 100, with a generation led by 60 since 110.
    fn previous(death: Option<u64>) -> PreviousRun {
        let process = RecordedProcess {
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
            processes: BTreeMap::from([(60, process)]),
            instance_died_at: death,
            cleaned_up: None,
            finished: false,
        }
    }

    fn observed(pid: u32, parent: u32, group: u32, started: u64) -> ObservedProcess {
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

    fn found(previous: &PreviousRun, table: &[ObservedProcess], excluded: &[u32]) -> Vec<u32> {
        let excluded = excluded.iter().copied().collect();
        processes_of_run(previous, table, &excluded)
            .into_keys()
            .collect()
    }

    #[test]
    fn a_leader_its_group_and_their_descendants_belong() {
        let table = [
            observed(1, 0, 1, 0),
            observed(60, 1, 60, 110),
            observed(61, 60, 60, 120),
            // A session of its own, and another one below it.
            observed(62, 61, 62, 130),
            observed(63, 62, 63, 131),
            observed(70, 1, 70, 90),
        ];
        assert_eq!(found(&previous(None), &table, &[]), [60, 61, 62, 63]);
        let found = processes_of_run(&previous(None), &table, &BTreeSet::new());
        assert!(
            found.values().all(|process| *process == Some(60)),
            "{found:?}"
        );
    }

    #[test]
    fn a_reused_pid_does_not_belong_to_the_run() {
        // Another process 60, with a group and children of its own.
        let table = [observed(60, 1, 60, 500), observed(61, 60, 60, 501)];
        assert!(found(&previous(None), &table, &[]).is_empty());
        assert!(found(&previous(Some(400)), &table, &[]).is_empty());
    }

    #[test]
    fn a_group_without_leader_belongs_as_far_as_it_is_older_than_the_exit() {
        let table = [
            observed(61, 1, 60, 120),
            observed(62, 61, 62, 401),
            observed(63, 1, 60, 402),
        ];
        assert_eq!(found(&previous(Some(400)), &table, &[]), [61, 62]);
        // It is unknown when the instance died.
        assert!(found(&previous(None), &table, &[]).is_empty());
    }

    #[test]
    fn a_token_or_a_cgroup_is_enough_and_zombies_do_not_belong() {
        let mut table = [
            observed(80, 1, 80, 200),
            observed(81, 80, 81, 201),
            observed(82, 1, 82, 200),
        ];
        table[0].has_token = true;
        table[2].in_cgroup = true;
        assert_eq!(found(&previous(None), &table, &[]), [80, 81, 82]);
        table[2].stat.state = 'Z';
        assert_eq!(found(&previous(None), &table, &[]), [80, 81]);
    }

    #[test]
    fn this_process_and_its_ancestors_are_excluded_with_what_only_descends_from_them() {
        // This process was started from a shell that a domain had left behind.
        let mut table = [
            observed(60, 1, 60, 110),
            observed(90, 60, 90, 300),
            observed(91, 90, 91, 301),
            observed(92, 91, 91, 302),
            observed(93, 60, 60, 303),
        ];
        table[1].has_token = true;
        assert_eq!(found(&previous(None), &table, &[91, 90]), [60, 93]);
    }

    fn tables() -> impl Strategy<Value = Vec<ObservedProcess>> {
        let process = (1_u32..100, 0_u32..100, 1_u32..100, 0_u64..400);
        let process = (process, any::<(bool, bool, bool)>());
        let process = process.prop_map(|((pid, parent, group, started), (marked, held, dead))| {
            let mut observed = observed(pid, parent, group, started);
            (observed.has_token, observed.in_cgroup) = (marked && held, false);
            observed.stat.state = if dead && marked { 'Z' } else { 'S' };
            observed
        });
        prop::collection::btree_map(1_u32..100, process, 0..40).prop_map(|table| {
            let placed = table.into_iter().map(|(pid, mut observed)| {
                observed.stat.pid = pid;
                observed
            });
            placed.collect()
        })
    }

    proptest! {
        #[test]
        fn no_process_belongs_without_evidence(table in tables(), excluded in prop::collection::btree_set(1_u32..100, 0..5), death in prop::option::of(0_u64..400)) {
            let previous = previous(death);
            let found = processes_of_run(&previous, &table, &excluded);
            for pid in found.keys() {
                let one = table.iter().find(|observed| observed.stat.pid == *pid).expect("seen");
                let stat = &one.stat;
                let leader = *pid == 60 && stat.started == 110;
                let led = table.iter().any(|observed| observed.stat.pid == 60 && observed.stat.started == 110);
                let group = stat.group == 60 && (led || death.is_some_and(|at| stat.started <= at));
                let parent = found.contains_key(&stat.parent);
                prop_assert!(leader || group || parent || one.has_token, "{one:?}");
                prop_assert!(!excluded.contains(pid) && !stat.is_zombie());
            }
        }

        #[test]
        fn every_process_with_the_token_belongs(table in tables()) {
            let found = processes_of_run(&previous(None), &table, &BTreeSet::new());
            for observed in table.iter().filter(|observed| observed.has_token && !observed.stat.is_zombie()) {
                prop_assert!(found.contains_key(&observed.stat.pid));
            }
        }
    }
}
