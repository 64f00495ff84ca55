//! Finds the tests of the catalog.

use std::path::{Path, PathBuf};

use anyhow::Context;
use cargo_metadata::Message;

use super::row::Id;
use crate::command::CommandRunner;

/// Tests of this module are rows of the catalog.
const MODULE: &str = "faults::";

/// One test of the catalog.
#[derive(Debug, Clone)]
pub(super) struct Test {
    pub(super) executable: PathBuf,
    /// With its module.
    pub(super) name: String,
    /// None where its name does not begin with one.
    pub(super) row: Option<Id>,
    /// Not run without `--long`.
    pub(super) long: bool,
}

impl Test {
    /// Is the filter its row, or a part of its name?
    pub(super) fn matches(&self, filter: &str) -> bool {
        match Id::parse(filter) {
            Some(id) => self.row == Some(id),
            None => self.name.contains(filter),
        }
    }
}

/// Builds the end-to-end tests and gives their executable.
///
/// # Errors
/// A build that fails.
pub(super) fn executable() -> anyhow::Result<PathBuf> {
    let args =
        "test --package fulcrum-e2e --test e2e --no-run --message-format=json-render-diagnostics";
    let messages = CommandRunner::cargo().args(args.split(' ')).stdout()?;
    let mut executables = Message::parse_stream(messages.as_bytes())
        .filter_map(Result::ok)
        .filter_map(|message| match message {
            Message::CompilerArtifact(artifact) if artifact.target.name == "e2e" => {
                artifact.executable
            }
            _ => None,
        });
    let executable = executables.next();
    Ok(executable
        .context("cargo built no executable of the end-to-end tests")?
        .into_std_path_buf())
}

/// All tests of the catalog, in the order of their names.
///
/// # Errors
/// An executable that does not list its tests.
pub(super) fn tests(executable: &Path) -> anyhow::Result<Vec<Test>> {
    let list = |more: &[&str]| -> anyhow::Result<Vec<String>> {
        let run = CommandRunner::new(executable, crate::workspace::root());
        let args = ["--list", "--format", "terse", MODULE];
        let text = run.args(args).args(more).stdout()?;
        Ok(names(&text))
    };
    let long = list(&["--ignored"])?;
    let tests = list(&[])?.into_iter().map(|name| Test {
        executable: executable.to_owned(),
        row: Id::of_test(&name),
        long: long.contains(&name),
        name,
    });
    Ok(tests.collect())
}

fn names(text: &str) -> Vec<String> {
    let names = text.lines().filter_map(|line| line.strip_suffix(": test"));
    names.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_a_row_or_a_part_of_a_name() {
        assert_eq!(
            names("faults::a::a04_x: test\n\n1 test, 0 benchmarks\n"),
            ["faults::a::a04_x"]
        );
        let test = Test {
            executable: PathBuf::new(),
            name: "faults::a::a04_never".to_owned(),
            row: Some(Id('A', 4)),
            long: false,
        };
        assert!(test.matches("A4") && test.matches("a04") && test.matches("never"));
        assert!(!test.matches("a40") && !test.matches("A14") && !test.matches("always"));
    }
}
