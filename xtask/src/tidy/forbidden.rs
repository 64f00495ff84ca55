//! What a crate's code must not use, as paths and macros.

use super::finding::Finding;
use super::modules::Modules;
use super::policy::{Crate, ForbiddenPaths};

/// Finds uses of what the policy forbids a crate, and imports of its siblings.
pub(super) fn check(
    modules: &Modules<'_>,
    forbidden: &[ForbiddenPaths],
    crates: &[Crate],
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let external = modules.external_paths();
    for rule in forbidden.iter().filter(|rule| rule.name == modules.package) {
        let mut found = |path: &str, line: usize, what: &str| {
            findings.push(Finding::error(
                path,
                line,
                format!("{} uses {what}", modules.package),
                rule.hint,
            ));
        };
        for banned in rule.paths {
            let banned_segments: Vec<&str> = banned.split("::").collect();
            for (source, path, line) in &external {
                if path.len() >= banned_segments.len()
                    && path.iter().zip(&banned_segments).all(|(a, b)| a == b)
                {
                    found(&source.path, *line, banned);
                }
            }
        }
        for file in &modules.files {
            for (name, line) in &file.source.macros {
                if rule.macros.contains(&name.as_str()) {
                    found(&file.source.path, *line, &format!("{name}!"));
                }
            }
        }
    }
    let Some(rule) = crates.iter().find(|rule| rule.name == modules.package) else {
        return findings;
    };
    for (source, path, line) in &external {
        let imported = path.first().map(|name| name.replace('_', "-"));
        let sibling = crates.iter().find(|other| {
            Some(other.name) == imported.as_deref()
                && other.name != rule.name
                && !rule.siblings.contains(&other.name)
        });
        if let Some(sibling) = sibling {
            findings.push(Finding::error(
                &source.path,
                *line,
                format!("{} imports its sibling {}", rule.name, sibling.name),
                "pass plain data, or a trait that fulcrum-runtime or fulcrum-cli implements",
            ));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::policy::{CRATES, FORBIDDEN_PATHS};
    use super::super::source;
    use super::*;

    fn found(package: &str, code: &str) -> Vec<String> {
        let parsed = source::parse("src/lib.rs", code).unwrap();
        let sources = [("src/lib.rs".to_owned(), parsed)].into();
        let modules = Modules::new(package, "src/lib.rs", &sources);
        check(&modules, FORBIDDEN_PATHS, CRATES)
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn the_runtime_imports_no_clap() {
        for code in [
            "use clap::Parser;\n",
            "#[derive(clap::Args)]\nstruct A;\n",
            "fn f() { clap::Command::new(\"x\"); }\n",
        ] {
            let found = found("fulcrum-runtime", code);
            assert!(found[0].contains("fulcrum-runtime uses clap"), "{found:?}");
        }
        assert_eq!(found("fulcrum-cli", "use clap::Parser;\n"), [""; 0]);
    }

    #[test]
    fn the_runtime_writes_nothing_to_standard_output() {
        for code in [
            "fn f() { println!(\"x\"); }\n",
            "fn f() { std::print!(\"x\"); }\n",
            "use std::io;\nfn f() { writeln!(io::stdout(), \"x\"); }\n",
            "use std::io::{Write, stdout};\n",
            "fn f() { ::std::io::stdout(); }\n",
        ] {
            assert!(!found("fulcrum-runtime", code).is_empty(), "{code}");
        }
        let tests = "#[cfg(test)]\nmod tests { fn f() { println!(\"x\"); } }\n";
        assert_eq!(found("fulcrum-runtime", tests), [""; 0]);
    }

    #[test]
    fn the_runtime_neither_exits_nor_handles_signals() {
        let code = "use std::process;\nfn f() { process::exit(1); tokio::signal::ctrl_c(); }\n";
        assert_eq!(found("fulcrum-runtime", code).len(), 2);
        assert_eq!(
            found("fulcrum-runtime", "use std::process::Command;\n"),
            [""; 0]
        );
    }

    #[test]
    fn a_sibling_that_imports_a_sibling_fails() {
        let found_in_logs = found("fulcrum-logs", "use fulcrum_rpc::control::Event;\n");
        assert!(
            found_in_logs[0].contains("fulcrum-logs imports its sibling fulcrum-rpc"),
            "{found_in_logs:?}"
        );
        let composed = "use fulcrum_rpc::control::Event;\n";
        assert_eq!(found("fulcrum-runtime", composed), [""; 0]);
        assert_eq!(found("fulcrum-cli", composed), [""; 0]);
        assert_eq!(found("fulcrum-runtime", "use fulcrum_cli::x;\n").len(), 1);
    }
}
