//! Renders lines for terminals and files.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::Write as _;
use std::sync::Arc;

use memchr::{memchr_iter, memmem};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::chunk::Chunk;
use crate::follower::Gap;
use crate::line::{FULCRUM_SOURCE, Level, LogLine, Stream};
use crate::links::LinkBase;
use crate::overwritten::last_state;
use crate::sanitize::{count_unprintable, is_plain_text, sanitize};
use crate::time::rfc3339_millis;

/// The smallest width of the name column: `fulcrum` always occurs.
const MIN_NAME_WIDTH: usize = FULCRUM_SOURCE.len();
const RESET: &[u8] = b"\x1b[0m";
const DIM: &[u8] = b"\x1b[2m";
const BOLD: &[u8] = b"\x1b[1m";
const BOLD_YELLOW: &[u8] = b"\x1b[1;33m";
const BOLD_RED: &[u8] = b"\x1b[1;31m";

/// Colors of the 256-color palette that are readable on dark and light backgrounds. Without red, which
/// means a failure.
const PALETTE: [u8; 12] = [31, 33, 37, 65, 70, 98, 100, 130, 133, 136, 168, 172];

/// How lines are rendered.
#[derive(Debug, Clone, Copy, Default)]
pub struct Style<'a> {
    /// Use colors, those in the lines included. Without it there are no escape sequences.
    pub color: bool,
    /// The width of the terminal, if it is one. Names take a third of it at most.
    pub width: Option<u16>,
    /// Expected names, for alignment. A longer one that occurs later widens the column.
    pub names: &'a [&'a str],
    /// Start lines with the time (RFC 3339, UTC, milliseconds).
    pub timestamps: bool,
    /// Write the bytes of lines unchanged, control sequences included.
    pub raw: bool,
    /// Make links of names of files in Fulcrum's own lines and in stack traces.
    pub links: Option<&'a LinkBase>,
}

/// Renders lines for a terminal or a pipe: `users   │ text`.
#[derive(Debug)]
pub struct LineRenderer {
    color: bool,
    timestamps: bool,
    raw: bool,
    links: Option<LinkBase>,
    max_name_width: usize,
    name_width: usize,
    /// Prefixes by name, for the current column.
    prefixes: HashMap<Arc<str>, Vec<u8>>,
    /// Streams whose last line was partial, with the generation that wrote it.
    open: HashMap<(Arc<str>, Stream), u64>,
}

impl LineRenderer {
    /// Creates a renderer.
    #[must_use]
    pub fn new(style: Style<'_>) -> Self {
        let third = style.width.map(|width| usize::from(width) / 3);
        let max_name_width = third.map_or(usize::MAX, |third| third.max(MIN_NAME_WIDTH));
        let longest = style.names.iter().map(|name| name.width()).max();
        Self {
            color: style.color,
            timestamps: style.timestamps,
            raw: style.raw,
            links: style.links.cloned(),
            max_name_width,
            name_width: longest.unwrap_or(0).clamp(MIN_NAME_WIDTH, max_name_width),
            prefixes: HashMap::new(),
            open: HashMap::new(),
        }
    }

    /// Renders one line, with its line end; nothing where it is only the end of one that was rendered
    /// as partial.
    pub fn render(&mut self, line: &LogLine) -> Vec<u8> {
        let mut out = Vec::with_capacity(line.message.len() + 64);
        self.render_into(line, &mut out);
        out
    }

    /// Appends one line, with its line end, to `out`.
    pub fn render_into(&mut self, line: &LogLine, out: &mut Vec<u8>) {
        if self.is_end_of_partial(line) {
            return;
        }
        let content = match self.raw {
            true => Cow::Borrowed(&*line.message),
            false => last_state(line.content()),
        };
        // Something was drawn and erased, such as a spinner.
        if matches!(content, Cow::Owned(_)) && content.is_empty() {
            return;
        }
        if self.timestamps {
            self.paint(DIM, rfc3339_millis(line.time).as_bytes(), out);
            out.push(b' ');
        }
        out.extend_from_slice(self.prefix(&line.source.domain));
        let own = self.color && line.stream == Stream::Fulcrum;
        if own {
            out.extend_from_slice(match line.level {
                Some(Level::Fatal | Level::Error) => BOLD_RED,
                Some(Level::Warn) => BOLD_YELLOW,
                Some(Level::Info) => BOLD,
                Some(Level::Debug | Level::Trace) | None => DIM,
            });
        }
        let mut needs_reset = own;
        if self.raw {
            out.extend_from_slice(&content);
        } else {
            let start = out.len();
            needs_reset |= sanitize(&content, self.color, out);
            if self.has_links(line.stream, &content) {
                self.link_from(start, out);
            }
        }
        if needs_reset {
            // A color that the line leaves on must not affect other lines.
            out.extend_from_slice(RESET);
        }
        if line.partial && self.color {
            self.paint(DIM, "⏎".as_bytes(), out);
        }
        out.push(b'\n');
    }

    /// Appends the lines of a chunk, as [`render_into`](Self::render_into) does one by one.
    pub fn render_chunk_into(&mut self, chunk: &Chunk, out: &mut Vec<u8>) {
        let is_simple = self.open.is_empty()
            && !chunk.lines.partial
            && !self.timestamps
            && !self.raw
            && chunk.stream != Stream::Fulcrum
            && !self.has_links(chunk.stream, &chunk.lines.text);
        if is_simple && self.render_plain_into(chunk, out) {
            return;
        }
        for line in chunk.lines_without_levels() {
            self.render_into(&line, out);
        }
    }

    /// Appends whole lines that need no change but their prefix. False, and nothing, if one does.
    fn render_plain_into(&mut self, chunk: &Chunk, out: &mut Vec<u8>) -> bool {
        let text = &chunk.lines.text;
        let lines = usize::try_from(chunk.lines.lines).unwrap_or_default();
        let unprintable = count_unprintable(text);
        let is_checked = unprintable != lines;
        if is_checked && !is_plain_text(text) {
            return false;
        }
        let prefix = self.prefix(&chunk.source.domain);
        out.reserve(text.len() + lines * prefix.len());
        let (first, mut start, mut ends) = (out.len(), 0, 0);
        for end in memchr_iter(b'\n', text) {
            out.extend_from_slice(prefix);
            out.extend_from_slice(&text[start..=end]);
            start = end + 1;
            ends += 1;
        }
        // Else what is not printable was only counted: all of it has to be line ends.
        let is_plain = is_checked || ends == unprintable;
        if !is_plain {
            out.truncate(first);
        }
        is_plain
    }

    /// Whether names of files in a text are to be links: in Fulcrum's own lines, and in stack traces.
    fn has_links(&self, stream: Stream, text: &[u8]) -> bool {
        self.links.is_some()
            && match stream {
                Stream::Fulcrum => true,
                Stream::Stderr => memmem::find(text, b"    at ").is_some(),
                Stream::Stdout => false,
            }
    }

    /// Makes links in the text that begins at `start`.
    fn link_from(&self, start: usize, out: &mut Vec<u8>) {
        let text = std::str::from_utf8(&out[start..]).ok();
        let linked = self
            .links
            .as_ref()
            .zip(text)
            .and_then(|(links, text)| links.link(text));
        if let Some(linked) = linked {
            out.truncate(start);
            out.extend_from_slice(linked.as_bytes());
        }
    }

    /// Remembers partial lines. Whether the line is nothing but the end of one.
    fn is_end_of_partial(&mut self, line: &LogLine) -> bool {
        if !line.partial && self.open.is_empty() {
            return false;
        }
        let origin = (Arc::clone(&line.source.domain), line.stream);
        let generation = line.source.generation;
        if line.partial {
            self.open.insert(origin, generation);
            return false;
        }
        self.open.remove(&origin) == Some(generation) && line.content().is_empty()
    }

    /// Renders a gap as one of Fulcrum's own lines.
    pub fn render_gap(&mut self, gap: Gap) -> Vec<u8> {
        let mut out = self.prefix(&Arc::from(FULCRUM_SOURCE)).to_vec();
        let lines = if gap.missed == 1 { "line" } else { "lines" };
        let text = format!("{} {lines} dropped (output rate too high)", gap.missed);
        self.paint(BOLD_YELLOW, text.as_bytes(), &mut out);
        out.push(b'\n');
        out
    }

    fn paint(&self, color: &[u8], text: &[u8], out: &mut Vec<u8>) {
        if self.color {
            out.extend_from_slice(color);
            out.extend_from_slice(text);
            out.extend_from_slice(RESET);
        } else {
            out.extend_from_slice(text);
        }
    }

    /// `users   │ `, in the name's color.
    fn prefix(&mut self, name: &Arc<str>) -> &[u8] {
        let width = name.width().min(self.max_name_width);
        if width > self.name_width {
            self.name_width = width;
            self.prefixes.clear();
        }
        if !self.prefixes.contains_key(name) {
            let prefix = self.make_prefix(name);
            self.prefixes.insert(Arc::clone(name), prefix);
        }
        &self.prefixes[name]
    }

    fn make_prefix(&self, name: &str) -> Vec<u8> {
        let mut out = Vec::new();
        if self.color {
            if name == FULCRUM_SOURCE {
                out.extend_from_slice(BOLD);
            } else {
                write!(out, "\x1b[38;5;{}m", color_for(name))
                    .expect("writing to a Vec cannot fail");
            }
        }
        let name = truncate_to_width(name, self.name_width);
        sanitize(name.as_bytes(), false, &mut out);
        out.resize(
            out.len() + self.name_width - name.width().min(self.name_width),
            b' ',
        );
        out.extend_from_slice(" │".as_bytes());
        if self.color {
            out.extend_from_slice(RESET);
        }
        out.push(b' ');
        out
    }
}

/// The color of a name, the same in every run and on every machine (FNV-1a over the palette).
fn color_for(name: &str) -> u8 {
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    // The low bits of FNV differ least for short names.
    let folded = hash ^ (hash >> 32);
    PALETTE[usize::try_from(folded % PALETTE.len() as u64).expect("less than the palette's length")]
}

/// The text, truncated with `…` to `columns` of a terminal.
#[must_use]
pub fn truncate_to_width(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut truncated = String::new();
    let mut width = 1;
    for char in text.chars() {
        width += char.width().unwrap_or(0);
        if width > columns {
            break;
        }
        truncated.push(char);
    }
    truncated.push('…');
    truncated
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use bytes::Bytes;

    use super::*;
    use crate::line_splitter::LineBatch;
    use crate::test_support;

    fn line(domain: &str, message: &'static str) -> LogLine {
        LogLine {
            time: SystemTime::UNIX_EPOCH + Duration::from_millis(1_234),
            ..test_support::line(domain, message)
        }
    }

    fn render(renderer: &mut LineRenderer, line: &LogLine) -> String {
        String::from_utf8(renderer.render(line)).expect("always UTF-8")
    }

    #[test]
    fn a_chunk_is_rendered_as_its_lines() {
        for text in [
            "one\ntwo\n\n",
            "with CR\r\nnext\n",
            "with\ttab\nnext\n",
            "ümlaut\nnext\n",
            "\u{1b}[31mred\n\u{7}bell\n",
            "unfinished",
        ] {
            for color in [false, true] {
                let chunk = Chunk::single_line(&line("users", text));
                let (lines, partial) = match text.ends_with('\n') {
                    true => (text.matches('\n').count(), false),
                    false => (1, true),
                };
                let chunk = Chunk {
                    lines: LineBatch {
                        text: Bytes::from_static(text.as_bytes()),
                        lines: u32::try_from(lines).expect("few"),
                        continues: false,
                        partial,
                    },
                    ..chunk
                };
                let style = Style {
                    color,
                    ..Style::default()
                };
                let (mut by_chunk, mut by_line) = (Vec::new(), Vec::new());
                // The second one follows what the first one left open.
                let mut renderers = [LineRenderer::new(style), LineRenderer::new(style)];
                for _ in 0..2 {
                    renderers[0].render_chunk_into(&chunk, &mut by_chunk);
                    chunk
                        .lines()
                        .for_each(|line| renderers[1].render_into(&line, &mut by_line));
                }
                let [by_chunk, by_line] = [by_chunk, by_line].map(String::from_utf8);
                assert_eq!(by_chunk, by_line);
            }
        }
    }

    #[test]
    fn a_wrong_number_of_lines_lets_no_control_character_through() {
        let chunk = Chunk::single_line(&line("users", "x"));
        let chunk = Chunk {
            lines: LineBatch {
                text: Bytes::from_static(b"one\x1b[2J\n"),
                lines: 2,
                continues: false,
                partial: false,
            },
            ..chunk
        };
        let mut out = Vec::new();
        LineRenderer::new(Style::default()).render_chunk_into(&chunk, &mut out);
        assert_eq!(String::from_utf8_lossy(&out), "users   │ one␛[2J\n");
    }

    #[test]
    fn plain_lines_are_aligned() {
        let mut renderer = LineRenderer::new(Style {
            names: &["users", "orders"],
            ..Style::default()
        });
        assert_eq!(
            render(&mut renderer, &line("users", "hi")),
            "users   │ hi\n"
        );
        let unfinished = LogLine {
            partial: true,
            ..line("users", "\u{1b}[31mhi\u{1b}]0;t\u{7}")
        };
        assert_eq!(render(&mut renderer, &unfinished), "users   │ hi␛]0;t␇\n");
        // An unexpected longer name widens the column from then on.
        let longer = line("notifications", "x");
        assert_eq!(render(&mut renderer, &longer), "notifications │ x\n");
        assert_eq!(
            render(&mut renderer, &line("users", "hi")),
            "users         │ hi\n"
        );
    }

    #[test]
    fn wide_names_are_measured_in_columns_and_long_ones_truncated() {
        let mut renderer = LineRenderer::new(Style {
            names: &["注文"],
            width: Some(30),
            ..Style::default()
        });
        assert_eq!(render(&mut renderer, &line("注文", "x")), "注文    │ x\n");
        let long = line("recommendations", "x");
        assert_eq!(render(&mut renderer, &long), "recommend… │ x\n");
    }

    #[test]
    fn a_color_ends_with_its_line_and_depends_on_the_name_alone() {
        let style = Style {
            color: true,
            ..Style::default()
        };
        let mut one = LineRenderer::new(style);
        let line_with_color = render(&mut one, &line("users", "\u{1b}[31mred"));
        assert!(
            line_with_color.ends_with("\u{1b}[31mred\u{1b}[0m\n"),
            "{line_with_color:?}"
        );
        let mut other = LineRenderer::new(style);
        render(&mut other, &line("orders", "first"));
        assert_eq!(
            render(&mut other, &line("users", "x")),
            render(&mut one, &line("users", "x"))
        );
        assert_ne!(color_for("users"), color_for("orders"));
    }

    #[test]
    fn each_line_starts_in_the_initial_state_of_the_terminal() {
        let mut renderer = LineRenderer::new(Style {
            color: true,
            ..Style::default()
        });
        let prefix = "\u{1b}[38;5;168musers   │\u{1b}[0m ";
        for (message, expected) in [
            ("x", "x\n"),
            // Reset by the line itself: nothing to add.
            ("\u{1b}[31mred\u{1b}[0m x", "\u{1b}[31mred\u{1b}[0m x\n"),
            (
                "\u{1b}[31mred\u{1b}[39m",
                "\u{1b}[31mred\u{1b}[39m\u{1b}[0m\n",
            ),
            ("\u{1b}[7mx\u{1b}[K", "\u{1b}[7mx\u{1b}[0m\n"),
            ("\u{1b}[7mx\u{1b}[2J", "\u{1b}[7mx␛[2J\u{1b}[0m\n"),
            ("\u{1b}]52;c;eA==\u{7}", "␛]52;c;eA==␇\n"),
        ] {
            let rendered = render(&mut renderer, &line("users", message));
            assert_eq!(rendered, format!("{prefix}{expected}"));
        }
    }

    #[test]
    fn partial_lines_and_own_lines_are_marked_in_color_only() {
        let unfinished = LogLine {
            partial: true,
            ..line("users", "x")
        };
        let own = LogLine {
            stream: Stream::Fulcrum,
            level: Some(Level::Error),
            ..line("users", "exit 1")
        };
        let mut color = LineRenderer::new(Style {
            color: true,
            ..Style::default()
        });
        assert!(render(&mut color, &unfinished).ends_with("x\u{1b}[2m⏎\u{1b}[0m\n"));
        assert!(render(&mut color, &own).ends_with("\u{1b}[1;31mexit 1\u{1b}[0m\n"));
        let mut plain = LineRenderer::new(Style::default());
        assert_eq!(render(&mut plain, &unfinished), "users   │ x\n");
        assert_eq!(render(&mut plain, &own), "users   │ exit 1\n");
        assert_eq!(
            plain.render_gap(Gap { missed: 2 }),
            "fulcrum │ 2 lines dropped (output rate too high)\n".as_bytes()
        );
    }

    #[test]
    fn links_are_in_own_lines_and_stack_traces() {
        let base = LinkBase {
            host: "box".into(),
            root: "/srv".into(),
        };
        let mut renderer = LineRenderer::new(Style {
            links: Some(&base),
            ..Style::default()
        });
        let of = |stream, message| LogLine {
            stream,
            ..line("users", message)
        };
        for (stream, message, links) in [
            (Stream::Fulcrum, "see a/b.ts", true),
            (Stream::Stderr, "    at f (/a/b.ts:1:2)", true),
            (Stream::Stderr, "see a/b.ts", false),
            (Stream::Stdout, "    at f (/a/b.ts:1:2)", false),
        ] {
            let rendered = render(&mut renderer, &of(stream, message));
            assert_eq!(
                rendered.contains("\x1b]8;;file://box/"),
                links,
                "{rendered:?}"
            );
        }
    }

    #[test]
    fn the_end_of_a_partial_line_is_no_line_of_its_own() {
        let part = LogLine {
            partial: true,
            ..line("users", "> ")
        };
        let mut renderer = LineRenderer::new(Style::default());
        assert_eq!(render(&mut renderer, &part), "users   │ > \n");
        let empty = line("users", "");
        assert_eq!(render(&mut renderer, &line("orders", "")), "orders  │ \n");
        assert_eq!(render(&mut renderer, &empty), "");
        assert_eq!(render(&mut renderer, &empty), "users   │ \n");
        render(&mut renderer, &part);
        let rest = render(&mut renderer, &line("users", "quit\r"));
        assert_eq!(rest, "users   │ quit\n");
        assert_eq!(render(&mut renderer, &empty), "users   │ \n");
    }

    #[test]
    fn timestamps_and_raw_bytes_are_optional() {
        let mut renderer = LineRenderer::new(Style {
            timestamps: true,
            raw: true,
            ..Style::default()
        });
        assert_eq!(
            render(&mut renderer, &line("users", "\u{1b}]0;title\u{7}")),
            "1970-01-01T00:00:01.234Z users   │ \u{1b}]0;title\u{7}\n"
        );
    }
}
