//! Which members of supervision groups are restarted together.

use std::collections::BTreeMap;

use crate::app::App;
use crate::runtime::{RestartStrategy, SupervisionGroup};

impl App {
    /// The domains that are to be restarted because `failed` has failed, each with the reason, as
    /// the strategies of its groups demand. `failed` itself is not among them.
    pub fn members_to_restart(&self, failed: &str) -> BTreeMap<String, String> {
        let mut members = BTreeMap::new();
        for (name, group) in &self.runtime.groups {
            for member in affected_members(group, failed) {
                let reason = || format!("{failed} failed, and group {name} is {}", group.strategy);
                members.entry(member.to_owned()).or_insert_with(reason);
            }
        }
        members
    }
}

/// The other members that a failure affects.
fn affected_members<'a>(group: &'a SupervisionGroup, failed: &str) -> Vec<&'a str> {
    let members = group.domains.iter().map(String::as_str);
    let is_other = |name: &&str| *name != failed;
    match group.strategy {
        _ if !group.domains.iter().any(|name| name == failed) => Vec::new(),
        RestartStrategy::OneForOne => Vec::new(),
        RestartStrategy::OneForAll => members.filter(is_other).collect(),
        RestartStrategy::RestForOne => {
            let following = members.skip_while(is_other).filter(is_other);
            following.collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strategy_decides_which_members_are_restarted() {
        let table: [(RestartStrategy, [&[&str]; 3]); 3] = [
            (RestartStrategy::OneForOne, [&[], &[], &[]]),
            (RestartStrategy::RestForOne, [&["b", "c"], &["c"], &[]]),
            (
                RestartStrategy::OneForAll,
                [&["b", "c"], &["a", "c"], &["a", "b"]],
            ),
        ];
        for (strategy, expected) in table {
            let domains = ["a", "b", "c"].map(str::to_owned).to_vec();
            let group = SupervisionGroup { strategy, domains };
            for (failed, expected) in ["a", "b", "c"].into_iter().zip(expected) {
                assert_eq!(
                    affected_members(&group, failed),
                    expected,
                    "{failed} in {strategy}"
                );
            }
            assert!(affected_members(&group, "other").is_empty());
        }
    }
}
