//! One row: a small program, and what it prints.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::node_tools::NodeVersion;

/// A program and its expected output.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Row {
    /// What it is about: the heading of its file.
    pub(super) area: String,
    /// What is expected of TypeScript, as a sentence.
    pub(super) title: String,
    /// Where it is written, for messages.
    pub(super) place: (PathBuf, usize),
    /// `type` in package.json; `none` for a package.json without it, `None` for no package.json.
    pub(super) package_type: Option<String>,
    /// `compilerOptions` in tsconfig.json, as JSON.
    pub(super) compiler_options: Option<String>,
    /// The versions of Node that it is about.
    pub(super) nodes: NodeRange,
    /// The file that is run; the first one if none is named.
    pub(super) entry: String,
    /// Links and their targets.
    pub(super) links: Vec<(String, String)>,
    /// Why tsx fails.
    pub(super) tsx: Option<PeerFailure>,
    /// A line at which a debugger must pause.
    pub(super) breakpoint: Option<Breakpoint>,
    /// Whether the expected output or the expected error will do.
    pub(super) either: bool,
    pub(super) files: Vec<RowFile>,
    pub(super) expected: Expected,
}

impl Row {
    /// Area and title, by which rows are selected.
    pub(super) fn name(&self) -> String {
        format!("{}: {}", self.area, self.title)
    }

    /// Whether it is known that tsx fails there.
    pub(super) fn explains_tsx(&self, node: NodeVersion) -> bool {
        self.tsx
            .as_ref()
            .is_some_and(|failure| failure.nodes.contains(node))
    }
}

/// A known failure of another runner.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct PeerFailure {
    pub(super) nodes: NodeRange,
    pub(super) reason: String,
}

/// A file and a line, counted from 1.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Breakpoint {
    pub(super) file: String,
    pub(super) line: u32,
}

/// What a program prints. Lines may contain `…`, which matches any text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Expected {
    /// The whole standard output.
    pub(super) stdout: Option<String>,
    /// Each of these is in an error message, and the program fails.
    pub(super) error: Vec<String>,
    /// Each of these is in a warning at the start. Other runners have none.
    pub(super) warning: Vec<String>,
}

/// A file of a row.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct RowFile {
    pub(super) path: String,
    pub(super) text: String,
    pub(super) flags: Vec<Flag>,
}

impl RowFile {
    pub(super) fn has(&self, flag: Flag) -> bool {
        self.flags.contains(&flag)
    }

    /// Whether it is directly below `directory`, such as `""`.
    pub(super) fn is_at(&self, path: &str) -> bool {
        Path::new(&self.path) == Path::new(path)
    }
}

/// What a text in Markdown cannot show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Flag {
    /// It begins with a byte order mark.
    Bom,
    /// Its lines end with CRLF.
    Crlf,
    /// It does not end with a newline.
    Trim,
    /// `\xff` in it is that byte.
    Bytes,
    /// `@repeat(3, abc)@` in it is that text three times.
    Expand,
}

impl Flag {
    /// # Errors
    /// An unknown word.
    pub(super) fn parse(word: &str) -> anyhow::Result<Self> {
        Ok(match word {
            "bom" => Self::Bom,
            "crlf" => Self::Crlf,
            "trim" => Self::Trim,
            "bytes" => Self::Bytes,
            "expand" => Self::Expand,
            _ => bail!("{word} is none of bom, crlf, trim, bytes and expand"),
        })
    }
}

/// Versions of Node, such as `>=20.19 <24`; without bounds, all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct NodeRange {
    at_least: Option<(u32, u32)>,
    below: Option<(u32, u32)>,
}

impl NodeRange {
    /// # Errors
    /// Anything but `>=` and `<` with a version.
    pub(super) fn parse(text: &str) -> anyhow::Result<Self> {
        let mut range = Self::default();
        for bound in text.split_ascii_whitespace() {
            if let Some(version) = bound.strip_prefix(">=") {
                range.at_least = Some(numbers(version)?);
            } else if let Some(version) = bound.strip_prefix('<') {
                range.below = Some(numbers(version)?);
            } else {
                bail!("{bound}: versions are written as >=20.19 or <22");
            }
        }
        Ok(range)
    }

    pub(super) fn contains(&self, node: NodeVersion) -> bool {
        let version = node.numbers();
        self.at_least.is_none_or(|bound| version >= bound)
            && self.below.is_none_or(|bound| version < bound)
    }
}

fn numbers(version: &str) -> anyhow::Result<(u32, u32)> {
    let (major, minor) = version.split_once('.').unwrap_or((version, "0"));
    let number = |text: &str| {
        text.parse()
            .with_context(|| format!("{version} is no version"))
    };
    Ok((number(major)?, number(minor)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_has_a_lower_bound_within_and_an_upper_bound_outside() {
        let node = |name| NodeVersion::named(name).unwrap();
        let range = NodeRange::parse(">=20.19 <24").unwrap();
        let inside = ["20.13", "20", "22", "24"].map(|name| range.contains(node(name)));
        assert_eq!(inside, [false, true, true, false]);
        assert!(NodeRange::default().contains(node("26")));
        assert!(NodeRange::parse("=20").is_err());
    }
}
