//! Text with colors: sequences become styles, lines are cut and wrapped by columns.

use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthChar;

/// The columns of a tab.
const TAB: usize = 4;

/// Characters with their styles.
#[derive(Debug, Clone, Default)]
pub struct StyledText {
    pieces: Vec<(String, Style)>,
}

impl StyledText {
    /// Text in one style.
    pub fn new(text: impl Into<String>, style: Style) -> Self {
        let mut styled = Self::default();
        styled.push(text, style);
        styled
    }

    /// Adds text.
    pub fn push(&mut self, text: impl Into<String>, style: Style) {
        let text = text.into();
        if !text.is_empty() {
            self.pieces.push((text, style));
        }
    }

    /// The text of a line whose only control sequences are colors. They are added to `base`, or left
    /// out.
    pub fn from_colored(line: &str, base: Style, colors: bool) -> Self {
        let mut styled = Self::default();
        let mut style = base;
        for (number, part) in line.split('\x1b').enumerate() {
            let text = match (
                number,
                part.strip_prefix('[').and_then(|part| part.split_once('m')),
            ) {
                (0, _) | (_, None) => part,
                (_, Some((parameters, text))) => {
                    if colors {
                        style = apply(parameters, style, base);
                    }
                    text
                }
            };
            styled.push(text.replace('\t', &" ".repeat(TAB)), style);
        }
        styled
    }

    /// The text without styles.
    pub fn plain(&self) -> String {
        self.pieces.iter().map(|(text, _)| text.as_str()).collect()
    }

    /// Adds a style to a range of bytes of the plain text.
    pub fn highlight(&mut self, range: std::ops::Range<usize>, style: Style) {
        let mut pieces = Vec::with_capacity(self.pieces.len() + 2);
        let mut start = 0;
        for (text, own) in self.pieces.drain(..) {
            let end = start + text.len();
            let from = range.start.clamp(start, end) - start;
            let to = range.end.clamp(start, end) - start;
            let parts = [
                (0..from, own),
                (from..to, own.patch(style)),
                (to..text.len(), own),
            ];
            for (part, style) in parts {
                match text.get(part) {
                    Some("") | None => {}
                    Some(part) => pieces.push((part.to_owned(), style)),
                }
            }
            start = end;
        }
        self.pieces = pieces;
    }

    /// One row of at most `width` columns from column `from` on.
    pub fn cut(&self, from: usize, width: usize) -> Line<'static> {
        let mut spans = Vec::new();
        let mut column = 0;
        for (text, style) in &self.pieces {
            let mut part = String::new();
            for char in text.chars() {
                let columns = char.width().unwrap_or(0);
                if column >= from && column + columns <= from + width {
                    part.push(char);
                }
                column += columns;
            }
            if !part.is_empty() {
                spans.push(Span::styled(part, *style));
            }
            if column >= from + width {
                break;
            }
        }
        Line::from(spans)
    }

    /// Rows of at most `width` columns. At least one.
    pub fn wrap(&self, width: usize) -> Vec<Line<'static>> {
        let mut rows = Vec::new();
        let mut spans: Vec<Span<'static>> = Vec::new();
        let mut used = 0;
        for (text, style) in &self.pieces {
            let mut part = String::new();
            for char in text.chars() {
                let columns = char.width().unwrap_or(0);
                if used + columns > width && used > 0 {
                    spans.push(Span::styled(std::mem::take(&mut part), *style));
                    rows.push(Line::from(std::mem::take(&mut spans)));
                    used = 0;
                }
                part.push(char);
                used += columns;
            }
            if !part.is_empty() {
                spans.push(Span::styled(part, *style));
            }
        }
        rows.push(Line::from(spans));
        rows
    }
}

/// The style after a color sequence with these parameters.
fn apply(parameters: &str, style: Style, base: Style) -> Style {
    let mut numbers = parameters
        .split([';', ':'])
        .map(|number| number.parse::<u8>().unwrap_or(0));
    let mut style = style;
    while let Some(number) = numbers.next() {
        style = match number {
            0 => base,
            1 => style.add_modifier(Modifier::BOLD),
            2 => style.add_modifier(Modifier::DIM),
            3 => style.add_modifier(Modifier::ITALIC),
            4 => style.add_modifier(Modifier::UNDERLINED),
            7 => style.add_modifier(Modifier::REVERSED),
            9 => style.add_modifier(Modifier::CROSSED_OUT),
            22 => style.remove_modifier(Modifier::BOLD | Modifier::DIM),
            23 => style.remove_modifier(Modifier::ITALIC),
            24 => style.remove_modifier(Modifier::UNDERLINED),
            27 => style.remove_modifier(Modifier::REVERSED),
            29 => style.remove_modifier(Modifier::CROSSED_OUT),
            30..=37 => style.fg(Color::Indexed(number - 30)),
            90..=97 => style.fg(Color::Indexed(number - 90 + 8)),
            40..=47 => style.bg(Color::Indexed(number - 40)),
            100..=107 => style.bg(Color::Indexed(number - 100 + 8)),
            38 => extended(&mut numbers).map_or(style, |color| style.fg(color)),
            48 => extended(&mut numbers).map_or(style, |color| style.bg(color)),
            39 => Style {
                fg: base.fg,
                ..style
            },
            49 => Style {
                bg: base.bg,
                ..style
            },
            _ => style,
        };
    }
    style
}

/// `5;N` of the palette, or `2;R;G;B`.
fn extended(numbers: &mut impl Iterator<Item = u8>) -> Option<Color> {
    match numbers.next()? {
        5 => Some(Color::Indexed(numbers.next()?)),
        2 => Some(Color::Rgb(
            numbers.next()?,
            numbers.next()?,
            numbers.next()?,
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(line: &str) -> Vec<(String, Style)> {
        StyledText::from_colored(line, Style::new(), true).pieces
    }

    #[test]
    fn color_sequences_become_styles() {
        let red = Style::new().fg(Color::Indexed(1));
        assert_eq!(
            pieces("a\x1b[31mb\x1b[1mc\x1b[0md"),
            [
                ("a".to_owned(), Style::new()),
                ("b".to_owned(), red),
                ("c".to_owned(), red.add_modifier(Modifier::BOLD)),
                ("d".to_owned(), Style::new()),
            ]
        );
        assert_eq!(pieces("\x1b[38;5;208mx")[0].1.fg, Some(Color::Indexed(208)));
        assert_eq!(
            pieces("\x1b[48;2;1;2;3mx")[0].1.bg,
            Some(Color::Rgb(1, 2, 3))
        );
        assert_eq!(pieces("\x1b[mx"), [("x".to_owned(), Style::new())]);
        let plain = StyledText::from_colored("a\x1b[31mb", Style::new(), false);
        assert!(plain.pieces.iter().all(|(_, style)| *style == Style::new()));
        assert_eq!(plain.plain(), "ab");
    }

    #[test]
    fn rows_are_as_wide_as_the_terminal() {
        let text = |rows: Vec<Line<'_>>| rows.iter().map(ToString::to_string).collect::<Vec<_>>();
        let styled = StyledText::from_colored("ab\x1b[31mcdef", Style::new(), true);
        assert_eq!(text(styled.wrap(4)), ["abcd", "ef"]);
        assert_eq!(styled.cut(0, 4).to_string(), "abcd");
        assert_eq!(styled.cut(3, 2).to_string(), "de");
        // A wide character does not fit into one column.
        let wide = StyledText::new("日本語", Style::new());
        assert_eq!(text(wide.wrap(5)), ["日本", "語"]);
        assert_eq!(wide.cut(0, 5).to_string(), "日本");
        assert_eq!(text(StyledText::default().wrap(5)), [""]);
    }

    #[test]
    fn a_highlight_spans_pieces() {
        let mut styled = StyledText::from_colored("ab\x1b[31mcd", Style::new(), true);
        styled.highlight(1..3, Style::new().add_modifier(Modifier::REVERSED));
        let texts: Vec<_> = styled
            .pieces
            .iter()
            .map(|(text, _)| text.as_str())
            .collect();
        assert_eq!(texts, ["a", "b", "c", "d"]);
        assert!(styled.pieces[2].1.add_modifier.contains(Modifier::REVERSED));
        assert_eq!(styled.pieces[2].1.fg, Some(Color::Indexed(1)));
    }
}
