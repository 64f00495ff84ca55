//! Circles of imports among the files of a crate.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::finding::Finding;
use super::modules::{Import, Modules};

/// A circle: each file with the line at which it imports the next one, the last the first.
pub(super) type Cycle = Vec<(usize, usize)>;

/// The shortest circle through each file that is in one, each circle once.
pub(super) fn find(imports: &[Import]) -> Vec<Cycle> {
    let mut edges: BTreeMap<usize, Vec<Import>> = BTreeMap::new();
    for import in imports {
        edges.entry(import.from).or_default().push(*import);
    }
    let mut seen = BTreeSet::new();
    let mut cycles = Vec::new();
    for start in edges.keys() {
        if let Some(cycle) = shortest_through(*start, &edges) {
            let mut files: Vec<usize> = cycle.iter().map(|(file, _)| *file).collect();
            files.sort_unstable();
            if seen.insert(files) {
                cycles.push(cycle);
            }
        }
    }
    cycles
}

fn shortest_through(start: usize, edges: &BTreeMap<usize, Vec<Import>>) -> Option<Cycle> {
    let mut came_by: BTreeMap<usize, Import> = BTreeMap::new();
    let mut next = VecDeque::from([start]);
    while let Some(file) = next.pop_front() {
        for import in edges.get(&file).into_iter().flatten() {
            if came_by.contains_key(&import.to) {
                continue;
            }
            came_by.insert(import.to, *import);
            if import.to == start {
                return Some(backwards(start, &came_by));
            }
            next.push_back(import.to);
        }
    }
    None
}

fn backwards(start: usize, came_by: &BTreeMap<usize, Import>) -> Cycle {
    let mut cycle = Vec::new();
    let mut at = start;
    loop {
        let import = came_by[&at];
        cycle.push((import.from, import.line));
        at = import.from;
        if at == start {
            cycle.reverse();
            return cycle;
        }
    }
}

/// One error for each circle of a crate.
pub(super) fn check(modules: &Modules<'_>, imports: &[Import]) -> Vec<Finding> {
    let path = |file: usize| modules.files[file].source.path.as_str();
    find(imports)
        .iter()
        .map(|cycle| {
            let (first, line) = cycle[0];
            let mut files: Vec<String> = cycle
                .iter()
                .map(|(file, line)| format!("{}:{line}", path(*file)))
                .collect();
            files.push(path(first).to_owned());
            Finding::error(
                path(first),
                line,
                format!("import cycle: {}", files.join(" → ")),
                "move what both need into a file below them; import a sibling's file, not the \
                 parent's re-export",
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::source;
    use super::*;

    fn import(from: usize, to: usize) -> Import {
        Import {
            from,
            to,
            line: 10 * from + to,
        }
    }

    #[test]
    fn each_circle_is_found_once_with_its_lines() {
        let imports = [
            import(1, 2),
            import(2, 3),
            import(3, 1),
            import(3, 4),
            import(4, 5),
            import(5, 4),
            import(0, 1),
        ];
        let found = find(&imports);
        assert_eq!(
            found,
            [vec![(1, 12), (2, 23), (3, 31)], vec![(4, 45), (5, 54)]]
        );
        assert_eq!(find(&imports[..2]), Vec::<Cycle>::new());
    }

    #[test]
    fn a_planted_cycle_fails_and_names_its_files() {
        let files = [
            ("src/lib.rs", "mod a;\nmod b;\nmod c;\npub use c::C;\n"),
            ("src/a.rs", "use crate::b::B;\n"),
            ("src/b.rs", "use super::c::C;\n"),
            ("src/c.rs", "\nfn f() { println!(\"{}\", crate::a::g()) }\n"),
        ];
        let sources = files
            .iter()
            .map(|(path, text)| ((*path).to_owned(), source::parse(path, text).unwrap()))
            .collect();
        let modules = Modules::new("x", "src/lib.rs", &sources);
        let findings = check(&modules, &modules.imports());
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(!findings[0].warning);
        let message = findings[0].to_string();
        let rotations = [
            "src/a.rs:1 → src/b.rs:1 → src/c.rs:2 → src/a.rs",
            "src/b.rs:1 → src/c.rs:2 → src/a.rs:1 → src/b.rs",
            "src/c.rs:2 → src/a.rs:1 → src/b.rs:1 → src/c.rs",
        ];
        assert!(
            rotations.iter().any(|path| message.contains(path)),
            "{message}"
        );
    }
}
