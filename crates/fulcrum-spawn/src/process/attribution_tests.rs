//! Who belongs to whom, over made-up tables.

use super::*;

const ME: u32 = 10;

/// pid, parent, group; the start time is the pid, so children are younger than their parents.
fn process(pid: u32, parent: u32, group: u32) -> Stat {
    Stat {
        pid,
        name: "p".to_owned(),
        state: 'S',
        parent,
        group,
        started: u64::from(pid),
    }
}

fn zombie(pid: u32, parent: u32, group: u32) -> Stat {
    Stat {
        state: 'Z',
        ..process(pid, parent, group)
    }
}

#[derive(Default)]
struct FakeTable {
    cgroups: BTreeMap<PathBuf, Vec<u32>>,
    environments: BTreeMap<u32, Vec<u8>>,
    helpers: BTreeSet<u32>,
}

impl ProcessTable for FakeTable {
    fn in_cgroup(&self, dir: &Path) -> Vec<u32> {
        self.cgroups.get(dir).cloned().unwrap_or_default()
    }

    fn has_env(&self, pid: u32, marker: &[u8]) -> bool {
        self.environments.get(&pid).is_some_and(|own| own == marker)
    }

    fn adopted(&self) -> BTreeSet<u32> {
        (0..1000)
            .filter(|pid| !self.helpers.contains(pid))
            .collect()
    }
}

/// Two generations, led by 100 and 200, with the markers `T=100` and `T=200`.
fn tracked() -> TrackedProcesses {
    let mut tracked = TrackedProcesses::new(ME, 9);
    for leader in [100, 200] {
        let generation = TrackedGeneration {
            marker: Some(format!("T={leader}").into_bytes()),
            ..TrackedGeneration::default()
        };
        tracked.generations.insert(leader, generation);
    }
    tracked
}

fn pids(members: &[Member]) -> Vec<u32> {
    members.iter().map(|member| member.pid).collect()
}

fn base() -> Vec<Stat> {
    vec![
        process(1, 0, 1),
        process(9, 1, 9),
        process(ME, 9, 9),
        process(100, ME, 100),
        process(200, ME, 200),
    ]
}

#[test]
fn the_group_and_its_descendants_are_the_generation() {
    let mut table = base();
    table.extend([
        process(101, 100, 100),
        // setsid, and a child of that one; the other generation has its own.
        process(102, 101, 102),
        process(103, 102, 102),
        process(201, 200, 201),
        // Helpers of this program, and unrelated processes.
        process(11, ME, 9),
        process(12, 11, 12),
        process(50, 1, 50),
    ]);
    let attribution = tracked().attribute(&table, &FakeTable::default());
    assert_eq!(pids(&attribution.generations[&100]), [100, 101, 102, 103]);
    assert_eq!(pids(&attribution.generations[&200]), [200, 201]);
    assert!(attribution.untracked.is_empty(), "{attribution:?}");
}

#[test]
fn zombies_are_not_members() {
    let mut table = base();
    table[3] = zombie(100, ME, 100);
    table.push(process(101, ME, 100));
    let attribution = tracked().attribute(&table, &FakeTable::default());
    assert_eq!(pids(&attribution.generations[&100]), [101]);
}

#[test]
fn an_orphan_is_attributed_by_its_marker_and_its_children_by_descent() {
    let mut table = base();
    table.extend([process(150, ME, 150), process(151, 150, 150)]);
    let lookup = FakeTable {
        environments: BTreeMap::from([(150, b"T=200".to_vec())]),
        ..FakeTable::default()
    };
    let attribution = tracked().attribute(&table, &lookup);
    assert_eq!(pids(&attribution.generations[&200]), [200, 150, 151]);
}

#[test]
fn an_orphan_without_a_marker_is_untracked_and_so_are_its_children() {
    let mut table = base();
    table.extend([process(150, ME, 150), process(151, 150, 150)]);
    let mut tracked = tracked();
    let attribution = tracked.attribute(&table, &FakeTable::default());
    assert_eq!(pids(&attribution.untracked), [150]);
    assert_eq!(pids(&attribution.untracked_descendants), [151]);
    assert!(!tracked.is_attributed(&table[5]), "not reported yet");
    tracked.reported.insert(150, 150);
    assert!(tracked.is_attributed(&table[5]));
}

#[test]
fn helpers_and_preexisting_children_are_not_untracked() {
    let mut table = base();
    table.extend([process(150, ME, 150), process(151, 150, 150)]);
    let assert_none_untracked = |tracked: &mut TrackedProcesses, lookup: &FakeTable| {
        let attribution = tracked.attribute(&table, lookup);
        assert!(
            attribution.untracked.is_empty() && attribution.untracked_descendants.is_empty(),
            "{attribution:?}"
        );
    };
    let mut helped = FakeTable::default();
    helped.helpers.insert(150);
    assert_none_untracked(&mut tracked(), &helped);
    let mut excluded_one = tracked();
    excluded_one.excluded.insert(150);
    assert_none_untracked(&mut excluded_one, &FakeTable::default());
    let mut preexisting_one = tracked();
    preexisting_one.preexisting.insert(150, 150);
    assert_none_untracked(&mut preexisting_one, &FakeTable::default());
    // Another one of the same number.
    preexisting_one.preexisting.insert(150, 149);
    assert_eq!(
        pids(
            &preexisting_one
                .attribute(&table, &FakeTable::default())
                .untracked
        ),
        [150]
    );
}

#[test]
fn a_cgroup_attributes_processes_without_any_other_evidence() {
    let mut table = base();
    table.push(process(150, ME, 150));
    let mut tracked = tracked();
    tracked.generations.get_mut(&100).expect("there").cgroup = Some("/c/100".into());
    let lookup = FakeTable {
        // A process that is not in the table was started since.
        cgroups: BTreeMap::from([("/c/100".into(), vec![100, 150, 160])]),
        ..FakeTable::default()
    };
    let attribution = tracked.attribute(&table, &lookup);
    assert_eq!(pids(&attribution.generations[&100]), [100, 150]);
}

#[test]
fn an_observed_process_stays_attributed_until_its_pid_is_reused() {
    let mut tracked = tracked();
    let mut table = base();
    table.push(process(150, 100, 150));
    tracked.attribute(&table, &FakeTable::default());
    // Its parent is gone, and it has cleared its environment.
    table[5].parent = ME;
    let attribution = tracked.attribute(&table, &FakeTable::default());
    assert_eq!(pids(&attribution.generations[&100]), [100, 150]);
    table[5].started += 1;
    let attribution = tracked.attribute(&table, &FakeTable::default());
    assert_eq!(pids(&attribution.generations[&100]), [100]);
    assert_eq!(pids(&attribution.untracked), [150]);
}

#[test]
fn a_younger_parent_is_not_the_parent() {
    let mut table = base();
    table.push(process(102, 100, 100));
    // Read while 102 still was another's number.
    table.push(process(60, 102, 60));
    let attribution = tracked().attribute(&table, &FakeTable::default());
    assert_eq!(pids(&attribution.generations[&100]), [100, 102]);
}
