//! Lines for people: whose they are, aligned, then the text.

use std::collections::HashMap;
use std::io::Write as _;
use std::sync::Arc;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::time::rfc3339_millis;
use crate::{FULCRUM_SOURCE, Gap, Level, LogLine, Stream, sanitize};

/// The column of names is at least as wide as `fulcrum`, since that one always speaks.
const NAME_MIN: usize = FULCRUM_SOURCE.len();
const RESET: &[u8] = b"\x1b[0m";
const DIM: &[u8] = b"\x1b[2m";
const BOLD: &[u8] = b"\x1b[1m";
const BOLD_YELLOW: &[u8] = b"\x1b[1;33m";
const BOLD_RED: &[u8] = b"\x1b[1;31m";

/// Colours of the 256-colour cube that read well on dark and on light grounds. No red: it means
/// that something failed.
const PALETTE: [u8; 12] = [31, 33, 37, 65, 70, 98, 100, 130, 133, 136, 168, 172];

/// How lines are shown.
#[derive(Debug, Clone, Copy, Default)]
pub struct Style<'a> {
    /// Colours, the domain's own included. Off: no escape sequence at all comes out.
    pub color: bool,
    /// Columns of the terminal, if it is one. Names take a third of it at most.
    pub width: Option<u16>,
    /// The names that will occur, for alignment. A longer one that comes later widens the column.
    pub names: &'a [&'a str],
    /// Put the time in front (RFC 3339, UTC, milliseconds).
    pub timestamps: bool,
    /// Let the domain's bytes pass as they are, control sequences and all.
    pub raw: bool,
}

/// Turns lines into bytes for a terminal or a pipe: `users   │ text`.
#[derive(Debug)]
pub struct LineRenderer {
    colour: bool,
    timestamps: bool,
    raw: bool,
    name_max: usize,
    column: usize,
    /// Finished prefixes by name, for the present column.
    prefixes: HashMap<Arc<str>, Vec<u8>>,
}

impl LineRenderer {
    /// A renderer in the given style.
    #[must_use]
    pub fn new(style: Style<'_>) -> Self {
        let third = style.width.map(|width| usize::from(width) / 3);
        let name_max = third.map_or(usize::MAX, |third| third.max(NAME_MIN));
        let longest = style.names.iter().map(|name| name.width()).max();
        Self {
            colour: style.color,
            timestamps: style.timestamps,
            raw: style.raw,
            name_max,
            column: longest.unwrap_or(0).clamp(NAME_MIN, name_max),
            prefixes: HashMap::new(),
        }
    }

    /// One line, its end included.
    pub fn render(&mut self, line: &LogLine) -> Vec<u8> {
        let mut out = Vec::with_capacity(line.message.len() + 64);
        self.render_into(line, &mut out);
        out
    }

    /// Appends one line, its end included, to `out`.
    pub fn render_into(&mut self, line: &LogLine, out: &mut Vec<u8>) {
        if self.timestamps {
            self.painted(DIM, rfc3339_millis(line.time).as_bytes(), out);
            out.push(b' ');
        }
        out.extend_from_slice(self.prefix(&line.source.domain));
        let own = self.colour && line.stream == Stream::Fulcrum;
        if own {
            out.extend_from_slice(match line.level {
                Some(Level::Fatal | Level::Error) => BOLD_RED,
                Some(Level::Warn) => BOLD_YELLOW,
                Some(Level::Info) => BOLD,
                Some(Level::Debug | Level::Trace) | None => DIM,
            });
        }
        let mut coloured = own;
        if self.raw {
            out.extend_from_slice(&line.message);
        } else {
            coloured |= sanitize(line.content(), self.colour, out);
        }
        if coloured {
            // A colour that a domain didn't end must not run into other domains' lines.
            out.extend_from_slice(RESET);
        }
        if line.partial && self.colour {
            self.painted(DIM, "⏎".as_bytes(), out);
        }
        out.push(b'\n');
    }

    /// The words for a gap, as a line of Fulcrum's own.
    pub fn render_gap(&mut self, gap: Gap) -> Vec<u8> {
        let mut out = self.prefix(&Arc::from(FULCRUM_SOURCE)).to_vec();
        let lines = if gap.missed == 1 { "line" } else { "lines" };
        let text = format!("{} {lines} dropped (output rate too high)", gap.missed);
        self.painted(BOLD_YELLOW, text.as_bytes(), &mut out);
        out.push(b'\n');
        out
    }

    fn painted(&self, colour: &[u8], text: &[u8], out: &mut Vec<u8>) {
        if self.colour {
            out.extend_from_slice(colour);
            out.extend_from_slice(text);
            out.extend_from_slice(RESET);
        } else {
            out.extend_from_slice(text);
        }
    }

    /// `users   │ `, in the name's colour.
    fn prefix(&mut self, name: &Arc<str>) -> &[u8] {
        let width = name.width().min(self.name_max);
        if width > self.column {
            self.column = width;
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
        if self.colour {
            if name == FULCRUM_SOURCE {
                out.extend_from_slice(BOLD);
            } else {
                write!(out, "\x1b[38;5;{}m", color_for(name)).expect("a Vec takes every write");
            }
        }
        let shown = truncate_to_width(name, self.column);
        sanitize(shown.as_bytes(), false, &mut out);
        out.resize(
            out.len() + self.column - shown.width().min(self.column),
            b' ',
        );
        out.extend_from_slice(" │".as_bytes());
        if self.colour {
            out.extend_from_slice(RESET);
        }
        out.push(b' ');
        out
    }
}

/// The same name has the same colour in every run and on every machine (FNV-1a over the palette).
fn color_for(name: &str) -> u8 {
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    // The low bits of FNV differ least between short names.
    let folded = hash ^ (hash >> 32);
    PALETTE[usize::try_from(folded % PALETTE.len() as u64).expect("less than the palette's length")]
}

/// The text, shortened with `…` if it takes more than so many columns of a terminal.
#[must_use]
pub fn truncate_to_width(name: &str, column: usize) -> String {
    if name.width() <= column {
        return name.to_owned();
    }
    let mut shown = String::new();
    let mut width = 1;
    for char in name.chars() {
        width += char.width().unwrap_or(0);
        if width > column {
            break;
        }
        shown.push(char);
    }
    shown.push('…');
    shown
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use bytes::Bytes;

    use super::*;
    use crate::Source;

    fn line(domain: &str, message: &'static str) -> LogLine {
        LogLine {
            seq: 1,
            time: SystemTime::UNIX_EPOCH + Duration::from_millis(1_234),
            source: Source {
                domain: Arc::from(domain),
                generation: 1,
                pid: 1,
            },
            stream: Stream::Stdout,
            level: None,
            message: Bytes::from_static(message.as_bytes()),
            partial: false,
        }
    }

    fn show(terminal: &mut LineRenderer, line: &LogLine) -> String {
        String::from_utf8(terminal.render(line)).expect("always UTF-8")
    }

    #[test]
    fn plain_lines_are_aligned_and_nothing_else() {
        let mut terminal = LineRenderer::new(Style {
            names: &["users", "orders"],
            ..Style::default()
        });
        assert_eq!(show(&mut terminal, &line("users", "hi")), "users   │ hi\n");
        let unfinished = LogLine {
            partial: true,
            ..line("users", "\u{1b}[31mhi\u{1b}]0;t\u{7}")
        };
        assert_eq!(show(&mut terminal, &unfinished), "users   │ hi␛]0;t␇\n");
        // A name that nobody had told of widens the column from then on.
        let longer = line("notifications", "x");
        assert_eq!(show(&mut terminal, &longer), "notifications │ x\n");
        assert_eq!(
            show(&mut terminal, &line("users", "hi")),
            "users         │ hi\n"
        );
    }

    #[test]
    fn wide_names_count_as_wide_and_long_ones_are_cut() {
        let mut terminal = LineRenderer::new(Style {
            names: &["注文"],
            width: Some(30),
            ..Style::default()
        });
        assert_eq!(show(&mut terminal, &line("注文", "x")), "注文    │ x\n");
        let long = line("recommendations", "x");
        assert_eq!(show(&mut terminal, &long), "recommend… │ x\n");
    }

    #[test]
    fn a_domains_colour_ends_with_its_line_and_depends_on_its_name_alone() {
        let style = Style {
            color: true,
            ..Style::default()
        };
        let mut one = LineRenderer::new(style);
        let shown = show(&mut one, &line("users", "\u{1b}[31mred"));
        assert!(shown.ends_with("\u{1b}[31mred\u{1b}[0m\n"), "{shown:?}");
        let mut other = LineRenderer::new(style);
        show(&mut other, &line("orders", "first"));
        assert_eq!(
            show(&mut other, &line("users", "x")),
            show(&mut one, &line("users", "x"))
        );
        assert_ne!(color_for("users"), color_for("orders"));
    }

    #[test]
    fn each_line_begins_as_the_terminal_was_before_all() {
        let mut terminal = LineRenderer::new(Style {
            color: true,
            ..Style::default()
        });
        let prefix = "\u{1b}[38;5;168musers   │\u{1b}[0m ";
        for (message, shown) in [
            ("x", "x\n"),
            // Ended by its writer: nothing to add.
            ("\u{1b}[31mred\u{1b}[0m x", "\u{1b}[31mred\u{1b}[0m x\n"),
            (
                "\u{1b}[31mred\u{1b}[39m",
                "\u{1b}[31mred\u{1b}[39m\u{1b}[0m\n",
            ),
            ("\u{1b}[7m\u{1b}[K", "\u{1b}[7m␛[K\u{1b}[0m\n"),
            ("\u{1b}]52;c;eA==\u{7}", "␛]52;c;eA==␇\n"),
        ] {
            let told = show(&mut terminal, &line("users", message));
            assert_eq!(told, format!("{prefix}{shown}"));
        }
    }

    #[test]
    fn unfinished_lines_and_fulcrums_own_words_stand_out_in_colour_only() {
        let unfinished = LogLine {
            partial: true,
            ..line("users", "x")
        };
        let own = LogLine {
            stream: Stream::Fulcrum,
            level: Some(Level::Error),
            ..line("users", "exit 1")
        };
        let mut colour = LineRenderer::new(Style {
            color: true,
            ..Style::default()
        });
        assert!(show(&mut colour, &unfinished).ends_with("x\u{1b}[2m⏎\u{1b}[0m\n"));
        assert!(show(&mut colour, &own).ends_with("\u{1b}[1;31mexit 1\u{1b}[0m\n"));
        let mut plain = LineRenderer::new(Style::default());
        assert_eq!(show(&mut plain, &unfinished), "users   │ x\n");
        assert_eq!(show(&mut plain, &own), "users   │ exit 1\n");
        assert_eq!(
            plain.render_gap(Gap { missed: 2 }),
            "fulcrum │ 2 lines dropped (output rate too high)\n".as_bytes()
        );
    }

    #[test]
    fn time_in_front_and_raw_bytes() {
        let mut terminal = LineRenderer::new(Style {
            timestamps: true,
            raw: true,
            ..Style::default()
        });
        assert_eq!(
            show(&mut terminal, &line("users", "\u{1b}]0;title\u{7}")),
            "1970-01-01T00:00:01.234Z users   │ \u{1b}]0;title\u{7}\n"
        );
    }
}
