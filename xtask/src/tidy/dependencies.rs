//! Which package depends on which, compared with the [policy](super::policy).

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata, TargetKind};

use super::finding::Finding;
use super::policy::{CRATES, FOR_TESTS, LIBRARY_PREFIX, TOOL_CRATES, TOP_CRATE};

/// The workspace's packages and what they depend on directly, by the names of the registry.
pub(super) struct Graph {
    pub(super) members: BTreeMap<String, Member>,
}

/// A package of the workspace.
#[derive(Default)]
pub(super) struct Member {
    /// The directory, relative to the root.
    pub(super) directory: String,
    /// The root files of its library and programs, relative to the root.
    pub(super) roots: Vec<String>,
    direct: Vec<(String, DependencyKind)>,
    has_build_script: bool,
}

impl Graph {
    pub(super) fn new(metadata: &Metadata) -> Self {
        let root = &metadata.workspace_root;
        let members = metadata.workspace_packages().into_iter().map(|package| {
            let directory = package.manifest_path.parent().unwrap_or(root);
            let direct = package
                .dependencies
                .iter()
                .map(|dep| (dep.name.clone(), dep.kind));
            let has_modules = |kind: &TargetKind| matches!(kind, TargetKind::Lib | TargetKind::Bin);
            let roots = package
                .targets
                .iter()
                .filter(|target| target.kind.iter().any(has_modules))
                .map(|target| {
                    target
                        .src_path
                        .strip_prefix(root)
                        .unwrap_or(&target.src_path)
                });
            let member = Member {
                directory: directory
                    .strip_prefix(root)
                    .unwrap_or(directory)
                    .to_string(),
                roots: roots.map(ToString::to_string).collect(),
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
        }
    }
}

/// Compares the graph with the policy. `workspace_manifest` is the root's `Cargo.toml`.
pub(super) fn check(graph: &Graph, workspace_manifest: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, member) in &graph.members {
        findings.extend(match TOOL_CRATES.iter().find(|(tool, _)| tool == name) {
            Some((_, allowed)) => check_tool(name, member, allowed),
            None => check_product(name, member),
        });
    }
    findings.extend(unused(graph, workspace_manifest));
    findings
}

fn check_tool(name: &str, member: &Member, allowed: &[&str]) -> Vec<Finding> {
    member
        .direct
        .iter()
        .filter(|(dependency, _)| {
            dependency.starts_with(LIBRARY_PREFIX) && !allowed.contains(&dependency.as_str())
        })
        .map(|(dependency, _)| {
            Finding::error(
                manifest(member),
                1,
                format!("{name} depends on {dependency}"),
                "it runs the program from outside, as a user does; remove it",
            )
        })
        .collect()
}

fn check_product(name: &str, member: &Member) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut found = |message: String, hint: &str| {
        findings.push(Finding::error(manifest(member), 1, message, hint));
    };
    let Some(rule) = CRATES.iter().find(|rule| rule.name == name) else {
        found(
            format!("{name} has no row in the table of crates"),
            "add it to xtask/src/tidy/policy.rs",
        );
        return findings;
    };
    // That of the program says how it is linked.
    if member.has_build_script && name != TOP_CRATE {
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
        let is_development = *kind == DependencyKind::Development;
        let is_allowed = |table: &[(&str, &str)]| table.iter().any(|(name, _)| name == dependency);
        if dependency.starts_with(LIBRARY_PREFIX) {
            if dependency == TOP_CRATE {
                found(
                    format!("{name} depends on {dependency}"),
                    "it is a program, which nothing imports",
                );
            } else if !rule.siblings.contains(&dependency.as_str()) {
                found(
                    format!("{name} depends on its sibling {dependency}"),
                    "only fulcrum-runtime and fulcrum-cli join them, in tests and examples too: \
                     pass plain data, or a trait that one of them implements",
                );
            }
        } else if !(is_allowed(rule.allowed) || is_development && is_allowed(&FOR_TESTS)) {
            found(
                format!("{name} depends on {dependency}, which the table of crates does not allow"),
                "do without, or add it with its reason to xtask/src/tidy/policy.rs",
            );
        }
    }
    findings
}

fn manifest(member: &Member) -> String {
    format!("{}/Cargo.toml", member.directory)
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
        // The workspace's own crates are listed for those that join them.
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
        let members = members.iter().map(|(name, direct)| {
            let direct = direct
                .iter()
                .map(|(name, kind)| ((*name).to_owned(), *kind));
            let member = Member {
                directory: format!("crates/{name}"),
                direct: direct.collect(),
                ..Member::default()
            };
            ((*name).to_owned(), member)
        });
        Graph {
            members: members.collect(),
        }
    }

    fn found(graph: &Graph) -> Vec<String> {
        check(graph, "").iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_sibling_that_depends_on_a_sibling_fails() {
        use DependencyKind::{Development, Normal};
        for kind in [Normal, Development] {
            let found = found(&graph(&[("fulcrum-logs", &[("fulcrum-rpc", kind)])]));
            let expected = "crates/fulcrum-logs/Cargo.toml:1: fulcrum-logs depends on its sibling \
                            fulcrum-rpc";
            assert!(found[0].starts_with(expected), "{found:?}");
        }
        for joins in ["fulcrum-runtime", "fulcrum-cli"] {
            let found = found(&graph(&[(joins, &[("fulcrum-rpc", Normal)])]));
            assert_eq!(found, [""; 0]);
        }
    }

    #[test]
    fn nothing_depends_on_the_program() {
        use DependencyKind::Normal;
        for name in ["fulcrum-logs", "fulcrum-runtime", "xtask", "fulcrum-e2e"] {
            let found = found(&graph(&[(name, &[("fulcrum-cli", Normal)])]));
            assert!(found[0].contains("depends on fulcrum-cli"), "{found:?}");
        }
        let found = found(&graph(&[("fulcrum-cli", &[("fulcrum-runtime", Normal)])]));
        assert_eq!(found, [""; 0]);
    }

    #[test]
    fn a_runtime_that_depends_on_clap_fails() {
        use DependencyKind::Normal;
        let found = found(&graph(&[("fulcrum-runtime", &[("clap", Normal)])]));
        assert!(
            found[0].contains("fulcrum-runtime depends on clap"),
            "{found:?}"
        );
    }

    #[test]
    fn unlisted_dependencies_are_found_and_listed_ones_are_not() {
        use DependencyKind::{Build, Development, Normal};
        let found = found(&graph(&[
            ("fulcrum-logs", &[("bytes", Normal), ("clap", Normal)]),
            ("fulcrum-watch", &[("proptest", Development), ("cc", Build)]),
            (
                "xtask",
                &[
                    ("clap", Normal),
                    ("fulcrum-config", Normal),
                    ("fulcrum-rpc", Normal),
                ],
            ),
        ]))
        .join("\n");
        for wrong in [
            "fulcrum-logs depends on clap",
            "fulcrum-watch has the build-dependency cc",
            "xtask depends on fulcrum-rpc",
        ] {
            assert!(found.contains(wrong), "{wrong} is missing in {found}");
        }
        for fine in [
            "bytes",
            "proptest",
            "fulcrum-config",
            "xtask depends on clap",
        ] {
            assert!(!found.contains(fine), "{fine} is allowed: {found}");
        }
    }

    #[test]
    fn a_crate_without_a_row_is_found() {
        let found = found(&graph(&[("fulcrum-new", &[])]));
        assert!(found[0].contains("fulcrum-new has no row"), "{found:?}");
    }

    #[test]
    fn pinned_versions_without_a_use_are_found() {
        let manifest = "[workspace]\n\n[workspace.dependencies]\n# yaml\nyaml = { package = \"yaml_serde\", \
                        version = \"1\" }\nbytes = \"1\"\n\n[profile.dev]\ndebug = 1\n";
        assert_eq!(
            pinned(manifest),
            [(5, "yaml_serde".to_owned()), (6, "bytes".to_owned())]
        );
        let graph = graph(&[("fulcrum-logs", &[("bytes", DependencyKind::Normal)])]);
        let found = unused(&graph, manifest);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].line, 5);
    }
}
