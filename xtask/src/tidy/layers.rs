//! The order of a crate's top-level modules: each imports only those of earlier layers.

use std::collections::{BTreeMap, BTreeSet};

use super::finding::Finding;
use super::modules::{Import, Modules};

/// Compares a crate's imports with the table of its layers.
pub(super) fn check(modules: &Modules<'_>, imports: &[Import], layers: &[&[&str]]) -> Vec<Finding> {
    let level: BTreeMap<&str, usize> = layers
        .iter()
        .enumerate()
        .flat_map(|(level, names)| names.iter().map(move |name| (*name, level)))
        .collect();
    let top = |file: usize| modules.files[file].module.first().map(String::as_str);
    let mut findings = Vec::new();
    let mut unknown = BTreeSet::new();
    for (index, file) in modules.files.iter().enumerate() {
        let Some(name) = top(index).filter(|name| !level.contains_key(name)) else {
            continue;
        };
        if unknown.insert(name) {
            findings.push(Finding::error(
                &file.source.path,
                1,
                format!("{name} is in no layer of {}", modules.package),
                "give it a place in the table of layers in xtask/src/tidy/policy.rs",
            ));
        }
    }
    for import in imports {
        let (Some(from), Some(to)) = (top(import.from), top(import.to)) else {
            continue;
        };
        let (Some(above), Some(below)) = (level.get(from), level.get(to)) else {
            continue;
        };
        if from != to && below >= above {
            let relation = match below == above {
                true => "of the same layer",
                false => "of a later layer",
            };
            findings.push(Finding::error(
                &modules.files[import.from].source.path,
                import.line,
                format!("{from} imports {to}, which is {relation}"),
                "pass it in as a value, a handle or a trait, or move what both need below them",
            ));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::source;
    use super::*;

    #[test]
    fn imports_of_the_same_or_a_later_layer_and_unknown_modules_fail() {
        let files = [
            (
                "src/lib.rs",
                "mod state;\nmod error;\nmod watch;\nmod runtime;\nmod more;\npub use runtime::R;\n",
            ),
            ("src/state/mod.rs", "mod domain;\npub use domain::D;\n"),
            ("src/state/domain.rs", "use crate::error::E;\n"),
            ("src/error.rs", "use crate::watch::W;\n"),
            ("src/watch.rs", "use crate::state::D;\n"),
            ("src/runtime.rs", "use crate::{state::D, watch::W};\n"),
            ("src/more.rs", ""),
        ];
        let sources = files
            .iter()
            .map(|(path, text)| ((*path).to_owned(), source::parse(path, text).unwrap()))
            .collect();
        let modules = Modules::new("x", "src/lib.rs", &sources);
        let layers: &[&[&str]] = &[&["state", "error"], &["watch"], &["runtime"]];
        let mut found: Vec<_> = check(&modules, &modules.imports(), layers)
            .iter()
            .map(|finding| finding.to_string())
            .collect();
        found.sort();
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found[0].contains("error imports watch, which is of a later layer"));
        assert!(found[1].contains("more is in no layer"), "{found:?}");
        assert!(found[2].contains("state imports error, which is of the same layer"));
    }
}
