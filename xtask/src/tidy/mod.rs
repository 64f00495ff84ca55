//! `cargo xtask tidy`: what a reviewer would otherwise have to look for.
//!
//! Every check returns [`Finding`]s and none stops at its first one, so that a run tells
//! everything. What is checked: who depends on whom ([`dependencies`]), the code map in
//! `crates/README.md` ([`map`]), and what each file says ([`text`]).

mod dependencies;
mod finding;
mod map;
mod policy;
mod text;
mod tree;

use std::fs;

use anyhow::{Context, bail};

use crate::workspace;
use finding::Finding;

/// Checks the tree and prints all findings.
///
/// # Errors
/// How many findings there are, if one is more than a warning; or a file that can't be read.
pub(crate) fn run() -> anyhow::Result<()> {
    let root = workspace::root();
    let metadata = workspace::metadata()?;
    let graph = dependencies::Graph::new(&metadata);
    let files = tree::files(root)?;

    let mut findings = dependencies::check(&graph, &fs::read_to_string(root.join("Cargo.toml"))?);
    for file in &files {
        findings.extend(text::check(file));
    }
    match fs::read_to_string(root.join(map::FILE)) {
        Ok(text) => {
            let tree = map::Tree {
                root,
                files: &files,
                graph: &graph,
            };
            findings.extend(map::check(&text, &tree).context("the code map can't be checked")?);
        }
        Err(error) => findings.push(Finding::error(
            map::FILE,
            1,
            format!("the code map can't be read: {error}"),
            "write it: what each crate and folder is about, and what it must never know",
        )),
    }
    report(findings, files.len())
}

fn report(mut findings: Vec<Finding>, files: usize) -> anyhow::Result<()> {
    findings.sort();
    for finding in &findings {
        eprintln!("{finding}");
    }
    let errors = findings.iter().filter(|finding| !finding.warning).count();
    let warnings = findings.len() - errors;
    if errors > 0 {
        bail!("tidy: {errors} to cure, {warnings} to think about, in {files} files");
    }
    eprintln!("tidy: {files} files, {warnings} to think about");
    Ok(())
}
