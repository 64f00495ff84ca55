//! Markdown for a terminal: headings, code and wrapped paragraphs.

use unicode_width::UnicodeWidthStr;

use super::color::Color;

/// The widest text that is comfortable to read.
const MAX_WIDTH: usize = 92;

/// The part of Markdown that `docs/errors` uses, as text for a terminal of this width: headings
/// without their marks, code indented, paragraphs and list items wrapped.
pub(crate) fn render_markdown(text: &str, color: bool, width: Option<u16>) -> String {
    let width = width.map_or(MAX_WIDTH, |width| usize::from(width).min(MAX_WIDTH));
    let mut rendered = String::new();
    let mut in_code = false;
    for line in text.lines() {
        if line.starts_with("```") {
            in_code = !in_code;
        } else if in_code {
            push_line(&mut rendered, &format!("    {line}"));
        } else if let Some(heading) = line.strip_prefix('#') {
            let heading = heading.trim_start_matches('#').trim();
            push_line(&mut rendered, &Color::Bold.paint(heading, color));
        } else {
            let indent = if line.starts_with("- ") { "  " } else { "" };
            for line in wrap(line, width, indent) {
                push_line(&mut rendered, &line);
            }
        }
    }
    rendered
}

/// Appends a line; a code block beside a blank line makes no second one.
fn push_line(text: &mut String, line: &str) {
    let line = line.trim_end();
    if !(line.is_empty() && text.ends_with("\n\n")) {
        text.push_str(line);
        text.push('\n');
    }
}

/// The lines of a paragraph; those after the first begin with `indent`.
fn wrap(paragraph: &str, width: usize, indent: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in paragraph.split(' ') {
        let last = lines.last_mut().expect("there is a first line");
        let is_empty = last.trim().is_empty();
        if !is_empty && last.width() + 1 + word.width() > width {
            lines.push(format!("{indent}{word}"));
            continue;
        }
        if !is_empty {
            last.push(' ');
        }
        last.push_str(word);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_code_and_paragraphs_are_laid_out() {
        let text = "# FUL0001: title\n\nA paragraph of words.\n\n```yaml\na:\n  b: 1\n```\n\n- an item that wraps\n";
        assert_eq!(
            render_markdown(text, false, Some(14)),
            "FUL0001: title\n\nA paragraph of\nwords.\n\n    a:\n      b: 1\n\n- an item that\n  wraps\n"
        );
        assert!(render_markdown("# x", true, None).starts_with("\u{1b}[1mx"));
    }
}
