//! Who depends on whom, compared with the [policy](super::policy).

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata, PackageId, TargetKind};

use super::finding::Finding;
use super::policy::{CRATES, FOR_TESTS, LIBRARY_PREFIX, OUTSIDERS, PARENT};

/// What depends on what, by the names of the registry.
pub(super) struct Graph {
    /// The workspace's packages, by name.
    pub(super) members: BTreeMap<String, Member>,
    /// What each package of the graph is built from and runs with; no build and test tools.
    runs_with: BTreeMap<String, BTreeSet<String>>,
}

/// A package of the workspace.
#[derive(Default)]
pub(super) struct Member {
    /// The folder, relative to the root.
    pub(super) folder: String,
    direct: Vec<(String, DependencyKind)>,
    has_build_script: bool,
}

impl Graph {
    pub(super) fn new(metadata: &Metadata) -> Self {
        let root = &metadata.workspace_root;
        let members = metadata.workspace_packages().into_iter().map(|package| {
            let folder = package.manifest_path.parent().unwrap_or(root);
            let direct = package
                .dependencies
                .iter()
                .map(|dep| (dep.name.clone(), dep.kind));
            let member = Member {
                folder: folder.strip_prefix(root).unwrap_or(folder).to_string(),
                direct: direct.collect(),
                has_build_script: package
                    .targets
                    .iter()
                    .any(|target| target.kind.contains(&TargetKind::CustomBuild)),
            };
            (package.name.to_string(), member)
        });
        Graph {
            members: members.collect(),
            runs_with: runs_with(metadata),
        }
    }

    /// How `from` comes to need `wanted`, package by package; `None` if it doesn't.
    pub(super) fn path(&self, from: &str, wanted: &str) -> Option<Vec<String>> {
        let mut came_from: BTreeMap<&str, &str> = BTreeMap::new();
        let mut next = vec![from];
        while let Some(name) = next.pop() {
            if name == wanted && name != from {
                let mut path = vec![name.to_owned()];
                while let Some(before) = came_from.get(path[path.len() - 1].as_str()) {
                    path.push((*before).to_owned());
                }
                path.reverse();
                return Some(path);
            }
            for dependency in self.runs_with.get(name).into_iter().flatten() {
                if dependency != from && !came_from.contains_key(dependency.as_str()) {
                    came_from.insert(dependency, name);
                    next.push(dependency);
                }
            }
        }
        None
    }
}

fn runs_with(metadata: &Metadata) -> BTreeMap<String, BTreeSet<String>> {
    let names: BTreeMap<&PackageId, &str> = metadata
        .packages
        .iter()
        .map(|package| (&package.id, package.name.as_str()))
        .collect();
    let name = |id: &PackageId| {
        names
            .get(id)
            .map_or_else(|| id.to_string(), |name| (*name).to_owned())
    };
    let mut graph: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for node in metadata.resolve.iter().flat_map(|resolve| &resolve.nodes) {
        let normal = node.deps.iter().filter(|dep| {
            dep.dep_kinds
                .iter()
                .any(|kind| kind.kind == DependencyKind::Normal)
        });
        // Two versions of a package are one here: "never tokio" means any.
        graph
            .entry(name(&node.id))
            .or_default()
            .extend(normal.map(|dep| name(&dep.pkg)));
    }
    graph
}

/// Compares the graph with the policy. `workspace_manifest` is the root's `Cargo.toml`.
pub(super) fn check(graph: &Graph, workspace_manifest: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, member) in &graph.members {
        let manifest = format!("{}/Cargo.toml", member.folder);
        let mut found = |what: String, cure: &str| {
            findings.push(Finding::error(&manifest, 1, what, cure));
        };
        if OUTSIDERS.contains(&name.as_str()) {
            for (dependency, _) in &member.direct {
                if dependency.starts_with(LIBRARY_PREFIX) {
                    found(
                        format!("{name} depends on {dependency}"),
                        "it drives the program from outside, as a user does; remove it",
                    );
                }
            }
            continue;
        }
        let Some(rule) = CRATES.iter().find(|rule| rule.name == name) else {
            found(
                format!("{name} has no row in the table of crates"),
                "add it to xtask/src/tidy/policy.rs",
            );
            continue;
        };
        if member.has_build_script {
            found(
                format!("{name} has a build script"),
                "generate by `cargo xtask codegen` and check it in",
            );
        }
        for (dependency, kind) in &member.direct {
            if *kind == DependencyKind::Build {
                found(
                    format!("{name} has the build-dependency {dependency}"),
                    "generate by `cargo xtask codegen` and check it in",
                );
            }
            let sibling = dependency.starts_with(LIBRARY_PREFIX);
            if sibling && name != PARENT {
                found(
                    format!("{name} depends on its sibling {dependency}"),
                    "only fulcrum-cli joins them: pass plain data, or a trait that fulcrum-cli adapts",
                );
                continue;
            }
            let for_tests = *kind == DependencyKind::Development
                && FOR_TESTS.iter().any(|(allowed, _)| allowed == dependency);
            if !for_tests
                && !rule
                    .may_use
                    .iter()
                    .any(|(allowed, _)| allowed == dependency)
            {
                found(
                    format!(
                        "{name} depends on {dependency}, which the table of crates doesn't allow it"
                    ),
                    "do without, or add it with its reason to xtask/src/tidy/policy.rs",
                );
            }
        }
    }
    for rule in CRATES
        .iter()
        .filter(|rule| !graph.members.contains_key(rule.name))
    {
        findings.push(Finding::error(
            "xtask/src/tidy/policy.rs",
            1,
            format!("the table of crates names {}, which isn't there", rule.name),
            "remove its row",
        ));
    }
    findings.extend(unused(graph, workspace_manifest));
    findings
}

/// Versions that the workspace pins and no member uses.
fn unused(graph: &Graph, manifest: &str) -> Vec<Finding> {
    let used: BTreeSet<&str> = graph
        .members
        .values()
        .flat_map(|member| member.direct.iter().map(|(name, _)| name.as_str()))
        .collect();
    pinned(manifest)
        .into_iter()
        // Our own crates are listed for whoever joins them.
        .filter(|(_, name)| !name.starts_with(LIBRARY_PREFIX) && !used.contains(name.as_str()))
        .map(|(line, name)| {
            let what = format!("no member of the workspace uses {name}");
            Finding::warning(
                "Cargo.toml",
                line,
                what,
                "remove it from [workspace.dependencies]",
            )
        })
        .collect()
}

/// Line and registry name of each entry of `[workspace.dependencies]`.
fn pinned(manifest: &str) -> Vec<(usize, String)> {
    let lines = manifest.lines().enumerate();
    let section = lines
        .skip_while(|(_, line)| line.trim() != "[workspace.dependencies]")
        .skip(1);
    section
        .take_while(|(_, line)| !line.starts_with('['))
        .filter_map(|(index, line)| {
            let (name, value) = line.split_once('=')?;
            let name = name.trim();
            if name.is_empty() || name.starts_with('#') {
                return None;
            }
            let renamed = value
                .split_once("package = \"")
                .and_then(|(_, rest)| rest.split('"').next());
            Some((index + 1, renamed.unwrap_or(name).to_owned()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(members: &[(&str, &[(&str, DependencyKind)])]) -> Graph {
        let allowed = CRATES
            .iter()
            .map(|rule| (rule.name.to_owned(), Member::default()));
        let mut graph = Graph {
            members: allowed.collect(),
            runs_with: BTreeMap::new(),
        };
        for (name, direct) in members {
            let direct: Vec<_> = direct
                .iter()
                .map(|(name, kind)| ((*name).to_owned(), *kind))
                .collect();
            let names = direct.iter().map(|(name, _)| name.clone()).collect();
            graph.runs_with.insert((*name).to_owned(), names);
            let folder = format!("crates/{name}");
            graph.members.insert(
                (*name).to_owned(),
                Member {
                    folder,
                    direct,
                    has_build_script: false,
                },
            );
        }
        graph
    }

    fn told(graph: &Graph) -> Vec<String> {
        check(graph, "").iter().map(ToString::to_string).collect()
    }

    #[test]
    fn siblings_and_unlisted_crates_are_found_and_listed_ones_are_not() {
        use DependencyKind::{Build, Development, Normal};
        assert_eq!(told(&graph(&[])), [""; 0]);
        let graph = graph(&[
            (
                "fulcrum-logs",
                &[("bytes", Normal), ("fulcrum-rpc", Normal), ("clap", Normal)],
            ),
            (
                "fulcrum-health",
                &[("proptest", Development), ("tokio", Normal), ("cc", Build)],
            ),
            ("fulcrum-cli", &[("fulcrum-rpc", Normal)]),
            ("xtask", &[("clap", Normal), ("fulcrum-config", Normal)]),
        ]);
        let told = told(&graph).join("\n");
        assert!(
            told.contains(
                "crates/fulcrum-logs/Cargo.toml:1: fulcrum-logs depends on its sibling fulcrum-rpc"
            ),
            "{told}"
        );
        assert!(told.contains("fulcrum-logs depends on clap"), "{told}");
        assert!(told.contains("fulcrum-health depends on tokio"), "{told}");
        assert!(
            told.contains("fulcrum-health has the build-dependency cc"),
            "{told}"
        );
        assert!(told.contains("xtask depends on fulcrum-config"), "{told}");
        for fine in [
            "bytes",
            "proptest",
            "fulcrum-cli depends",
            "xtask depends on clap",
        ] {
            assert!(!told.contains(fine), "{fine} is allowed: {told}");
        }
    }

    #[test]
    fn a_crate_without_a_row_is_found() {
        let told = told(&graph(&[("fulcrum-new", &[])]));
        assert!(told[0].contains("fulcrum-new has no row"), "{told:?}");
    }

    #[test]
    fn a_path_through_the_graph_names_every_step() {
        use DependencyKind::Normal;
        let graph = graph(&[
            ("a", &[("b", Normal), ("c", Normal)]),
            ("b", &[("a", Normal)]),
            ("c", &[("d", Normal)]),
        ]);
        assert_eq!(graph.path("a", "d").unwrap(), ["a", "c", "d"]);
        assert_eq!(graph.path("c", "a"), None);
        assert_eq!(graph.path("a", "a"), None);
    }

    #[test]
    fn pinned_versions_that_nobody_uses_are_told() {
        let manifest = "[workspace]\n\n[workspace.dependencies]\n# yaml\nyaml = { package = \"yaml_serde\", \
                        version = \"1\" }\nbytes = \"1\"\n\n[profile.dev]\ndebug = 1\n";
        assert_eq!(
            pinned(manifest),
            [(5, "yaml_serde".to_owned()), (6, "bytes".to_owned())]
        );
        let graph = graph(&[("fulcrum-logs", &[("bytes", DependencyKind::Normal)])]);
        let told = unused(&graph, manifest);
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(told[0].line, 5);
    }
}
