//! The figures of the tree, as a table for people.

use std::fmt::{self, Write as _};

use super::finding::Finding;
use super::limits::{is_limited, lines_below, median};
use super::policy::{LAYERS, SIZE_LIMITS};
use super::source::{Function, Source};

/// How many of the longest files and functions are printed.
const LONGEST: usize = 5;

/// What the report is about.
pub(super) struct Report<'a> {
    pub(super) crates: Vec<CrateFigures<'a>>,
    /// Import cycles of all crates.
    pub(super) cycles: usize,
    /// Imports against the layers, and modules without one.
    pub(super) layer_violations: usize,
    pub(super) all_sources: &'a std::collections::BTreeMap<String, Source>,
}

/// One crate and its files without those that are only for tests.
pub(super) struct CrateFigures<'a> {
    pub(super) name: &'a str,
    pub(super) sources: Vec<&'a Source>,
}

/// Errors and warnings among findings.
pub(super) fn count(findings: &[Finding]) -> (usize, usize) {
    let warnings = findings.iter().filter(|finding| finding.warning).count();
    (findings.len() - warnings, warnings)
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<18} {:>6} {:>7} {:>9} {:>7} {:>7}",
            "crate", "files", "lines", "of tests", "median", "public"
        )?;
        for figures in &self.crates {
            figures.fmt(f)?;
        }
        f.write_str(
            "lines include those under #[cfg(test)]; the median file is without them\n\
             public: functions, methods, types, traits, constants and statics declared `pub`\n",
        )?;
        for (name, layers) in LAYERS {
            let exists = self.crates.iter().any(|figures| figures.name == *name);
            let names: Vec<String> = layers.iter().map(|layer| layer.join(", ")).collect();
            writeln!(f, "\nlayers of {name}: {}", names.join(" → "))?;
            match exists {
                true => writeln!(f, "layer violations: {}", self.layer_violations)?,
                false => writeln!(f, "not checked: no such crate")?,
            }
        }
        writeln!(f, "import cycles: {}", self.cycles)?;
        for limit in SIZE_LIMITS {
            let lines = lines_below(self.all_sources, limit.directory);
            writeln!(
                f,
                "{}: {lines} lines of at most {}",
                limit.directory, limit.lines
            )?;
        }
        f.write_str(&self.longest())
    }
}

impl fmt::Display for CrateFigures<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sum = |value: fn(&Source) -> usize| -> usize {
            self.sources.iter().map(|source| value(source)).sum()
        };
        let limited = self
            .sources
            .iter()
            .filter(|source| is_limited(&source.path));
        writeln!(
            f,
            "{:<18} {:>6} {:>7} {:>9} {:>7} {:>7}",
            self.name,
            self.sources.len(),
            sum(|source| source.lines),
            sum(|source| source.test_lines),
            median(limited.map(|source| source.code_lines()).collect()),
            sum(|source| source.public_items),
        )
    }
}

impl Report<'_> {
    fn longest(&self) -> String {
        let mut text = String::new();
        let sources = || {
            let all = self.crates.iter().flat_map(|figures| &figures.sources);
            all.filter(|source| is_limited(&source.path))
        };
        let mut files: Vec<&&Source> = sources().collect();
        files.sort_by_key(|source| std::cmp::Reverse(source.code_lines()));
        text.push_str("longest files, without tests:\n");
        for source in files.iter().take(LONGEST) {
            let _ = writeln!(text, "  {:>4}  {}", source.code_lines(), source.path);
        }
        let mut functions: Vec<(&Source, &Function)> = sources()
            .flat_map(|source| {
                source
                    .functions
                    .iter()
                    .map(move |function| (*source, function))
            })
            .filter(|(_, function)| !function.is_test)
            .collect();
        functions.sort_by_key(|(_, function)| std::cmp::Reverse(function.lines));
        text.push_str("longest functions:\n");
        for (
            source,
            Function {
                name, line, lines, ..
            },
        ) in functions.iter().take(LONGEST)
        {
            let _ = writeln!(text, "  {lines:>4}  {name} ({}:{line})", source.path);
        }
        text
    }
}
