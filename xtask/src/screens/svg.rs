//! A screen as a drawing. Pure.

use std::fmt::Write as _;

/// The size of a cell, and of the margin, in pixels.
const CELL: (f32, f32) = (8.4, 18.0);
const MARGIN: f32 = 12.0;

const BACKGROUND: &str = "#1b1d23";
const FOREGROUND: &str = "#d5d8de";

/// The 16 colors.
const COLORS: [&str; 16] = [
    "#2e323c", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#c8ccd4",
    "#6b7280", "#ef8a92", "#b5e08f", "#f2d399", "#8cc5ff", "#dc9bf0", "#7fd5df", "#ffffff",
];

/// The looks of a character.
#[derive(Clone, Default, PartialEq)]
struct Looks {
    foreground: Option<String>,
    background: Option<String>,
    bold: bool,
    dim: bool,
    underlined: bool,
    reversed: bool,
}

/// The drawing of a screen with color sequences.
pub(super) fn svg(screen: &str, (columns, rows): (u16, u16)) -> String {
    let width = f32::from(columns) * CELL.0 + 2.0 * MARGIN;
    let height = f32::from(rows) * CELL.1 + 2.0 * MARGIN;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
         font-family=\"ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace\" font-size=\"14\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"6\" fill=\"{BACKGROUND}\"/>\n"
    );
    let mut looks = Looks::default();
    for (row, line) in screen.lines().enumerate() {
        let mut column = 0;
        for (number, part) in line.split("\x1b[").enumerate() {
            let text = match (number, part.split_once('m')) {
                (0, _) | (_, None) => part,
                (_, Some((parameters, text))) => {
                    apply(&mut looks, parameters);
                    text
                }
            };
            draw(&mut out, text, &looks, (column, row));
            column += text.chars().count();
        }
    }
    out.push_str("</svg>\n");
    out
}

#[expect(clippy::cast_precision_loss, reason = "a screen has few cells")]
fn draw(out: &mut String, text: &str, looks: &Looks, (column, row): (usize, usize)) {
    let (mut fill, mut behind) = (looks.foreground.clone(), looks.background.clone());
    if looks.reversed {
        let foreground = fill.unwrap_or_else(|| FOREGROUND.to_owned());
        let background = behind.unwrap_or_else(|| BACKGROUND.to_owned());
        (fill, behind) = (Some(background), Some(foreground));
    }
    let x = MARGIN + column as f32 * CELL.0;
    let y = MARGIN + row as f32 * CELL.1;
    let width = text.chars().count() as f32 * CELL.0;
    if let Some(behind) = behind {
        let height = CELL.1;
        let _ = writeln!(
            out,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height}\" fill=\"{behind}\"/>"
        );
    }
    if text.trim().is_empty() {
        return;
    }
    let fill = fill.unwrap_or_else(|| FOREGROUND.to_owned());
    let mut style = String::new();
    if looks.bold {
        style.push_str(" font-weight=\"bold\"");
    }
    if looks.dim {
        style.push_str(" opacity=\"0.6\"");
    }
    if looks.underlined {
        style.push_str(" text-decoration=\"underline\"");
    }
    let text = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    let base = y + 13.5;
    // The length keeps columns in line whatever the font is.
    let _ = writeln!(
        out,
        "<text x=\"{x:.1}\" y=\"{base:.1}\" textLength=\"{width:.1}\" xml:space=\"preserve\" fill=\"{fill}\"{style}>{text}</text>"
    );
}

/// Changes the looks by the parameters of a color sequence.
fn apply(looks: &mut Looks, parameters: &str) {
    let mut numbers = parameters
        .split([';', ':'])
        .map(|number| number.parse::<u8>().unwrap_or(0));
    while let Some(number) = numbers.next() {
        match number {
            0 => *looks = Looks::default(),
            1 => looks.bold = true,
            2 => looks.dim = true,
            4 => looks.underlined = true,
            7 => looks.reversed = true,
            22 => (looks.bold, looks.dim) = (false, false),
            24 => looks.underlined = false,
            27 => looks.reversed = false,
            30..=37 => looks.foreground = Some(palette(number - 30)),
            90..=97 => looks.foreground = Some(palette(number - 82)),
            40..=47 => looks.background = Some(palette(number - 40)),
            100..=107 => looks.background = Some(palette(number - 92)),
            38 => looks.foreground = extended(&mut numbers),
            48 => looks.background = extended(&mut numbers),
            39 => looks.foreground = None,
            49 => looks.background = None,
            _ => {}
        }
    }
}

fn extended(numbers: &mut impl Iterator<Item = u8>) -> Option<String> {
    match numbers.next()? {
        5 => Some(palette(numbers.next()?)),
        2 => Some(format!(
            "#{:02x}{:02x}{:02x}",
            numbers.next()?,
            numbers.next()?,
            numbers.next()?
        )),
        _ => None,
    }
}

/// A color of the palette of 256.
fn palette(number: u8) -> String {
    match number {
        0..16 => COLORS[usize::from(number)].to_owned(),
        16..232 => {
            let level = |step: u8| {
                if step == 0 {
                    0
                } else {
                    55 + 40 * u16::from(step)
                }
            };
            let number = number - 16;
            let (red, green, blue) = (number / 36, number / 6 % 6, number % 6);
            format!("#{:02x}{:02x}{:02x}", level(red), level(green), level(blue))
        }
        _ => {
            let gray = 8 + 10 * u16::from(number - 232);
            format!("#{gray:02x}{gray:02x}{gray:02x}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colors_and_places_of_text_are_kept() {
        let drawing = svg("ab\x1b[31mc<\x1b[0m\n\x1b[7m x\x1b[0m", (10, 2));
        assert!(
            drawing.contains("fill=\"#e06c75\">c&lt;</text>"),
            "{drawing}"
        );
        assert!(drawing.contains("x=\"28.8\""), "{drawing}");
        assert!(
            drawing.contains(&format!("fill=\"{BACKGROUND}\"> x</text>")),
            "{drawing}"
        );
        assert_eq!(palette(16), "#000000");
        assert_eq!(palette(231), "#ffffff");
        assert_eq!(palette(232), "#080808");
    }
}
