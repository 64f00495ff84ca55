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
struct Fake {
    cgroups: BTreeMap<PathBuf, Vec<u32>>,
    marks: BTreeMap<u32, Vec<u8>>,
    helpers: BTreeSet<u32>,
}

impl ProcessTable for Fake {
    fn in_cgroup(&self, folder: &Path) -> Vec<u32> {
        self.cgroups.get(folder).cloned().unwrap_or_default()
    }

    fn has_env(&self, pid: u32, mark: &[u8]) -> bool {
        self.marks.get(&pid).is_some_and(|own| own == mark)
    }

    fn adopted(&self) -> BTreeSet<u32> {
        (0..1000)
            .filter(|pid| !self.helpers.contains(pid))
            .collect()
    }
}

/// Two lives, led by 100 and 200, with the marks `T=100` and `T=200`.
fn roll() -> TrackedProcesses {
    let mut roll = TrackedProcesses::new(ME, 9);
    for leader in [100, 200] {
        let life = TrackedGeneration {
            marker: Some(format!("T={leader}").into_bytes()),
            ..TrackedGeneration::default()
        };
        roll.lives.insert(leader, life);
    }
    roll
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
fn the_group_and_what_descends_from_it_are_the_life() {
    let mut table = base();
    table.extend([
        process(101, 100, 100),
        // setsid, and a child of that one; the other life has its own.
        process(102, 101, 102),
        process(103, 102, 102),
        process(201, 200, 201),
        // Ours and strangers'.
        process(11, ME, 9),
        process(12, 11, 12),
        process(50, 1, 50),
    ]);
    let census = roll().attribute(&table, &Fake::default());
    assert_eq!(pids(&census.lives[&100]), [100, 101, 102, 103]);
    assert_eq!(pids(&census.lives[&200]), [200, 201]);
    assert!(census.untracked.is_empty(), "{census:?}");
}

#[test]
fn zombies_are_no_members_but_lead_to_none_either() {
    let mut table = base();
    table[3] = zombie(100, ME, 100);
    table.push(process(101, ME, 100));
    let census = roll().attribute(&table, &Fake::default());
    assert_eq!(pids(&census.lives[&100]), [101]);
}

#[test]
fn an_orphan_is_told_by_its_mark_and_its_children_by_it() {
    let mut table = base();
    table.extend([process(150, ME, 150), process(151, 150, 150)]);
    let world = Fake {
        marks: BTreeMap::from([(150, b"T=200".to_vec())]),
        ..Fake::default()
    };
    let census = roll().attribute(&table, &world);
    assert_eq!(pids(&census.lives[&200]), [200, 150, 151]);
}

#[test]
fn an_orphan_without_a_mark_is_a_stranger_and_so_are_its_children() {
    let mut table = base();
    table.extend([process(150, ME, 150), process(151, 150, 150)]);
    let mut roll = roll();
    let census = roll.attribute(&table, &Fake::default());
    assert_eq!(pids(&census.untracked), [150]);
    assert_eq!(pids(&census.untracked_descendants), [151]);
    assert!(!roll.is_attributed(&table[5]), "it wasn't told yet");
    roll.reported.insert(150, 150);
    assert!(roll.is_attributed(&table[5]));
}

#[test]
fn who_is_somebody_elses_is_no_stranger() {
    let mut table = base();
    table.extend([process(150, ME, 150), process(151, 150, 150)]);
    let nobody = |roll: &mut TrackedProcesses, world: &Fake| {
        let census = roll.attribute(&table, world);
        assert!(
            census.untracked.is_empty() && census.untracked_descendants.is_empty(),
            "{census:?}"
        );
    };
    let mut helped = Fake::default();
    helped.helpers.insert(150);
    nobody(&mut roll(), &helped);
    let mut spared = roll();
    spared.excluded.insert(150);
    nobody(&mut spared, &Fake::default());
    let mut foreign = roll();
    foreign.preexisting.insert(150, 150);
    nobody(&mut foreign, &Fake::default());
    // Another one of the same number.
    foreign.preexisting.insert(150, 149);
    assert_eq!(
        pids(&foreign.attribute(&table, &Fake::default()).untracked),
        [150]
    );
}

#[test]
fn a_cgroup_tells_what_nothing_else_does() {
    let mut table = base();
    table.push(process(150, ME, 150));
    let mut roll = roll();
    roll.lives.get_mut(&100).expect("there").cgroup = Some("/c/100".into());
    let world = Fake {
        // One that isn't in the table was started since.
        cgroups: BTreeMap::from([("/c/100".into(), vec![100, 150, 160])]),
        ..Fake::default()
    };
    let census = roll.attribute(&table, &world);
    assert_eq!(pids(&census.lives[&100]), [100, 150]);
}

#[test]
fn who_was_seen_stays_known_until_another_has_its_number() {
    let mut roll = roll();
    let mut table = base();
    table.push(process(150, 100, 150));
    roll.attribute(&table, &Fake::default());
    // Its parent is gone, and it has cleared its environment.
    table[5].parent = ME;
    let census = roll.attribute(&table, &Fake::default());
    assert_eq!(pids(&census.lives[&100]), [100, 150]);
    table[5].started += 1;
    let census = roll.attribute(&table, &Fake::default());
    assert_eq!(pids(&census.lives[&100]), [100]);
    assert_eq!(pids(&census.untracked), [150]);
}

#[test]
fn a_parent_that_is_younger_is_not_the_parent() {
    let mut table = base();
    table.push(process(102, 100, 100));
    // Read while 102 still was another's number.
    table.push(process(60, 102, 60));
    let census = roll().attribute(&table, &Fake::default());
    assert_eq!(pids(&census.lives[&100]), [100, 102]);
}
