//! Parts of `docs/performance.md` that benchmarks write.

use std::fs;

use anyhow::Context;

use crate::workspace;

const PAGE: &str = "docs/performance.md";

/// A table in Markdown.
pub(super) fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let mut text = format!(
        "| {} |\n|{}\n",
        header.join(" | "),
        "---|".repeat(header.len())
    );
    for row in rows {
        text += &format!("| {} |\n", row.join(" | "));
    }
    text
}

/// Replaces what is between the markers of a section of the page.
///
/// # Errors
/// A page without these markers.
pub(super) fn replace_section(name: &str, text: &str) -> anyhow::Result<()> {
    let path = workspace::root().join(PAGE);
    let page = fs::read_to_string(&path).with_context(|| format!("cannot read {PAGE}"))?;
    let page = replaced(&page, name, text).with_context(|| {
        format!("{PAGE} has no section between `<!-- {name} -->` and `<!-- /{name} -->`")
    })?;
    fs::write(&path, page).with_context(|| format!("cannot write {PAGE}"))
}

fn replaced(page: &str, name: &str, text: &str) -> Option<String> {
    let (before, rest) = page.split_once(&format!("<!-- {name} -->\n"))?;
    let (_, after) = rest.split_once(&format!("<!-- /{name} -->"))?;
    Some(format!(
        "{before}<!-- {name} -->\n{text}<!-- /{name} -->{after}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_section_of_that_name_is_replaced() {
        let page = "a\n<!-- x -->\nold\n<!-- /x -->\nb\n<!-- y -->\nstays\n<!-- /y -->\n";
        let expected = "a\n<!-- x -->\nnew\n<!-- /x -->\nb\n<!-- y -->\nstays\n<!-- /y -->\n";
        assert_eq!(replaced(page, "x", "new\n").as_deref(), Some(expected));
        assert_eq!(replaced(page, "z", "new\n"), None);
    }

    #[test]
    fn a_table_has_a_row_for_each_value() {
        let rows = [vec!["1".to_owned(), "2".to_owned()]];
        assert_eq!(
            table(&["a", "b"], &rows),
            "| a | b |\n|---|---|\n| 1 | 2 |\n"
        );
    }
}
