//! Reads the tree, runs every check on it and prints what they find.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, bail};

use super::code_map;
use super::cycles;
use super::dependencies::{self, Graph};
use super::error_codes;
use super::file_rules;
use super::finding::Finding;
use super::forbidden;
use super::layers;
use super::limits;
use super::modules::Modules;
use super::names;
use super::needs;
use super::policy::{CRATES, FORBIDDEN_PATHS, LAYERS, LIBRARY_PREFIX, SIZE_LIMITS};
use super::report::{self, CrateFigures, Report};
use super::source::{self, Source};
use super::tree::{self, File};
use crate::workspace;

/// Checks the tree; prints its figures and all findings. With `report_only`, findings fail nothing.
///
/// # Errors
/// The number of findings, if one is more than a warning; or a file that cannot be read.
pub(crate) fn run(report_only: bool) -> anyhow::Result<()> {
    let root = workspace::root();
    let graph = Graph::new(&workspace::metadata()?);
    let files = tree::files(root)?;
    let sources = parse(&files)?;

    let manifest = fs::read_to_string(root.join("Cargo.toml"))?;
    let mut findings = dependencies::check(&graph, &manifest);
    findings.extend(files.iter().flat_map(file_rules::check));
    findings.extend(names::check(&files));
    findings.extend(error_codes::check(&files));
    findings.extend(names::check_functions(&sources));
    findings.extend(limits::check_directories(&sources, SIZE_LIMITS));
    findings.extend(check_code_map(&graph, &files)?);

    let figures = check_crates(&graph, &sources, &mut findings);
    let product: Vec<&Source> = figures
        .crates
        .iter()
        .flat_map(|figures| figures.sources.iter().copied())
        .collect();
    findings.extend(limits::check(&product));

    print!("{figures}");
    conclude(findings, files.len(), report_only)
}

/// Parses every Rust file.
fn parse(files: &[File]) -> anyhow::Result<BTreeMap<String, Source>> {
    files
        .iter()
        .filter(|file| file.path.ends_with(".rs"))
        .map(|file| Ok((file.path.clone(), source::parse(&file.path, &file.text)?)))
        .collect()
}

/// Checks the modules of each crate, and collects its figures.
fn check_crates<'a>(
    graph: &'a Graph,
    sources: &'a BTreeMap<String, Source>,
    findings: &mut Vec<Finding>,
) -> Report<'a> {
    let mut report = Report {
        crates: Vec::new(),
        cycles: 0,
        layer_violations: 0,
        all_sources: sources,
    };
    for (name, member) in &graph.members {
        let mut of_crate = Vec::new();
        for root in &member.roots {
            let modules = Modules::new(name, root, sources);
            let imports = modules.imports();
            let cycles = cycles::check(&modules, &imports);
            report.cycles += cycles.len();
            findings.extend(cycles);
            for (_, table) in LAYERS.iter().filter(|(layered, _)| layered == name) {
                let violations = layers::check(&modules, &imports, table);
                report.layer_violations += violations.len();
                findings.extend(violations);
            }
            findings.extend(forbidden::check(&modules, FORBIDDEN_PATHS, CRATES));
            of_crate.extend(modules.files.iter().map(|file| file.source));
        }
        report.crates.push(CrateFigures {
            name,
            sources: of_crate,
        });
    }
    report
}

fn check_code_map(graph: &Graph, files: &[File]) -> anyhow::Result<Vec<Finding>> {
    let root = workspace::root();
    let text = match fs::read_to_string(root.join(code_map::FILE)) {
        Ok(text) => text,
        Err(error) => {
            return Ok(vec![Finding::error(
                code_map::FILE,
                1,
                format!("cannot read the code map: {error}"),
                "write it: what each crate and directory is for, and what it must never use",
            )]);
        }
    };
    let libraries = graph
        .members
        .keys()
        .filter(|name| name.starts_with(LIBRARY_PREFIX));
    let needs = libraries
        .map(|name| Ok((name.clone(), needs::of(name)?)))
        .collect::<anyhow::Result<_>>()?;
    let tree = code_map::Tree {
        root,
        files,
        graph,
        needs: &needs,
    };
    code_map::check(&text, &tree).context("cannot check the code map")
}

fn conclude(mut findings: Vec<Finding>, files: usize, report_only: bool) -> anyhow::Result<()> {
    findings.sort();
    for finding in &findings {
        eprintln!("{finding}");
    }
    let (errors, warnings) = report::count(&findings);
    let summary = format!("tidy: {errors} errors, {warnings} warnings in {files} files");
    if errors > 0 && !report_only {
        bail!("{summary}");
    }
    println!("{summary}");
    Ok(())
}
