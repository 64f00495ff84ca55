//! Diagnostics with the line of the file that they are about, for a terminal.

use std::fs;
use std::ops::Range;
use std::path::Path;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use fulcrum_config::{Diagnostic, Location, Severity};

use super::stream_info::StreamInfo;
use super::table::sanitize;

/// Below this width a line of source has no room beside its number.
const MIN_WIDTH: u16 = 60;

/// Nothing that large is a configuration.
const MAX_SOURCE: u64 = 1 << 20;

/// A diagnostic as text for a stream: on a terminal with the line that it is about, else on one
/// line. `root` is what its file is relative to.
pub(crate) fn render_diagnostic(
    diagnostic: &Diagnostic,
    root: Option<&Path>,
    stream: StreamInfo,
) -> String {
    let source = match (&diagnostic.at, root) {
        (Some(at), Some(root)) if has_room(stream) && at.line > 0 => read(&root.join(&at.file)),
        _ => None,
    };
    let excerpt = source.and_then(|source| {
        let at = diagnostic.at.as_ref()?;
        excerpt(diagnostic, at, &source, stream)
    });
    excerpt.unwrap_or_else(|| diagnostic.to_string())
}

fn has_room(stream: StreamInfo) -> bool {
    stream.terminal && stream.width.is_none_or(|width| width >= MIN_WIDTH)
}

fn read(path: &Path) -> Option<String> {
    let metadata = fs::metadata(path).ok()?;
    let is_source = metadata.is_file() && metadata.len() <= MAX_SOURCE;
    is_source.then(|| fs::read_to_string(path).ok()).flatten()
}

fn excerpt(
    diagnostic: &Diagnostic,
    at: &Location,
    source: &str,
    stream: StreamInfo,
) -> Option<String> {
    let source = source.strip_prefix('\u{feff}').unwrap_or(source);
    let line = source.lines().nth(at.line as usize - 1)?;
    let span = token(line, at.column);
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let file = sanitize(&at.file.to_string_lossy());
    let snippet = Snippet::source(line)
        .line_start(at.line as usize)
        .path(file)
        .annotation(AnnotationKind::Primary.span(span));
    let mut group = level
        .primary_title(sanitize(&diagnostic.message))
        .id(diagnostic.code.to_string())
        .element(snippet);
    if let Some(hint) = &diagnostic.hint {
        group = group.element(Level::HELP.with_name("hint").message(sanitize(hint)));
    }
    let renderer = match stream.color {
        true => Renderer::styled(),
        false => Renderer::plain(),
    };
    let renderer = match stream.width {
        Some(width) => renderer.term_width(usize::from(width)),
        None => renderer,
    };
    Some(format!("{}\n", renderer.render(&[group])))
}

/// The bytes of the key or value that begins in a column, counted in characters from 1; of the line
/// as a whole for column 0.
fn token(line: &str, column: u32) -> Range<usize> {
    let skipped = (column as usize).saturating_sub(1);
    let start = line.char_indices().nth(skipped).map(|(at, _)| at);
    let start = start.unwrap_or(line.len());
    if column == 0 {
        let indent = line.len() - line.trim_start().len();
        return indent..line.trim_end().len().max(indent);
    }
    let rest = &line[start..];
    let mut chars = rest.char_indices();
    let end = match chars.next() {
        Some((_, quote @ ('"' | '\''))) => {
            chars.find(|(_, char)| *char == quote).map(|(at, _)| at + 1)
        }
        Some((_, open @ ('[' | '{'))) => Some(closing(rest, open)),
        Some(_) => {
            let mut ends = chars.filter(|(at, char)| match char {
                ',' | ']' | '}' => true,
                ':' => rest[at + 1..].starts_with(' ') || rest.len() == at + 1,
                '#' => rest[..*at].ends_with(' '),
                _ => false,
            });
            ends.next().map(|(at, _)| at)
        }
        None => None,
    };
    let text = &rest[..end.unwrap_or(rest.len())];
    start..start + text.trim_end().len()
}

/// The byte behind the bracket that closes the first one; that of the first if none does, as in a list
/// that goes on below.
fn closing(text: &str, open: char) -> usize {
    let close = if open == '[' { ']' } else { '}' };
    let mut depth = 0_usize;
    for (at, char) in text.char_indices() {
        if char == open {
            depth += 1;
        } else if char == close {
            depth -= 1;
            if depth == 0 {
                return at + 1;
            }
        }
    }
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_or_value_at_a_column_is_marked() {
        for (line, column, marked) in [
            ("  grcp: {}", 3, "grcp"),
            ("  stop: {grace: 5}", 17, "5"),
            ("  listen: http://x:1", 11, "http://x:1"),
            ("  name: \"a b\" # c", 9, "\"a b\""),
            ("  name: a b # c", 9, "a b"),
            ("  ports: [1, [2]] # x", 10, "[1, [2]]"),
            ("  ports: [1,", 10, "["),
            ("  - läuft", 5, "läuft"),
            ("  whole", 0, "whole"),
            ("x", 9, ""),
        ] {
            assert_eq!(&line[token(line, column)], marked, "{line}");
        }
    }

    #[test]
    fn a_terminal_gets_the_line_and_a_file_one_line_of_text() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("fulcrum.yml");
        fs::write(&file, "runtime:\n  grcp: {}\n").expect("a file");
        let options = fulcrum_config::LoadOptions {
            app: None,
            cwd: dir.path().canonicalize().expect("a path"),
            env: std::collections::BTreeMap::new(),
            flags: Vec::new(),
            mode: fulcrum_config::Mode::Dev,
            auto_ports: None,
        };
        let loaded = fulcrum_config::load(&options);
        let mut found = loaded.diagnostics.iter();
        let diagnostic = found
            .find(|one| one.severity == Severity::Error)
            .expect("an error");
        let wide = StreamInfo {
            terminal: true,
            color: false,
            width: Some(80),
        };
        assert_eq!(
            render_diagnostic(diagnostic, Some(dir.path()), wide),
            "\
error[FUL0120]: `runtime`: unknown key `grcp`
 --> fulcrum.yml:2:3
  |
2 |   grcp: {}
  |   ^^^^
  |
  = hint: did you mean `grpc`?
"
        );
        let narrow = StreamInfo {
            width: Some(40),
            ..wide
        };
        for stream in [narrow, StreamInfo::default()] {
            let text = render_diagnostic(diagnostic, Some(dir.path()), stream);
            assert_eq!(text, diagnostic.to_string());
        }
    }
}
