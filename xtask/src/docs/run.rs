//! Writes the generated pages, or compares them.

use std::fs;

use anyhow::{Context, bail};

use super::{cli, configuration, errors};
use crate::{sample, workspace};

/// A generated page: its path below the root, and its text.
struct Page {
    path: &'static str,
    text: String,
}

/// Generates the pages and writes them, or with `check` only compares them with the checked-in
/// files.
///
/// # Errors
/// A build or a help text that fails, a file that cannot be read or written, or, with `check`, a
/// page that differs.
pub(crate) fn run(check: bool) -> anyhow::Result<()> {
    let program = sample::build()?;
    let pages = [
        Page {
            path: "docs/configuration.md",
            text: configuration::page(&fulcrum_config::setting_reference()),
        },
        Page {
            path: "docs/cli.md",
            text: cli::page(&cli::help_texts(&program)?),
        },
        Page {
            path: "docs/errors/README.md",
            text: errors::index(&workspace::root().join("docs/errors"))?,
        },
    ];
    let mut stale = Vec::new();
    for page in &pages {
        let path = workspace::root().join(page.path);
        // A missing page differs from any text.
        let old = fs::read_to_string(&path).unwrap_or_default();
        if old == page.text {
            continue;
        }
        if check {
            stale.push(format!("{}: {}", page.path, difference(&old, &page.text)));
        } else {
            fs::create_dir_all(path.parent().context("a page has a directory")?)?;
            fs::write(&path, &page.text).with_context(|| format!("cannot write {}", page.path))?;
            eprintln!("docs: wrote {}", page.path);
        }
    }
    if !stale.is_empty() {
        bail!(
            "{}\nhint: run `cargo xtask docs` and commit the files",
            stale.join("\n")
        );
    }
    Ok(())
}

/// The first line in which two texts differ.
fn difference(old: &str, new: &str) -> String {
    let (mut old, mut new) = (old.lines(), new.lines());
    for number in 1.. {
        let (old, new) = (old.next(), new.next());
        if old != new || new.is_none() {
            return format!(
                "line {number} is {:?} instead of {:?}",
                old.unwrap_or_default(),
                new.unwrap_or_default()
            );
        }
    }
    String::new()
}

#[cfg(test)]
mod tests {
    use super::difference;

    #[test]
    fn the_first_difference_is_reported_with_its_line() {
        assert_eq!(
            difference("a\nb\n", "a\nc\n"),
            "line 2 is \"b\" instead of \"c\""
        );
        assert_eq!(
            difference("a\n", "a\nc\n"),
            "line 2 is \"\" instead of \"c\""
        );
    }
}
