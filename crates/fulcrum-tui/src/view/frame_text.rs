//! A frame as text, for `--once`, for captures and for tests.

use std::fmt::Write as _;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};

/// The rows of a frame as lines, without spaces at their ends; with color sequences if `colors`.
pub fn frame_text(buffer: &Buffer, colors: bool) -> String {
    let area = buffer.area;
    let mut out = String::new();
    for y in area.top()..area.bottom() {
        let cells: Vec<&Cell> = (area.left()..area.right())
            .map(|x| &buffer[(x, y)])
            .collect();
        let is_blank = |cell: &&Cell| {
            let is_plain = cell.bg == Color::Reset && !cell.modifier.contains(Modifier::REVERSED);
            cell.symbol() == " " && (is_plain || !colors)
        };
        let end = cells
            .iter()
            .rposition(|cell| !is_blank(cell))
            .map_or(0, |at| at + 1);
        let mut style = String::new();
        let mut skip = 0;
        for cell in &cells[..end] {
            // The second half of a wide character.
            if skip > 0 {
                skip -= 1;
                continue;
            }
            if colors {
                let next = sequence(cell);
                if next != style {
                    out.push_str("\x1b[0m");
                    out.push_str(&next);
                    style = next;
                }
            }
            out.push_str(cell.symbol());
            skip = unicode_width::UnicodeWidthStr::width(cell.symbol()).saturating_sub(1);
        }
        if !style.is_empty() {
            out.push_str("\x1b[0m");
        }
        out.push('\n');
    }
    out
}

/// The sequence for a cell's looks; empty for plain text.
fn sequence(cell: &Cell) -> String {
    let mut parameters: Vec<String> = Vec::new();
    for (modifier, parameter) in [
        (Modifier::BOLD, "1"),
        (Modifier::DIM, "2"),
        (Modifier::UNDERLINED, "4"),
        (Modifier::REVERSED, "7"),
    ] {
        if cell.modifier.contains(modifier) {
            parameters.push(parameter.to_owned());
        }
    }
    parameters.extend(color(cell.fg, 30));
    parameters.extend(color(cell.bg, 40));
    let mut out = String::new();
    if !parameters.is_empty() {
        let _ = write!(out, "\x1b[{}m", parameters.join(";"));
    }
    out
}

/// The parameter of a color, for the foreground (30) or the background (40).
fn color(color: Color, base: u8) -> Option<String> {
    let number = match color {
        Color::Reset => return None,
        Color::Rgb(red, green, blue) => {
            return Some(format!("{};2;{red};{green};{blue}", base + 8));
        }
        Color::Indexed(number) => return Some(format!("{};5;{number}", base + 8)),
        Color::Black => 0,
        Color::Red => 1,
        Color::Green => 2,
        Color::Yellow => 3,
        Color::Blue => 4,
        Color::Magenta => 5,
        Color::Cyan => 6,
        Color::Gray => 7,
        Color::DarkGray => 60,
        Color::LightRed => 61,
        Color::LightGreen => 62,
        Color::LightYellow => 63,
        Color::LightBlue => 64,
        Color::LightMagenta => 65,
        Color::LightCyan => 66,
        Color::White => 67,
    };
    Some((base + number).to_string())
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    use super::*;

    #[test]
    fn rows_are_trimmed_and_wide_characters_are_one() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 8, 2));
        buffer.set_string(0, 0, "日本 x", Style::new().fg(Color::Red));
        assert_eq!(frame_text(&buffer, false), "日本 x\n\n");
        assert_eq!(
            frame_text(&buffer, true),
            "\x1b[0m\x1b[31m日本 x\x1b[0m\n\n"
        );
    }
}
