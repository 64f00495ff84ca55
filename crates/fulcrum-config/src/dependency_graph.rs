//! The graph of dependencies: the start order, and cycles.

use std::collections::{BTreeMap, BTreeSet};

/// Each domain and its dependencies.
pub(crate) type Graph<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

/// The start order: each wave depends on earlier ones only, and its names are sorted. Dependencies
/// that are not in the graph are ignored. Domains on a cycle, or after one, are in no wave.
pub(crate) fn waves(graph: &Graph<'_>) -> Vec<Vec<String>> {
    let mut waves: Vec<Vec<String>> = Vec::new();
    let mut remaining: Graph<'_> = graph.clone();
    loop {
        let wave: Vec<&str> = remaining
            .iter()
            .filter(|(_, dependencies)| {
                !dependencies
                    .iter()
                    .any(|dependency| remaining.contains_key(dependency))
            })
            .map(|(name, _)| *name)
            .collect();
        if wave.is_empty() {
            return waves;
        }
        for name in &wave {
            remaining.remove(name);
        }
        waves.push(wave.into_iter().map(str::to_owned).collect());
    }
}

/// A cycle through each domain that is on one, each cycle once: `[a, b]` for `a -> b -> a`, starting
/// with its first name.
pub(crate) fn cycles(graph: &Graph<'_>) -> Vec<Vec<String>> {
    let mut found: Vec<Vec<String>> = Vec::new();
    let mut covered: BTreeSet<&str> = BTreeSet::new();
    for name in graph.keys().copied() {
        if covered.contains(name) {
            continue;
        }
        if let Some(cycle) = shortest_cycle(graph, name) {
            covered.extend(&cycle);
            found.push(cycle.into_iter().map(str::to_owned).collect());
        }
    }
    found
}

/// The shortest path from a domain back to itself, by breadth-first search.
fn shortest_cycle<'a>(graph: &Graph<'a>, start: &'a str) -> Option<Vec<&'a str>> {
    let mut predecessors: BTreeMap<&str, &str> = BTreeMap::new();
    let mut level = vec![start];
    while !level.is_empty() {
        let mut next = Vec::new();
        for name in level {
            for dependency in graph.get(name).into_iter().flatten().copied() {
                if dependency == start {
                    let mut path = vec![name];
                    while let Some(before) = path.last().and_then(|last| predecessors.get(last)) {
                        path.push(before);
                    }
                    path.reverse();
                    return Some(path);
                }
                if !predecessors.contains_key(dependency) {
                    predecessors.insert(dependency, name);
                    next.push(dependency);
                }
            }
        }
        level = next;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn graph<'a>(edges: &[(&'a str, &[&'a str])]) -> Graph<'a> {
        edges
            .iter()
            .map(|(name, dependencies)| (*name, dependencies.iter().copied().collect()))
            .collect()
    }

    #[test]
    fn waves_are_sorted_levels() {
        let graph = graph(&[
            ("web", &["orders", "users"]),
            ("orders", &["db"]),
            ("users", &["db"]),
            ("db", &[]),
            ("mail", &["elsewhere"]),
        ]);
        assert_eq!(
            waves(&graph),
            [vec!["db", "mail"], vec!["orders", "users"], vec!["web"]]
        );
        assert!(cycles(&graph).is_empty());
    }

    #[test]
    fn a_cycle_is_a_path() {
        let graph = graph(&[
            ("b", &["c"]),
            ("c", &["b", "a"]),
            ("a", &["a"]),
            ("d", &["b"]),
            ("e", &[]),
        ]);
        assert_eq!(cycles(&graph), [vec!["a"], vec!["b", "c"]]);
        assert_eq!(waves(&graph), [vec!["e"]]);
    }

    const NAMES: [&str; 7] = ["a", "b", "c", "d", "e", "f", "g"];

    proptest! {
        #[test]
        fn all_domains_are_in_order_or_there_is_a_cycle(edges in proptest::collection::vec((0usize..7, 0usize..7), 0..14)) {
            let mut graph: Graph<'_> = NAMES.iter().map(|name| (*name, BTreeSet::new())).collect();
            for (from, to) in edges {
                graph.entry(NAMES[from]).or_default().insert(NAMES[to]);
            }
            let waves = waves(&graph);
            let mut started: BTreeSet<&str> = BTreeSet::new();
            for wave in &waves {
                for name in wave {
                    prop_assert!(graph[name.as_str()].iter().all(|dependency| started.contains(dependency)));
                }
                started.extend(wave.iter().map(String::as_str));
            }
            let cycles = cycles(&graph);
            prop_assert_eq!(started.len() == NAMES.len(), cycles.is_empty());
            for cycle in cycles {
                for (index, name) in cycle.iter().enumerate() {
                    let next = &cycle[(index + 1) % cycle.len()];
                    prop_assert!(graph[name.as_str()].contains(next.as_str()));
                }
            }
        }
    }
}
